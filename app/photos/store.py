"""Where the bytes of photographs lie: one interface, a folder or an S3-compatible service.

Keys are made here from content (`originals/ab/cd/<sha256>`), never from what a phone calls a file. An object is whole or not
there, and writing it again changes nothing.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, cast
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from app.settings import settings

_PIECE = 256 * 1024


class MissingObject(Exception):
    """There is no object under this key."""


@dataclass(frozen=True, slots=True)
class Entry:
    key: str
    bytes: int
    modified_at: datetime


class Store(Protocol):
    async def put(self, key: str, source: Path | bytes) -> None:
        """Keep an object; when this returns it survives a power cut."""
        ...

    def stream(self, key: str) -> AsyncIterator[bytes]:
        """The object's bytes in pieces. Raises MissingObject before the first."""
        ...

    async def size(self, key: str) -> int | None:
        """The object's length in bytes; None when there is none."""
        ...

    async def delete(self, keys: Iterable[str]) -> None:
        """Remove objects; those that are not there are passed over."""
        ...

    def entries(self, prefix: str) -> AsyncIterator[Entry]: ...


def sharded(kind: str, name: str) -> str:
    """`kind/ab/cd/name`: no folder grows beyond what a file system likes."""
    return f"{kind}/{name[:2]}/{name[2:4]}/{name}"


def original(sha256: str) -> str:
    return sharded("originals", sha256)


def variant(sha256: str, name: str) -> str:
    return f"{sharded('variants', sha256)}.{name}"


def held(state: Any) -> Store:
    """The store of an application, from its state."""
    return cast("Store", state.photos)


async def read(store: Store, key: str) -> bytes:
    return b"".join([piece async for piece in store.stream(key)])


def _private(path: str, flags: int) -> int:
    """Opens a file that its owner alone may read, whatever the umask."""
    return os.open(path, flags, 0o600)


class FolderStore:
    """Objects as files. Written beside their place, flushed, renamed into it, and the folder flushed too."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.parent.mkdir(parents=True, exist_ok=True)
        self._make_folders(folder / "writing")
        with suppress(PermissionError):  # a shared folder that belongs to somebody else
            folder.chmod(0o700)  # closes whatever an earlier version left readable beneath

    async def put(self, key: str, source: Path | bytes) -> None:
        await asyncio.to_thread(self._put, key, source)

    def _put(self, key: str, source: Path | bytes) -> None:
        target, fresh = self.folder / key, self.folder / "writing" / uuid.uuid4().hex
        try:
            with open(fresh, "xb", opener=_private) as out:
                if isinstance(source, Path):
                    with source.open("rb") as given:
                        shutil.copyfileobj(given, out, _PIECE)
                else:
                    out.write(source)
                out.flush()
                os.fsync(out.fileno())
            made = self._make_folders(target.parent)
            fresh.replace(target)
            for folder in (target.parent, *made):
                self._flush(folder)
        finally:
            fresh.unlink(missing_ok=True)

    @staticmethod
    def _make_folders(folder: Path) -> list[Path]:
        """Make what is missing of `folder`; the folders that gained an entry by it."""
        missing = [parent for parent in (folder, *folder.parents) if not parent.is_dir()]
        for parent in reversed(missing):  # `parents=True` would give the ones above other rights
            parent.mkdir(mode=0o700, exist_ok=True)
        return [parent.parent for parent in missing]

    @staticmethod
    def _flush(folder: Path) -> None:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    async def stream(self, key: str) -> AsyncGenerator[bytes]:
        try:
            file = await asyncio.to_thread((self.folder / key).open, "rb")
        except FileNotFoundError:
            raise MissingObject(key) from None
        with file:
            while piece := await asyncio.to_thread(file.read, _PIECE):
                yield piece

    async def size(self, key: str) -> int | None:
        try:
            return (await asyncio.to_thread((self.folder / key).stat)).st_size
        except FileNotFoundError:
            return None

    async def delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            with suppress(FileNotFoundError):
                await asyncio.to_thread((self.folder / key).unlink)

    async def entries(self, prefix: str) -> AsyncGenerator[Entry]:
        walk = self._walk(self.folder / prefix)
        while batch := await asyncio.to_thread(lambda: [entry for _, entry in zip(range(500), walk, strict=False)]):
            for entry in batch:
                yield entry

    def _walk(self, top: Path) -> Iterator[Entry]:
        for folder, folders, files in os.walk(top):
            folders.sort()
            for name in sorted(files):
                path = Path(folder) / name
                with suppress(FileNotFoundError):
                    facts = path.stat()
                    yield Entry(
                        path.relative_to(self.folder).as_posix(), facts.st_size, datetime.fromtimestamp(facts.st_mtime, UTC)
                    )


class S3:
    """Objects in a bucket. Credentials, region and endpoint come from the usual AWS_* variables."""

    def __init__(self, bucket: str, prefix: str) -> None:
        self.store = S3Store(bucket, prefix=prefix or None, client_options={"allow_http": True})

    async def put(self, key: str, source: Path | bytes) -> None:
        try:
            await obstore.put_async(self.store, key, source)
        except BaseError as error:  # away or refusing: the phone is told to come again
            raise ConnectionError(str(error)) from error

    async def stream(self, key: str) -> AsyncGenerator[bytes]:
        try:
            found = await obstore.get_async(self.store, key)
        except FileNotFoundError:
            raise MissingObject(key) from None
        async for piece in found.stream(min_chunk_size=_PIECE):
            yield bytes(piece)

    async def size(self, key: str) -> int | None:
        try:
            return (await obstore.head_async(self.store, key))["size"]
        except FileNotFoundError:
            return None

    async def delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            with suppress(FileNotFoundError):
                await obstore.delete_async(self.store, key)

    async def entries(self, prefix: str) -> AsyncGenerator[Entry]:
        async for batch in obstore.list(self.store, prefix):
            for meta in batch:
                yield Entry(meta["path"], meta["size"], meta["last_modified"])


def open_store(data: Path) -> Store:
    """The store that the settings name: a folder (default: `photos` in the data folder) or `s3://bucket/prefix`."""
    where = settings().photos
    if where.startswith("s3://"):
        parts = urlsplit(where)
        return S3(parts.netloc, parts.path.strip("/"))
    return FolderStore(Path(where) if where else data / "photos")
