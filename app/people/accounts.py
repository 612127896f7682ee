"""Making accounts from the command line and the demo."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from app.kit.audit import record
from app.kit.db import Connection
from app.people import queries
from app.people.passwords import canonical_account
from app.people.sessions import hash_password

Grant = tuple[str, uuid.UUID | None, uuid.UUID | None, uuid.UUID | None]


async def add_account(
    connection: Connection, account: str | None, name: str, password: str | None, grants: Sequence[Grant]
) -> uuid.UUID | None:
    """A new account with roles (role, area, cell, unit); its id, or None when the account name is taken."""
    hashed = None if password is None else await hash_password(password)
    id = await connection.fetchval(
        queries.ADD_ACCOUNT, uuid.uuid4(), canonical_account(account) if account else None, name, hashed
    )
    if id is not None:
        for role, area, cell, unit in grants:
            await connection.execute(queries.ADD_GRANT, id, role, area, cell, unit, None)
            if role == "admin":  # made by hand; the others come with a community's own making
                await record(connection, None, "role_given", id, area, {"role": role})
    return id
