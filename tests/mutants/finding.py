"""Every place where the program lets nobody in, stops too much, or keeps two apart; each as a change that takes it away.

A mutant is one such change of one file of `app`: a condition of scope or ownership that always holds, a rule of the policy
table that lets everybody pass, a bound that is gone, a guard that never refuses, a lock that is not taken.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from pathlib import Path

# What answers to no request of anybody: commands, the demo, imports of past cases, and the private cluster.
_OUTSIDE = ("demo/", "interop/", "cli", "kit/cluster.py", "worker.py")

_OWNER = r"(?:account_id|by_id|inviter_id|leader_id|deputy_id|owner_id|reporter_id|assignee_id|rectified_by|actor_id)"
_PLACE = r"(?:area_id|cell_id|unit_id|audience|ancestor_id|\bid)"
_VALUE = r"(?:\$\d+(?:::uuid)?|:\w+|c\.account_id)"
_LIST = r"(?:c\.(?:reads|staffs|inspects|leads|units|writes)|\$\d+(?:::uuid\[\])?)"

# Conditions that are made to hold for everything.
_CONDITIONS = {
    "scope": (
        rf"\bi\.\w+ = any\({_LIST}\)|\b(?:\w+\.)?{_PLACE} = any\({_LIST}\)",
        r"\{SCOPE\}|\{_SEEN\}",
    ),
    "ownership": (rf"\b(?:\w+\.)?{_OWNER} = {_VALUE}",),
    "validity": (
        r"\b(?:\w+\.)?(?:revoked_at|disabled_at|failed_at|retired_at|ended_at|used_at|closed_at) is null",
        r"\b(?:\w+\.)?(?:expires_at|valid_until) > now\(\)",
        r"\{HOLDS\.format\([^)]*\)\}",
    ),
    "version": (r"\b(?:\w+\.)?version = (?:\$\d+|:\w+)",),
}
# Locks that are not taken.
_LOCKS = (r" for (?:no key )?(?:update|share)(?: of \w+)?", r"pg_advisory_xact_lock\(")
_BOUNDS = frozenset({"ge", "le", "gt", "lt", "max_length", "min_length", "pattern", "max_digits", "multiple_of"})
_FIELDS = frozenset({"Field", "Query", "Path", "Header", "Body", "Cookie"})


@dataclass(frozen=True, slots=True)
class Mutant:
    """A change of the bytes `begin` to `end` of a file of `app` into `after`. `within`: the function or class around it."""

    file: str
    line: int
    kind: str
    begin: int
    end: int
    before: str
    after: str
    within: str

    @property
    def name(self) -> str:
        shown = " ".join(self.before.split())
        return f"{self.kind} {self.file}:{self.line} {self.within} {shown[:90]}"

    def applied(self, source: bytes) -> bytes:
        return source[: self.begin] + self.after.encode() + source[self.end :]


class Module:
    """A file's syntax, with places as offsets of bytes."""

    def __init__(self, root: Path, path: Path) -> None:
        self.file = str(path.relative_to(root))
        self.source = path.read_bytes()
        self.tree = ast.parse(self.source)
        self.starts = [0]
        for line in self.source.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))

    def span(self, node: ast.expr | ast.keyword) -> tuple[int, int]:
        assert node.end_lineno is not None and node.end_col_offset is not None
        return self.starts[node.lineno - 1] + node.col_offset, self.starts[node.end_lineno - 1] + node.end_col_offset

    def within(self, line: int) -> str:
        """The innermost function or class, or the name that the statement gives, around a line."""
        found = ""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                if node.lineno <= line <= (node.end_lineno or 0):
                    found = node.name
            elif isinstance(node, ast.Assign | ast.AnnAssign) and not found and node.lineno <= line <= (node.end_lineno or 0):
                target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                found = target.id if isinstance(target, ast.Name) else ""
        return found

    def mutant(self, kind: str, begin: int, end: int, after: str) -> Mutant:
        line = self.source.count(b"\n", 0, begin) + 1
        return Mutant(self.file, line, kind, begin, end, self.source[begin:end].decode(), after, self.within(line))


def _texts(module: Module) -> Generator[tuple[int, int]]:
    """Where the texts of a module stand, f-strings as one; docstrings are none."""
    documents: set[int] = set()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            documents.add(id(node.value))
        if isinstance(node, ast.JoinedStr):
            documents.update(id(each) for each in ast.walk(node) if each is not node)
    for node in ast.walk(module.tree):
        text = isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))
        if text and isinstance(node, ast.expr) and id(node) not in documents:
            yield module.span(node)


