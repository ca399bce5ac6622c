"""Write the reference pages that follow from the code: `make docs`.

A test compares the pages with what this module says, so they cannot fall behind.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import walks

from qa_service.cli import main as command_line
from qa_service.config import CONFIG_FILE, Settings
from qa_service.errors import QaServiceError

DOCS = Path(__file__).parent.parent / "docs"
WRITTEN_BY = "<!-- Written by `make docs` from the code; edit the code instead. -->\n"
TERMINAL_WIDTH = 96

# Defaults that depend on the machine, in words.
COMPUTED_DEFAULTS = {"cache": "the user's cache folder, `~/.cache/qa-service` on Linux"}


def settings_page() -> str:
    """Return docs/settings.md: every setting with its variable, values, default and meaning."""
    properties = Settings.model_json_schema()["properties"]
    rows = [
        f"| `{name}` | `QA_{name.upper()}` | {_values(properties[name])} | {_default(name)} "
        f"| {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(
        [
            WRITTEN_BY,
            "# Settings",
            "",
            "An option on the command line wins over an environment variable, the variable over",
            f"`{CONFIG_FILE}` in the working folder, and that over the default. Refused by name at",
            "start: a value that cannot be used, a name in that file and a variable beginning with",
            "`QA_` that are no setting (a slip is told with what was meant), and protection of",
            "reading without an API key.",
            "",
            f"In `{CONFIG_FILE}` a setting is one line:",
            "",
            "```toml",
            'articles = "my-articles"',
            "port = 8080",
            "```",
            "",
            "| setting | variable | values | default | meaning |",
            "|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _values(schema: Mapping[str, Any]) -> str:
    """Say which values a setting takes, from its JSON schema."""
    options = schema.get("anyOf", [schema])
    return " or ".join(_one_kind(option) for option in options if option.get("type") != "null")


def _one_kind(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if schema["type"] in ("integer", "number"):
        kind = "number" if schema["type"] == "number" else "whole number"
        bounds = [f"{schema[bound]:_}".replace("_", " ") for bound in ("minimum", "maximum")]
        return f"{kind}, {bounds[0]} to {bounds[1]}"
    if schema.get("format") == "path":
        return "path"
    return {"string": "text", "boolean": "`true`, `false`", "array": "list"}[schema["type"]]


def _default(name: str) -> str:
    """Say what a setting is when nobody sets it."""
    if name in COMPUTED_DEFAULTS:
        return COMPUTED_DEFAULTS[name]
    default = Settings.model_fields[name].default
    if default is None or default == ():
        return "–"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def cli_page() -> str:
    """Return docs/cli.md: the help of every command, as the terminal shows it."""
    sections = [
        f"## {path}\n\n```text\n{help_text}\n```\n" for path, help_text in _help_texts(command_line)
    ]
    return "\n".join([WRITTEN_BY, "# Command line\n", *sections])


def _help_texts(
    command: click.Command, parent: click.Context | None = None
) -> Iterator[tuple[str, str]]:
    context = command.make_context(
        command.name if parent else "qa-service",
        [],
        parent,
        resilient_parsing=True,  # asked for nothing, and does nothing
        terminal_width=TERMINAL_WIDTH,
    )
    yield context.command_path, command.get_help(context).rstrip()
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            subcommand = command.get_command(context, child)
            if subcommand is not None and not subcommand.hidden:
                yield from _help_texts(subcommand, context)


def errors_page() -> str:
    """Return docs/errors.md: every error's stable code and when it comes."""
    rows = [
        f"| `{error.code}` | `{error.__name__}` | {(error.__doc__ or '').splitlines()[0]} |"
        for error in _error_tree(QaServiceError)
    ]
    return "\n".join(
        [
            WRITTEN_BY,
            "# Errors",
            "",
            "Each message names what was found, what was expected and how to mend it; it is meant",
            "for people and may change. The code stands in the API's error bodies and is stable.",
            "",
            "| code | exception | when |",
            "|---|---|---|",
            *rows,
            "",
        ]
    )


def _error_tree(root: type[QaServiceError]) -> Iterator[type[QaServiceError]]:
    yield root
    for child in root.__subclasses__():
        yield from _error_tree(child)


def pages() -> dict[Path, str]:
    """Return every generated page by its path."""
    return {
        DOCS / "settings.md": settings_page(),
        DOCS / "cli.md": cli_page(),
        DOCS / "errors.md": errors_page(),
        walks.PAGE: walks.with_current_lines(walks.PAGE.read_text(encoding="utf-8")),
    }


def main() -> None:
    """Write the pages that changed and name them."""
    for path, text in pages().items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"wrote {path.relative_to(DOCS.parent)}\n")


if __name__ == "__main__":
    main()
