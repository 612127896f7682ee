"""The changes of `make mutants` are changes of the program as it is."""

import ast
import re
from pathlib import Path

from tests.mutants.equivalent import EQUIVALENT
from tests.mutants.finding import mutants

ROOT = Path(__file__).parents[1]


def test_every_kind_is_found_and_every_change_is_python():
    found = mutants(ROOT)
    kinds = {mutant.kind for mutant in found}
    assert kinds == {"scope", "ownership", "validity", "version", "lock", "policy", "lifecycle", "bound", "guard"}
    for mutant in found[::15]:
        ast.parse(mutant.applied((ROOT / mutant.file).read_bytes()))


def test_what_is_explained_is_there():
    names = {re.sub(r":\d+ ", " ", mutant.name, count=1) for mutant in mutants(ROOT)}
    assert set(EQUIVALENT) <= names
