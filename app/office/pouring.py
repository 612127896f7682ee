"""A zip file that is sent while it is made: nothing of it is kept, in memory or on disk."""

from __future__ import annotations

import zipfile


class _Spout:
    """Where the zip is written: it cannot be gone back in, so sizes and checksums follow their members, as the format allows."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def write(self, piece: bytes) -> int:
        self.pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None: ...

    def close(self) -> None: ...


class Pouring:
    """`zip` is written to as any other; `poured` gives what has come out since it was asked last."""

    def __init__(self) -> None:
        self._spout = _Spout()
        self.zip = zipfile.ZipFile(self._spout, "w", zipfile.ZIP_DEFLATED, compresslevel=3)

    def poured(self) -> bytes:
        pieces, self._spout.pieces = self._spout.pieces, []
        return b"".join(pieces)

    def end(self) -> bytes:
        self.zip.close()
        return self.poured()
