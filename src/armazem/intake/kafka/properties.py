"""The file of `kafka_properties`: how brokers are reached, with secrets. Its values are never shown."""

from __future__ import annotations

import re
from pathlib import Path

from armazem.config import ConfigError

# What the promises hang on, and what has another place.
_OURS = {
    "bootstrap.servers": "the brokers stand in the address, kafka:BROKERS/TOPIC",
    "metadata.broker.list": "the brokers stand in the address, kafka:BROKERS/TOPIC",
    "group.id": "set ARMAZEM_KAFKA_GROUP",
    "group.instance.id": "set ARMAZEM_KAFKA_INSTANCE",
    "group.protocol": "remove it",
    "enable.auto.commit": "offsets are committed when events are on the disk: remove it",
    "enable.auto.offset.store": "offsets are committed when events are on the disk: remove it",
    "enable.partition.eof": "remove it",
    "auto.offset.reset": "a topic is read from its beginning: remove it",
    "isolation.level": "what was not committed is not read: remove it",
    "partition.assignment.strategy": "remove it",
    "acks": "every message is acknowledged: remove it",
    "request.required.acks": "every message is acknowledged: remove it",
    "enable.idempotence": "remove it",
    "transactional.id": "remove it",
}
_OF_JAVA = {
    "sasl.jaas.config": "librdkafka takes sasl.username and sasl.password",
    "ssl.truststore.location": "librdkafka takes ssl.ca.location, a PEM file",
    "ssl.truststore.password": "librdkafka takes ssl.ca.location, a PEM file",
}
_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)+")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_LINE = re.compile(r"(?P<key>(?:\\.|[^\\=:\s])*)[ \t\f]*[=:]?[ \t\f]*(?P<value>.*)", re.DOTALL)


def read_properties(path: str) -> dict[str, str]:
    """The properties of a file; of no path none. Raises ConfigError, with names and never a value."""
    if not path:
        return {}
    try:
        text = Path(path).expanduser().read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"kafka_properties: {path} is no text in UTF-8", "write it as key=value lines") from error
    except OSError as error:
        raise ConfigError(
            f"kafka_properties: {path} cannot be read: {error.strerror or error}", "check the path and the permissions"
        ) from error
    properties = parsed(text)
    for name in properties:
        if name in _OURS:
            raise ConfigError(f"kafka_properties: {name} is not yours to set", _OURS[name])
        if name in _OF_JAVA:
            raise ConfigError(f"kafka_properties: there is no property {name} of librdkafka", _OF_JAVA[name])
        if not _NAME.fullmatch(name):
            raise ConfigError(
                f"kafka_properties: a line of {path} is not of the form key=value",
                "keys are names of librdkafka with dots, such as security.protocol",
            )
    return properties


def parsed(text: str) -> dict[str, str]:
    """The properties of a text, by the rules of java.util.Properties: comments, escapes and lines that go on."""
    found = {}
    for line in _logical_lines(text):
        match = _LINE.fullmatch(line)
        if match is not None:
            found[_unescaped(match["key"])] = _unescaped(match["value"])
    return found


def wrong_property(reason: str, path: str, given: dict[str, str]) -> ConfigError:
    """What librdkafka has against the properties of the file at `path`. Its own words may hold a value."""
    named = re.search(r'property:? "([^"]+)"', reason)
    found = [name for name in given if named and name == named[1]] or [name for name in given if name in reason]
    if not found:
        return ConfigError(
            f"kafka_properties: librdkafka does not take {path}, with {', '.join(sorted(given)) or 'nothing in it'}",
            "check the values, and that files which they name are there",
        )
    name = max(found, key=len)
    if reason.startswith("No such configuration property"):
        return ConfigError(
            f"kafka_properties: there is no property {name} of librdkafka", f"correct its name in {path}"
        )
    return ConfigError(f"kafka_properties: {name} has a value that it cannot have", f"correct it in {path}")


def _logical_lines(text: str) -> list[str]:
    lines: list[str] = []
    going_on = False
    for raw in re.split(r"\r\n|\r|\n", text):
        line = raw.lstrip(" \t\f")
        if not going_on and (not line or line[0] in "#!"):
            continue
        before = lines.pop() if going_on else ""
        backslashes = len(line) - len(line.rstrip("\\"))
        going_on = backslashes % 2 == 1
        lines.append(before + (line[:-1] if going_on else line))
    return lines


def _unescaped(text: str) -> str:
    special = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}

    def meant(match: re.Match[str]) -> str:
        found = match[1]
        return chr(int(found[1:], 16)) if len(found) == 5 else special.get(found, found)

    return _ESCAPE.sub(meant, text)
