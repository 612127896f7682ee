"""Writes docs/reference.md from the tables that the program itself reads: `python -m tests.reference`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer
from prometheus_client import REGISTRY

from app.cli import cli
from app.issues.lifecycle import ACTIONS
from app.kit.policy import HELD_FOR, MAY_INVITE, ROUTES
from app.main import create_app
from app.settings import Settings

_EVENTS = """
Events without a request: `report`, `report_mended`; `photo` (a photograph arrived, was refused, or proved damaged); `absorb` and `release`
(the survivor's side of a merge and its undo); `remind`, `overdue`, `remind_reply`, `reply_overdue` and `recur` (the clock's);
`import_assign` and `import_close` (past cases); `pass_on` (work was handed over).
`photos` of `rectify` are needed where the category demands them; the deadline of
`grant_extension` defaults to the one asked for; `unmerge` leads back to the state before the merge.
"""
PATH = Path(__file__).parents[1] / "docs" / "reference.md"


def _commands(group: Any, prefix: str) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            rows += _commands(command, f"{prefix} {name}")
        else:
            options = ", ".join(o for p in command.params for o in p.opts[:1] if o.startswith("--") and o != "--help")
            rows.append(
                (f"{prefix} {name}", f"{(command.help or '').splitlines()[0]} {f'({options})' if options else ''}".strip())
            )
    return rows


# What is asked of a value, by its word in JSON Schema.
_BOUNDS = {
    "minimum": "at least {}", "exclusiveMinimum": "more than {}", "maximum": "at most {}", "exclusiveMaximum": "less than {}",
    "minLength": "{} or more characters", "maxLength": "at most {} characters", "minItems": "{} or more", "maxItems": "at most {}",
    "format": "{}", "pattern": "`{}`",
}  # fmt: skip


def _bounds(schema: Any) -> list[str]:
    """What a schema asks of a value, in words; of its alternatives and items too."""
    if not isinstance(schema, dict):
        return []
    found = [words.format(str(schema[word]).replace("|", "\\|")) for word, words in _BOUNDS.items() if word in schema]
    for inner in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ()), schema.get("items")):
        found += [each for each in _bounds(inner) if each not in found]
    return found


def _limits(document: Any) -> list[str]:
    """A line for each parameter and each field of a body that has bounds."""
    rows: list[str] = []
    for path, item in document["paths"].items():
        for method, operation in item.items():
            for asked in operation.get("parameters", ()):
                if bounds := _bounds(asked["schema"]):
                    rows.append(f"| `{method.upper()} {path}` | `{asked['name']}` | {', '.join(bounds)} |")
    for name, schema in sorted(document["components"]["schemas"].items()):
        for field, asked in schema.get("properties", {}).items():
            if bounds := _bounds(asked):
                rows.append(f"| {name} | `{field}` | {', '.join(bounds)} |")
    return rows


def text() -> str:
    lines = ["# Reference", "", "Written by `python -m tests.reference` from the program's own tables.", "", "## Routes", ""]
    lines += ["| route | who | what |", "|---|---|---|"]
    document = create_app("", Path()).openapi()
    paths = document["paths"]
    for (method, path), rule in ROUTES.items():
        who = "anyone" if rule.anyone else ", ".join(sorted(rule.roles)) if rule.roles else "signed in"
        if rule.scraped:
            who += ", or the metrics' token"
        what = paths[path][method.lower()].get("description", "").split("\n")[0]
        lines.append(f"| `{method} {path}` | {who} | {what} |")
    lines += ["", "## Lifecycle", "", "| action | from | to | who | needs | may have |", "|---|---|---|---|---|---|"]
    for a in ACTIONS.values():
        who = ", ".join(a.who) + (" (never who rectified)" if a.not_rectifier else "")
        lines.append(
            f"| {a.name} | {', '.join(a.sources)} | {', '.join(a.to or ('same',))} | {who} | {', '.join(a.needs)} | {', '.join(a.may)} |"
        )
    lines += ["", *_EVENTS.strip().splitlines()]
    lines += ["", "## Roles", "", "| role | held for | may invite to |", "|---|---|---|"]
    for role, targets in HELD_FOR.items():
        given = ", ".join(sorted(MAY_INVITE.get(role, ())))
        if role == "staff":
            given += f"; of areas beneath also {', '.join(sorted(MAY_INVITE['staff above']))}"
        lines.append(f"| {role} | {', '.join(sorted(targets)) or 'everything'} | {given} |")
    lines += ["", "## Settings", "", "| variable | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        variable = str(field.validation_alias or f"GRIDPATROL_{name.upper()}")
        default = "" if name == "data" or field.default is None else f"`{field.default}`"
        lines.append(f"| `{variable}` | {default} | {field.description} |")
    lines += ["", "## Limits", "", "| route or body | field | limit |", "|---|---|---|", *_limits(document)]
    lines += ["", "## Commands", "", "| command | what |", "|---|---|"]
    lines += [f"| `{name}` | {what} |" for name, what in _commands(typer.main.get_command(cli), "gridpatrol")]
    lines += ["", "## Metrics", "", "| metric | meaning |", "|---|---|"]
    metrics = sorted((family.name, family.documentation) for family in REGISTRY.collect() if family.name.startswith("gridpatrol"))
    lines += [f"| `{name}` | {meaning} |" for name, meaning in metrics]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PATH.write_text(text(), "utf-8")
