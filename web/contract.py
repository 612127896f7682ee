"""What the client takes from the service: its description as types, and the lifecycle's fields of each action."""

from __future__ import annotations

import hashlib
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from app.issues.lifecycle import ACTIONS, MENDABLE, OPEN, STATES
from app.kit.language import TEXTS
from app.kit.policy import ROLES
from app.main import create_app

HERE = Path(__file__).parent
API = HERE / "src" / "api"


def description() -> str:
    return json.dumps(create_app("postgresql://nowhere", Path()).openapi(), ensure_ascii=False, sort_keys=True)


def mark(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def lifecycle() -> str:
    rows = [
        f"  {action.name}: {{ needs: {json.dumps(list(action.needs))}, may: {json.dumps(list(action.may))} }},"
        for action in ACTIONS.values()
    ]
    states = f"\nexport const STATES = {json.dumps(list(STATES))} as const\nexport const OPEN: readonly string[] = {json.dumps(list(OPEN))}\n"
    states += "/** In these an issue whose deadline has passed is overdue. */\n"
    states += f"export const MENDABLE: readonly string[] = {json.dumps(list(MENDABLE))}\n"
    head = "// Written by web/contract.py from the lifecycle table: the fields that each action needs, and may have; the states, and which are open.\n"
    return (
        head
        + "export const ACTIONS = {\n"
        + "\n".join(rows)
        + "\n} as const\n\nexport type ActionName = keyof typeof ACTIONS\n"
        + states
    )


# What begins a text's key, and the kind of name that the client knows it by; of a happening and an action the client makes no difference.
_KINDS = {
    "as": "as",
    "reason": "reason",
    "state": "state",
    "action": "action",
    "happened": "action",
    "role": "role",
    "audit": "audit",
}
_LABELS = ("state", "action", "role", "audit")


def _named(language: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, text in TEXTS.items():
        begin, _, name = key.partition("-")
        kind = _KINDS.get(begin)
        if kind and (kind != "role" or name in ROLES):
            told = text[language]
            # In English a label begins with a capital, within a sentence the word does not.
            found[f"{kind}.{name}"] = told[:1].upper() + told[1:] if kind in _LABELS else told
    return found


def names() -> str:
    """Words that papers and screens say alike: states, actions and what else happens, roles, as what somebody acted, and for what reason."""
    told = {"zh-CN": _named("zh"), "en": _named("en")}
    head = "// Written by web/contract.py from the service's own words.\n"
    return f"{head}export const NAMES: Record<'zh-CN' | 'en', Record<string, string>> = {json.dumps(told, ensure_ascii=False, indent=2)}\n"


_MOST_NAMES = 6


def _answer(operation: dict[str, Any], schemas: dict[str, Any]) -> list[str] | None:
    """Names that always stand in what an operation answers, the first few; None where it answers without a body."""
    taken = {status: answer for status, answer in operation["responses"].items() if status.startswith("2")}
    if set(taken) == {"204"}:
        return None
    for answer in taken.values():
        told = answer.get("content", {}).get("application/json", {}).get("schema", {})
        if "$ref" in told:
            return schemas[told["$ref"].rpartition("/")[2]].get("required", [])[:_MOST_NAMES]
    return []


def shapes(text: str) -> str:
    """By which the client knows an answer of the service from one that somebody between gave: the login page of a network can be JSON too."""
    told = json.loads(text)
    schemas = told["components"]["schemas"]
    rows: dict[str, list[str] | None] = {}
    for path, operations in told["paths"].items():
        # What is no JSON is not read by the client's code, but opened by the browser.
        # Answers to what waits in the outbox are judged there, by what was sent.
        if path.startswith("/v1/") and not path.endswith((".html", ".docx", ".csv", ".xlsx", ".zip", ".mvt", "/actions")):
            for method, operation in operations.items():
                names = _answer(operation, schemas)
                if names is None or names:
                    rows[f"{method.upper()} {path}"] = names
    lines = "".join(f"  {json.dumps(key)}: {json.dumps(names)},\n" for key, names in sorted(rows.items()))
    head = "// Written by web/contract.py from the service's description: names that stand in what is answered; null where nothing is said.\n"
    return f"{head}export const SHAPES: Record<string, readonly string[] | null> = {{\n{lines}}}\n"


def main() -> None:
    text = description()
    (API / "shapes.ts").write_text(shapes(text), "utf-8")
    (API / "lifecycle.ts").write_text(lifecycle(), "utf-8")
    (API / "names.ts").write_text(names(), "utf-8")
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        target = API / "schema.d.ts"
        subprocess.run([HERE / "node_modules" / ".bin" / "openapi-typescript", file.name, "-o", target], check=True)
    target.write_text(f"// Of the description {mark(text)}; written by web/contract.py.\n{target.read_text('utf-8')}", "utf-8")


if __name__ == "__main__":
    main()
