"""Which tests may notice a mutant, cheapest first."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.mutants.finding import Mutant
from tests.mutants.marks import mark

# Tests of the whole contract, which notice bounds that are gone.
_CONTRACT = ("tests/test_docs.py",)
# What takes longer is not asked: every mutant would take minutes.
_SLOW_S = 12


class Trace:
    """What every test does, from the files that tracing.py wrote."""

    def __init__(self, folder: Path) -> None:
        self.tests: dict[str, dict[str, Any]] = {}
        for file in folder.glob("*.json"):
            self.tests.update(json.loads(file.read_text()))
        self.by_statement: dict[str, set[str]] = defaultdict(set)
        self.by_line: dict[tuple[str, int], set[str]] = defaultdict(set)
        for test, seen in self.tests.items():
            for statement in seen["statements"]:
                self.by_statement[statement].add(test)
            for file, lines in seen["lines"].items():
                for line in lines:
                    self.by_line[file, line].add(test)

    def seconds(self, test: str) -> float:
        return self.tests[test]["seconds"]


def texts(modules: list[ModuleType]) -> dict[str, str]:
    """Every text, and every text in a table, that modules of the program hold; by its name."""
    found: dict[str, str] = {}
    for module in modules:
        for name, value in vars(module).items():
            if isinstance(value, str):
                found[f"{module.__name__}.{name}"] = value
            elif isinstance(value, dict):
                found.update({f"{module.__name__}.{name}.{key}": text for key, text in value.items() if isinstance(text, str)})
            elif isinstance(value, list | tuple):
                found.update({f"{module.__name__}.{name}.{n}": text for n, text in enumerate(value) if isinstance(text, str)})
    return found


def program_texts() -> dict[str, str]:
    return texts([module for name, module in list(sys.modules.items()) if name.startswith("app.") and module is not None])


def _lines_of(mutant: Mutant, source: bytes) -> range:
    first = mutant.line
    return range(first, first + source.count(b"\n", mutant.begin, mutant.end) + 1)


def candidates(mutant: Mutant, trace: Trace, original: dict[str, str], root: Path, most_s: float) -> list[str]:
    """Tests to be asked, as ids of pytest, until their time is used up. The program with the mutant in it is imported already."""
    chosen: set[str] = set()
    mutated = program_texts()
    for name, text in original.items():
        if mutated.get(name) != text:
            chosen |= trace.by_statement.get(mark(text), set())
    source = (root / mutant.file).read_bytes()
    for line in _lines_of(mutant, source):
        chosen |= trace.by_line.get((mutant.file, line), set())
    if mutant.kind in ("policy", "lifecycle"):
        chosen |= {test for test in trace.tests if "test_policy" in test or "test_lifecycle" in test}
    if mutant.kind == "bound" or not chosen:
        modules = {line for (file, line) in trace.by_line if file == mutant.file}
        for line in modules:
            chosen |= trace.by_line[mutant.file, line]
        chosen |= {test for test in trace.tests if "test_bad_input" in test}
    ordered = sorted((test for test in chosen if trace.seconds(test) < _SLOW_S), key=trace.seconds)
    contract = sorted(test for test in trace.tests if test.startswith(_CONTRACT)) if mutant.kind == "bound" else []
    asked, left = list(contract), most_s
    for test in ordered:
        left -= trace.seconds(test) + 0.02
        if left < 0:
            break
        if test not in asked:
            asked.append(test)
    return asked