def _assigns(source: bytes, begin: int) -> bool:
    """Whether what stands at `begin` is given a value (`set x = …`), not asked for."""
    before = source[max(0, begin - 40) : begin].decode(errors="replace").rstrip().lower()
    return before.endswith(("set", ","))


def _sql(module: Module) -> Generator[Mutant]:
    found: set[tuple[int, int]] = set()
    for first, last in _texts(module):
        text = module.source[first:last]
        if not re.search(rb"\b(select|where|update|delete|insert|exists)\b|any\(|\{SCOPE|for update| or |= \$", text):
            continue
        for kind, patterns in _CONDITIONS.items():
            for pattern in patterns:
                for match in re.finditer(pattern.encode(), text):
                    begin, end = first + match.start(), first + match.end()
                    if (begin, end) in found or _assigns(module.source, begin):
                        continue
                    found.add((begin, end))
                    yield module.mutant(kind, begin, end, f"({match.group().decode()} or true)")
        for pattern in _LOCKS:
            for match in re.finditer(pattern.encode(), text):
                begin, end = first + match.start(), first + match.end()
                after = "abs(" if match.group().startswith(b"pg_") else ""
                yield module.mutant("lock", begin, end, after)


def _bounds(module: Module) -> Generator[Mutant]:
    for node in ast.walk(module.tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
            continue
        if node.func.id in _FIELDS:
            for keyword in node.keywords:
                if keyword.arg in _BOUNDS:
                    begin, end = module.span(keyword)
                    yield module.mutant("bound", begin, end, f"{keyword.arg}=None")
        elif node.func.id == "AfterValidator" and isinstance(node.args[0], ast.Name):
            begin, end = module.span(node.args[0])
            yield module.mutant("bound", begin, end, "lambda value: value")


def _guards(module: Module) -> Generator[Mutant]:
    """Conditions that end in nothing but a refusal."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.If) and not node.orelse and isinstance(node.body[-1], ast.Raise):
            begin, end = module.span(node.test)
            yield module.mutant("guard", begin, end, "False")


def _policy(module: Module) -> Generator[Mutant]:
    if not module.file.endswith("kit/policy.py"):
        return
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Dict):
            continue
        for key, value in zip(node.keys, node.values, strict=True):
            if not isinstance(value, ast.Name) or not isinstance(key, ast.Tuple):
                continue
            begin, end = module.span(value)
            if value.id in ("SIGNED_IN", "STREAMED"):
                yield module.mutant(
                    "policy", begin, end, "ANYONE" if value.id == "SIGNED_IN" else "Rule(anyone=True, streams=True)"
                )
            elif value.id not in ("ANYONE", "IN_QUERY"):
                yield module.mutant("policy", begin, end, "SIGNED_IN")
    for node in ast.walk(module.tree):
        target = node.target if isinstance(node, ast.AnnAssign) else None
        if isinstance(target, ast.Name) and target.id.startswith("MAY_") and isinstance(node, ast.AnnAssign):
            for value in ast.walk(node):
                if isinstance(value, ast.Set):
                    begin, end = module.span(value)
                    yield module.mutant("policy", begin, end, "ROLES")


def _lifecycle(module: Module) -> Generator[Mutant]:
    """Every action open to whoever sees the issue; every action from every state."""
    if not module.file.endswith("issues/lifecycle.py"):
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Action":
            for argument, everything in ((node.args[1], "STATES"), (node.args[3], "tuple(_BITS)")):
                begin, end = module.span(argument)
                if module.source[begin:end].decode() not in ("STATES",):
                    yield module.mutant("lifecycle", begin, end, everything)
            for keyword in node.keywords:
                if keyword.arg in ("not_rectifier", "proved"):
                    begin, end = module.span(keyword)
                    yield module.mutant("lifecycle", begin, end, f"{keyword.arg}=False")


_KINDS: tuple[Callable[[Module], Iterable[Mutant]], ...] = (_sql, _policy, _lifecycle, _bounds, _guards)


def mutants(root: Path) -> list[Mutant]:
    """All of them, in the order of files and lines."""
    found: list[Mutant] = []
    for path in sorted((root / "app").rglob("*.py")):
        if str(path.relative_to(root / "app")).startswith(_OUTSIDE):
            continue
        module = Module(root, path)
        found += [mutant for kind in _KINDS for mutant in kind(module)]
    return sorted(found, key=lambda each: (each.file, each.begin))
