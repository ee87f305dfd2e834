"""docs/cli.md and docs/settings.md: rendered from the commands and from the Settings object."""

from __future__ import annotations

import click

from armazem.cli import main
from armazem.cli.group import COMMANDS, all_commands
from armazem.config import CONFIG_FILE, Settings

_WIDTH = 100
_CLI_INTRO = """\
Every command, as `armazem COMMAND --help` shows it. A flag wins over the environment, which wins over `armazem.toml`:
see [settings.md](settings.md).

Answers go to the standard output, progress and remarks to the standard error, so that an answer can be piped. On a
terminal progress is a bar, elsewhere it is plain lines.

| exit code | meaning |
|---|---|
| 0 | done; rows may have been rejected, and tests may have warned |
| 1 | the work failed: one line says what, where and what to do; nothing was changed |
| 3 | `build`: rows failed a test, so nothing was published; another try would end alike |
| 2 | wrong use: an option or argument that does not exist or does not fit |
| 130 | ended by Ctrl-C, within seconds; nothing is left half done |
| 143 | ended by SIGTERM likewise; `serve`, `subscribe` and `simulate` finish what is under way and leave with 0 |

Whoever reads the remarks may go away (`armazem build 2>&1 | head -1`): the work goes on, and its exit code is that of
the work. Whoever reads the answer may too: the command ends without a word, with 0. An answer that cannot be written
for another reason, such as a full disk, is an error."""
_SETTINGS_INTRO = """\
Each setting has one name, in lower case in `armazem.toml` and as `ARMAZEM_` + upper case in the environment. A
command's flag wins over the environment, which wins over the file, which wins over the default. An unknown name in
the file is an error, one in the environment a warning. `armazem.toml` is read from the folder in which the command is
run."""
FLAGS = {
    "home": "`armazem --home`", "threads": "`build --threads`", "lock_timeout": "`build --wait`",
    "query_timeout": "`sql --timeout`", "allowed_hosts": "`serve --allowed-host`",
}  # fmt: skip


def cli_page() -> list[str]:
    """The lines of docs/cli.md."""
    context = click.Context(
        main, info_name="armazem", terminal_width=_WIDTH, help_option_names=main.context_settings["help_option_names"]
    )
    lines = ["# Commands", "", *_CLI_INTRO.splitlines(), "", "| command | what it does |", "|---|---|"]
    lines += [f"| [`{name}`](#armazem-{name}) | {text} |" for name, (_, text) in sorted(COMMANDS.items())]
    lines += ["", "## `armazem`", "", "```text", *main.get_help(context).splitlines(), "```"]
    for command in all_commands().values():
        lines += _sections(command, context, "##")
    return [line.rstrip() for line in lines]


def _sections(command: click.Command, parent: click.Context, level: str) -> list[str]:
    """The help of a command, and below it that of its own commands."""
    context = click.Context(command, info_name=command.name, parent=parent, terminal_width=_WIDTH)
    lines = ["", f"{level} `{context.command_path}`", "", "```text", *command.get_help(context).splitlines(), "```"]
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            lines += _sections(command.commands[name], context, level + "#")
    return lines


def settings_page() -> list[str]:
    """The lines of docs/settings.md."""
    lines = ["# Settings", "", *_SETTINGS_INTRO.splitlines(), ""]
    lines += ["| setting | environment | default | flag | what it is, and when to set it |", "|---|---|---|---|---|"]
    example = []
    for name, field in Settings.model_fields.items():
        default = field.default
        shown = f"`{default}`" if str(default) else "empty"
        lines.append(f"| `{name}` | `ARMAZEM_{name.upper()}` | {shown} | {FLAGS.get(name, '')} | {field.description} |")
        value = default if isinstance(default, int | float) else f'"{default}"'
        example.append(f"{name} = {value}")
    lines += ["", f"`{CONFIG_FILE}` with the defaults:", "", "```toml", *example, "```"]
    return lines
