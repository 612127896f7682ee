"""Every picture that a person can see on their phone is taken and shown right; one that is broken is told."""

import base64
import io
import random
import uuid
import zlib

import pillow_heif
import pytest
from PIL import Image, ImageCms, ImageDraw

from app.photos import developing, looking
from tests.pictures import (
    ASCII,
    BYTE,
    LONG,
    RATIONAL,
    SHORT,
    SSHORT,
    UNDEFINED,
    encode,
    exif_block,
    png,
    rows,
    saying,
    scene,
    turned,
)


def shown(content, folder):
    """The picture as people look at it."""
    source = folder / "source"
    source.write_bytes(content)
    developing.develop(source, folder)
    return Image.open(folder / "screen.jpg").convert("RGB")


def looked_at_and_shown(content, folder):
    source = folder / "source"
    source.write_bytes(content)
    return looking.look(source), shown(content, folder)


def near(seen, wanted, by=6):
    return all(abs(a - b) <= by for a, b in zip(seen, wanted, strict=True))


def halves(mode, left, right, size=(64, 48)):
    image = Image.new(mode, size, left)
    image.paste(right, (size[0] // 2, 0, *size))
    return image


async def sent(town, do_jobs, content):
    """What became of a picture: the answer to it, and its facts when everything was done."""
    volunteer = await town.person("volunteer")
    photo = uuid.uuid4()
    answer = await volunteer.call("PUT", f"/v1/photos/{photo}", content=content)
    if answer.status_code != 201:
        return answer, None
    await do_jobs()
    return answer, await volunteer.get(f"/v1/photos/{photo}")


# --- pixels -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("side", [64, 3200])
def test_grey_of_16_bits_is_scaled(tmp_path, side):
    def pixel(x):
        return (20000 if x < side // 2 else 50000).to_bytes(2, "big")

    picture = shown(png(side, 64, 16, 0, rows(side, 64, pixel)), tmp_path)
    right = picture.width - 4
    assert near(picture.getpixel((4, 4)), (78,) * 3) and near(picture.getpixel((right, 4)), (195,) * 3)


@pytest.mark.parametrize("mode", ["P", "1", "L", "LA", "RGBA", "I;16"])
def test_large_pictures_of_every_kind_of_pixel_are_shown(tmp_path, mode):
    image = scene(800, 3200).convert("L").convert("I;16") if mode == "I;16" else scene(800, 3200).convert(mode)
    picture = shown(encode(image, "PNG"), tmp_path)
    assert picture.size == (400, 1600)
    wanted = {"P": (220, 30, 30), "RGBA": (220, 30, 30)}.get(mode)
    assert wanted is None or near(picture.getpixel((20, 20)), wanted, 12)


@pytest.mark.parametrize("side", [64, 3200])
def test_a_transparent_colour_of_a_palette_stands_on_white(tmp_path, side):
    image = halves("P", 0, 1, (side, 48))
    image.putpalette([0, 0, 0, 220, 30, 30])
    picture = shown(encode(image, "PNG", transparency=0), tmp_path)
    assert near(picture.getpixel((2, 2)), (255,) * 3)
    assert near(picture.getpixel((picture.width - 3, 2)), (220, 30, 30), 12)


@pytest.mark.parametrize(
    ("depth", "colour", "clear", "pixels"),
    [
        (8, 2, b"\0\0\0\0\0\0", lambda x: b"\0\0\0" if x < 32 else b"\xdc\x1e\x1e"),
        (16, 2, b"\0\0\0\0\0\0", lambda x: b"\0" * 6 if x < 32 else b"\xdc\0\x1e\0\x1e\0"),
        (8, 0, b"\0\0", lambda x: b"\0" if x < 32 else b"\x50"),
        (16, 0, b"\x12\x34", lambda x: b"\x12\x34" if x < 32 else b"\x50\0"),
        (4, 0, b"\0\3", lambda x: (b"\x33" if x < 16 else b"\x55") if x < 32 else b""),
        (1, 0, b"\0\0", lambda x: (b"\0" if x < 4 else b"\xff") if x < 8 else b""),
    ],
)
def test_a_transparent_colour_of_a_png_stands_on_white(tmp_path, depth, colour, clear, pixels):
    picture = shown(png(64, 48, depth, colour, rows(64, 48, pixels), (b"tRNS", clear)), tmp_path)
    assert near(picture.getpixel((2, 2)), (255,) * 3)
    seen = picture.getpixel((60, 2))
    assert near(seen, (220, 30, 30), 12) if colour == 2 else near(seen, ((255,) if depth == 1 else (80,)) * 3) or depth == 4


def test_cmyk_is_shown_in_its_colours(tmp_path):
    picture = shown(encode(halves("CMYK", (0, 255, 255, 0), (255, 0, 255, 0))), tmp_path)
    assert near(picture.getpixel((5, 5)), (255, 0, 0), 20) and near(picture.getpixel((60, 5)), (0, 255, 0), 20)


def test_wide_colours_are_shown_as_they_are_meant(tmp_path):
    # A profile whose red and green are exchanged: whoever obeys it sees green.
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = profile.replace(b"rXYZ", b"tXYZ", 1).replace(b"gXYZ", b"rXYZ", 1).replace(b"tXYZ", b"gXYZ", 1)
    for kind in ("JPEG", "PNG", "WEBP", "AVIF", "HEIF"):
        picture = shown(encode(Image.new("RGB", (64, 48), "red"), kind, icc_profile=swapped), tmp_path)
        assert near(picture.getpixel((9, 9)), (0, 255, 0), 25), kind


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_of_moving_pictures_the_first_is_shown(tmp_path, kind):
    more = [Image.new("RGB", (64, 48), "blue")]
    content = encode(Image.new("RGB", (64, 48), "red"), kind, save_all=True, append_images=more, duration=100)
    assert near(shown(content, tmp_path).getpixel((9, 9)), (254, 0, 0), 20)


def test_a_picture_with_another_behind_it_is_shown(tmp_path):
    content = encode(scene(), "MPO", save_all=True, append_images=[scene(320, 240)])
    assert shown(content, tmp_path).size == (640, 480)


def test_of_several_pictures_in_a_heic_the_one_that_phones_show_is_shown(tmp_path):
    file, out = pillow_heif.HeifFile(), io.BytesIO()
    file.add_from_pillow(Image.new("RGB", (640, 480), "red"))
    file.add_from_pillow(Image.new("RGB", (320, 200), "blue"))
    file.save(out, primary_index=1)
    picture = shown(out.getvalue(), tmp_path)
    assert picture.size == (320, 200) and near(picture.getpixel((9, 9)), (0, 0, 254))


def test_a_picture_as_narrow_as_a_thread_is_shown(tmp_path):
    assert shown(encode(Image.new("RGB", (1, 40_000), "red"), "PNG"), tmp_path).size == (1, 1600)


# --- which way up -------------------------------------------------------------------------------------------------------
ODD = [
    (ASCII, "6"),
    (BYTE, b"\x09"),
    (UNDEFINED, b"\xff\xfe"),
    (RATIONAL, (0, 0)),
    (RATIONAL, (6, 1)),
    (LONG, 70_000),
    (SSHORT, -1),
    (SHORT, 0),
    (SHORT, 9),
]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "HEIF"])
def test_an_odd_orientation_does_not_make_a_picture_bad(tmp_path, kind):
    # Whoever encodes AVIF here takes numbers only.
    for tag in ODD[-4:] if kind == "AVIF" else ODD:
        facts, picture = looked_at_and_shown(saying({0x0112: tag}, kind=kind), tmp_path)
        assert (facts.width, facts.height) == picture.size == (200, 150), tag


async def test_a_picture_of_an_odd_orientation_is_stored_and_shown(town, do_jobs):
    answer, facts = await sent(town, do_jobs, saying({0x0112: (ASCII, "6")}))
    assert answer.status_code == 201 and facts["state"] == "stored" and facts["developed"]


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_other_formats_are_turned_as_jpeg_is(tmp_path, kind):
    image = Image.open(io.BytesIO(turned(6)))
    image.load()
    picture = shown(encode(image, kind, exif=exif_block({0x0112: (SHORT, 6)})), tmp_path)
    assert picture.size == (640, 480) and near(picture.getpixel((20, 20)), (220, 30, 30), 20)


# --- what a picture says beside its pixels ------------------------------------------------------------------------------
GREY = rows(64, 16, lambda _: b"\x80" * 3)


@pytest.mark.parametrize("name", [b"iCCP", b"pHYs", b"cHRM", b"gAMA", b"sRGB", b"acTL", b"fcTL", b"zTXt", b"tRNS", b"eXIf"])
def test_a_broken_chunk_beside_the_pixels_of_a_png_does_not_make_it_bad(tmp_path, name):
    for data in (b"", b"\0", b"\0\0\0\1", b"key\0\1", bytes(8)):
        _, picture = looked_at_and_shown(png(64, 16, 8, 2, GREY, (name, data)), tmp_path)
        assert near(picture.getpixel((9, 9)), (128,) * 3), data


def test_a_png_keeps_its_turning_and_its_transparent_colour_beside_a_broken_chunk(tmp_path):
    turn = (b"eXIf", exif_block({0x0112: (SHORT, 6)})[6:])
    content = png(64, 16, 8, 2, GREY, (b"iCCP", b""), (b"tRNS", b"\0\x80" * 3), turn)
    facts, picture = looked_at_and_shown(content, tmp_path)
    assert (facts.width, facts.height) == picture.size == (16, 64) and near(picture.getpixel((9, 9)), (255,) * 3)


def test_a_long_text_in_a_png_does_not_make_it_bad(tmp_path):
    looked_at_and_shown(png(64, 16, 8, 2, GREY, (b"zTXt", b"XML\0\0" + zlib.compress(bytes(3_000_000)))), tmp_path)


@pytest.mark.parametrize("segment", [b"\xff\xe0\0\7JFIF\0", b"\xff\xed\0\x10Photoshop 3.0\0", b"\xff\xe2\0\6MPF\0"])
def test_a_broken_segment_of_a_jpeg_does_not_make_it_bad(tmp_path, segment):
    facts, picture = looked_at_and_shown((whole := turned(6))[:2] + segment + whole[2:], tmp_path)
    assert (facts.width, facts.height) == picture.size == (640, 480) and near(picture.getpixel((20, 20)), (220, 30, 30), 20)


@pytest.mark.parametrize("junk", [b"\xff", b"Exif\0\0", b"\0"])
def test_a_broken_block_of_exif_does_not_make_an_avif_bad(tmp_path, junk):
    content = encode(scene(), "AVIF", exif=exif_block({0x010F: (ASCII, "Maker")}, {0x9003: (ASCII, "2026:11:20 10:00:00")}))
    begin = content.find(b"MM\0*")
    end = content.find(b"10:00:00") + 8
    _, picture = looked_at_and_shown(content[:begin] + (junk * 300)[: end - begin] + content[end:], tmp_path)
    assert near(picture.getpixel((20, 20)), (220, 30, 30), 20)


# --- broken ones --------------------------------------------------------------------------------------------------------
def noise(side=256):
    return Image.frombytes("RGB", (side, side), random.Random(5).randbytes(3 * side * side))


FORMATS = [
    ("JPEG", {}),
    ("JPEG", {"optimize": True}),
    ("JPEG", {"progressive": True}),
    ("WEBP", {}),
    ("WEBP", {"lossless": True}),
    ("HEIF", {}),
    ("AVIF", {}),
    ("PNG", {}),
]


@pytest.mark.parametrize(("kind", "options"), FORMATS)
@pytest.mark.parametrize(("begin", "end"), [(1 / 2, 1), (1 / 3, 2 / 3), (0.6, 0.7)])
async def test_a_hole_of_zeros_is_told(town, do_jobs, kind, options, begin, end):
    whole = encode(noise(), kind, **options)
    first, last = int(len(whole) * begin), int(len(whole) * end)
    answer, _ = await sent(town, do_jobs, whole[:first] + bytes(last - first) + whole[last:])
    assert answer.status_code == 422 and answer.json()["type"] == "/problems/photo-damaged"


@pytest.mark.parametrize(("kind", "options"), FORMATS)
@pytest.mark.parametrize("colour", ["black", "white"])
def test_a_picture_of_one_colour_is_no_hole(tmp_path, kind, options, colour):
    size = (2000, 1500) if kind == "WEBP" else (1000, 750)
    looked_at_and_shown(encode(Image.new("RGB", size, colour), kind, **options), tmp_path)


@pytest.mark.parametrize(("kind", "options"), FORMATS)
def test_a_black_band_in_a_picture_is_no_hole(tmp_path, kind, options):
    image = noise()
    ImageDraw.Draw(image).rectangle((0, 100, 256, 130), "black")
    looked_at_and_shown(encode(image, kind, **options), tmp_path)


@pytest.mark.parametrize(("begin", "end"), [(1 / 2, 1), (1 / 3, 2 / 3), (0.6, 0.7)])
def test_a_hole_of_zeros_in_a_drawing_is_told(tmp_path, begin, end):
    # Its codes of zeros stand for areas of one colour: only how many there are gives a hole away.
    whole = encode(scene(1600, 1200), optimize=True, quality=40)
    shown(whole, tmp_path)
    first, last = int(len(whole) * begin), int(len(whole) * end)
    with pytest.raises(developing.Damaged):
        shown(whole[:first] + bytes(last - first) + whole[last:], tmp_path)


@pytest.mark.parametrize("method", [0, 4])
def test_half_a_webp_of_zeros_is_told_however_it_is_packed(tmp_path, method):
    whole = encode(scene(1600, 1200), "WEBP", lossless=True, method=method)
    looked_at_and_shown(whole, tmp_path)
    half = len(whole) // 2
    with pytest.raises(looking.BadPicture):
        looked_at_and_shown(whole[:half] + bytes(len(whole) - half), tmp_path)


@pytest.mark.parametrize(("at", "value"), [(9, 0), (11, 0), (9, 3)])
async def test_a_jpeg_whose_header_cannot_be_is_told(town, do_jobs, at, value):
    content = bytearray(encode(Image.new("L", (64, 48))))
    # How many parts its pixels have, and how the first of them is sampled.
    content[content.find(b"\xff\xc0") + at] = value
    answer, facts = await sent(town, do_jobs, bytes(content))
    assert answer.status_code == 422 or facts["state"] in ("damaged", "stored"), answer.text


async def test_half_a_jpeg_with_an_end_of_its_own_is_told(town, do_jobs):
    whole = encode(noise())
    answer, facts = await sent(town, do_jobs, whole[: len(whole) // 2] + b"\xff\xd9")
    assert facts is None or facts["state"] == "damaged", answer.text


async def test_a_jpeg_with_other_bytes_in_its_middle_is_told(town, do_jobs):
    whole = encode(noise())
    junk = random.Random(6).randbytes(len(whole) // 4)
    answer, _ = await sent(town, do_jobs, whole[: len(whole) // 2] + junk + whole[len(whole) * 3 // 4 :])
    assert answer.status_code == 422 and answer.json()["type"] == "/problems/photo-damaged"


async def test_a_damaged_photograph_may_be_taken_again_under_its_id(town, do_jobs):
    volunteer = await town.person("volunteer")
    photo = uuid.uuid4()
    ruin = png(64, 64, 8, 2, zlib.compress(b"\0")[:-3])
    assert (await volunteer.call("PUT", f"/v1/photos/{photo}", content=ruin)).status_code == 201
    await do_jobs()
    assert (await volunteer.get(f"/v1/photos/{photo}"))["state"] == "damaged"
    assert (await volunteer.call("PUT", f"/v1/photos/{photo}", content=encode(scene(seed=31)))).status_code == 201
    await do_jobs()
    facts = await volunteer.get(f"/v1/photos/{photo}")
    assert facts["state"] == "stored" and facts["developed"]


async def test_a_damaged_photograph_may_be_taken_again_in_parts(town, do_jobs):
    volunteer = await town.person("volunteer")
    photo = uuid.uuid4()
    ruin = png(64, 64, 8, 2, zlib.compress(b"\1")[:-3])
    assert (await volunteer.call("PUT", f"/v1/photos/{photo}", content=ruin)).status_code == 201
    await do_jobs()
    content = encode(scene(seed=32))
    name = base64.b64encode(str(photo).encode()).decode()
    headers = {"upload-length": str(len(content)), "upload-metadata": f"photo {name}"}
    headers |= {"tus-resumable": "1.0.0", "content-type": "application/offset+octet-stream"}
    begun = await volunteer.call("POST", "/v1/uploads", content=content, headers=headers)
    assert begun.status_code == 201 and begun.headers["upload-offset"] == str(len(content))
    await do_jobs()
    facts = await volunteer.get(f"/v1/photos/{photo}")
    assert facts["state"] == "stored" and facts["developed"]
