"""The index of issues' words."""

from __future__ import annotations

from app.kit.db import Database

_SORT_IN = "select gin_clean_pending_list('issue_words_pairs')"


async def sort_in(database: Database) -> None:
    """Sort the words of new issues into the index: they gather in a list beside it, so that a report does not wait, and every search
    reads that list."""
    async with database.acquire() as connection:
        await connection.execute(_SORT_IN)
