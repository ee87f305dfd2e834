"""What librdkafka reports, in one line, and what to do."""

from __future__ import annotations

from typing import NamedTuple

from confluent_kafka import KafkaError

from armazem.errors import BrokerError

_FENCED = (KafkaError.FENCED_INSTANCE_ID, KafkaError.UNRELEASED_INSTANCE_ID)
_NO_TOPIC = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION)
_NOT_ALLOWED = (
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
)
_NO_ANSWER = (
    KafkaError._TRANSPORT,
    KafkaError._TIMED_OUT,
    KafkaError._MSG_TIMED_OUT,
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._RESOLVE,
)
_NOT_LET_IN = (KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED)


def ends_for_good(error: KafkaError) -> bool:
    """Whether it would be the same however often it is tried."""
    return error.fatal() or error.code() in (
        *_FENCED,
        *_NO_TOPIC,
        *_NOT_ALLOWED,
        KafkaError.TOPIC_EXCEPTION,
        KafkaError._FATAL,
    )


class Place(NamedTuple):
    """A topic, and as whom it is read; who sends is no member of a group."""

    brokers: str
    topic: str
    group: str = ""
    instance: str = ""

    @property
    def url(self) -> str:
        return f"kafka:{self.brokers}/{self.topic}"


def broker_error(error: KafkaError, place: Place, reason: str = "") -> BrokerError:
    """The error of using a topic, for the user. `reason`: what was said of the connection before."""
    brokers, topic, group, instance = place
    code = error.code()
    if code in _FENCED or (code == KafkaError._FATAL and "instance" in error.str()):
        return BrokerError(
            f"another process reads {topic} as {instance} of the group {group}",
            "one of them is enough; one that shall share the work needs an ARMAZEM_KAFKA_INSTANCE of its own",
        )
    if code in _NO_TOPIC or code == KafkaError.TOPIC_EXCEPTION:
        return BrokerError(f"there is no topic {topic} at {brokers}", "correct the name, or create it")
    if code in _NOT_ALLOWED:
        what = f"the group {group}" if code == KafkaError.GROUP_AUTHORIZATION_FAILED else f"the topic {topic}"
        return BrokerError(
            f"no permission for {what} at {brokers}", "reading takes Read on topic and group, sending takes Write"
        )
    if code in _NOT_LET_IN:
        return BrokerError(
            f"{brokers} does not let us in: {reason or error.str()}",
            "check sasl.* in the file that ARMAZEM_KAFKA_PROPERTIES names",
        )
    if code == KafkaError._SSL:
        return BrokerError(
            f"no secure connection to {brokers}: {reason or error.str()}",
            "check ssl.* in the file that ARMAZEM_KAFKA_PROPERTIES names",
        )
    if code in _NO_ANSWER:
        kept = "; nothing is lost, the topic keeps its messages" if group else ""
        return BrokerError(
            f"no Kafka broker answers at {brokers}: {reason or error.str()}",
            f"check the address, the network and security.protocol{kept}",
        )
    return BrokerError(f"Kafka at {brokers} ended the use of {topic}: {error.str()}", "")
