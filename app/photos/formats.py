"""Which formats of photographs are taken, and how large. Nothing is imported here: the developing process stays small by it."""

FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP", "image/heic": "HEIF", "image/avif": "AVIF"}
# What can be decoded within 300 MB: JPEG at an eighth of its size (in several scans only what jpeg.py says), HEIC whole but never
# copied, the others whole and at once. Phones of 200 megapixels write JPEG; a HEIC of that size would take a gigabyte.
MAX_PIXELS = {
    "image/jpeg": 200_000_000,
    "image/heic": 50_000_000,
    "image/png": 50_000_000,
    "image/avif": 25_000_000,
    "image/webp": 16_000_000,
}
_HEIF = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"}
_AVIF = {b"avif", b"avis"}


def media_type(head: bytes) -> str | None:
    """By the first bytes alone: names and headers that came along may say what they like."""
    if head[:3] == b"\xff\xd8\xff":
        return "image/jpeg"
    if head[:8] == b"\x89PNG\r\n\x1a\n":
        return "image/png"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[4:8] == b"ftyp":
        size = min(int.from_bytes(head[:4], "big"), len(head))
        brands = {head[8:12], *(head[at : at + 4] for at in range(16, size - 3, 4))}
        # An AVIF may call itself compatible with mif1, so it is asked for first.
        return "image/avif" if brands & _AVIF else "image/heic" if brands & _HEIF else None
    return None
