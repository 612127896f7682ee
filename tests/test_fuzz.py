"""Generated requests: each is answered as the description says, none ends in a 5xx, what it allows is taken and what it forbids refused."""

from __future__ import annotations

import os
import random

import pytest

from app.settings import settings
from app.worker import work
from tests import fuzzing
from tests.conftest import cloned, opened, served

# In `make test` a fixed number of requests from a fixed seed, in the name of every role in turn. `make fuzz` sets seconds for each
# role, which go on with ever other requests.
SECONDS = int(os.environ.get("FUZZ_SECONDS", "0"))
SEED = int(os.environ.get("FUZZ_SEED") or 0) or (random.randrange(1, 2**31) if SECONDS else 1)
ROLES = os.environ.get("FUZZ_ROLES", "every role").split(",")
_EXAMPLES, _REACHED = 6, 85


# A database of its own: what is done in an admin's name changes categories and settings for everybody.
@pytest.fixture(scope="module")
def database_url(cluster):
    return cloned(cluster)


@pytest.fixture(scope="module")
def app(database_url, tmp_path_factory):
    yield from opened(database_url, tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def database(app):
    return app.state.database


@pytest.fixture(scope="module")
def address(app):
    yield from served(app)


@pytest.mark.parametrize("role", ROLES)
async def test_generated_requests(town, app, database, database_url, address, tmp_path, monkeypatch, role):
    monkeypatch.setattr(settings(), "public", True)
    told = await fuzzing.world(town)
    await work(database_url, database, app.state.photos, until_empty=True)
    if role in told["roles"]:
        told["tokens"] = [told["tokens"][told["roles"].index(role)]]
    bound = ("--max-examples", "200", "--max-time", str(SECONDS)) if SECONDS else ("--max-examples", str(_EXAMPLES))
    found = await fuzzing.run(address, told, tmp_path, SEED, *bound)
    print(f"\n{found.table(role)} (seed {SEED})")
    assert not found.failed, found.text[-30_000:]
    # It sees something: most operations are carried out, not refused.
    assert SECONDS or found.reached >= _REACHED, found.reached


test_generated_requests.patience_s = SECONDS + 600
