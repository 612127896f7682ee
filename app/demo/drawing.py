"""Photographs of the demo: a street drawn by a fixed seed, with what was found there, and cleared. Each says that it is a demo."""

from __future__ import annotations

import io
import random
from collections.abc import Callable

from PIL import Image, ImageDraw, ImageFilter

WIDTH, HEIGHT = 960, 720
_WALLS = ("#d9c9b0", "#c8b8a6", "#cfd3d6", "#e2d6c2", "#b9a693", "#d8c0b0")
_KERB, _ROAD = 500, 560
Pen = ImageDraw.ImageDraw


def _houses(pen: Pen, dice: random.Random) -> None:
    x = -20
    while x < WIDTH:
        width, top = dice.randrange(150, 260), dice.randrange(60, 170)
        pen.rectangle((x, top, x + width, _KERB - 40), dice.choice(_WALLS), "#8a7d6d")
        for row in range(top + 30, _KERB - 190, 90):
            for column in range(x + 24, x + width - 50, 72):
                pen.rectangle((column, row, column + 40, row + 52), "#6f8796", "#efe9df", 3)
        pen.rectangle((x + 20, _KERB - 150, x + width - 20, _KERB - 42), "#57636b", "#3d4449", 3)
        pen.rectangle(
            (x + 14, _KERB - 184, x + width - 14, _KERB - 152), dice.choice(("#a8322b", "#2a5c8a", "#2f7a4d", "#b5812a"))
        )
        x += width + 4


def _trees(pen: Pen, dice: random.Random) -> None:
    for x in range(dice.randrange(40, 160), WIDTH, 290):
        pen.rectangle((x - 7, 320, x + 7, _KERB + 10), "#5d4630")
        for _ in range(26):
            dx, dy, r = dice.randrange(-62, 62), dice.randrange(-70, 50), dice.randrange(18, 36)
            pen.ellipse((x + dx - r, 290 + dy - r, x + dx + r, 290 + dy + r), dice.choice(("#3f6b3a", "#4b7a43", "#375f36")))


def _scraps(pen: Pen, dice: random.Random, count: int, size: int, box: tuple[int, int, int, int]) -> None:
    for _ in range(count):
        x, y = dice.randrange(box[0], box[2]), dice.randrange(box[1], box[3])
        points = [(x + dice.randrange(-size, size), y + dice.randrange(-size // 2, size // 2 + 1)) for _ in range(5)]
        pen.polygon(points, dice.choice(("#f2f2ee", "#d8443a", "#3a7fd8", "#e8c23a", "#8d8d86", "#b98b5a")), "#55524c")


def _litter(pen: Pen, dice: random.Random) -> None:
    _scraps(pen, dice, 46, 20, (250, _KERB + 5, 720, 610))


def _ends(pen: Pen, dice: random.Random) -> None:
    for _ in range(70):
        x, y = dice.randrange(280, 680), dice.randrange(_KERB + 6, 600)
        pen.line((x, y, x + dice.randrange(-12, 12), y + dice.randrange(-4, 4)), "#efe6d0", 5)


def _cars(pen: Pen, dice: random.Random) -> None:
    for x in (230, 520):
        colour = dice.choice(("#8d2f2b", "#2d4a6b", "#e8e8e4", "#33373a"))
        pen.rounded_rectangle((x, 440, x + 250, 545), 26, colour, "#222", 2)
        pen.polygon([(x + 46, 442), (x + 82, 384), (x + 190, 384), (x + 222, 442)], "#7d96a6", "#222")
        for wheel in (x + 54, x + 190):
            pen.ellipse((wheel - 26, 516, wheel + 26, 568), "#1c1c1c", "#888", 5)


def _bikes(pen: Pen, dice: random.Random) -> None:
    for x in range(230, 720, 62):
        for wheel in (x, x + 58):
            pen.ellipse((wheel - 22, 505, wheel + 22, 549), None, "#222", 5)
        pen.line((x, 527, x + 24, 482, x + 58, 527), dice.choice(("#c23b34", "#2a6fb0", "#2f7a4d")), 8)


def _stall(pen: Pen, dice: random.Random) -> None:
    for x in (250, 500):
        pen.polygon([(x - 30, 340), (x + 105, 262), (x + 240, 340)], dice.choice(("#c9392f", "#e0a32e", "#2f7a9d")), "#333")
        pen.line((x + 105, 330, x + 105, 520), "#444", 7)
        pen.rectangle((x, 470, x + 210, 545), "#8a6a43", "#3d2f1e", 3)
        _scraps(pen, dice, 34, 15, (x + 6, 448, x + 204, 476))


def _adverts(pen: Pen, dice: random.Random) -> None:
    for _ in range(24):
        x, y = dice.randrange(210, 700), dice.randrange(290, 430)
        pen.rectangle((x, y, x + 44, y + 60), dice.choice(("#f7f3df", "#f6d9d4", "#dfeaf7")), "#777")
        for line in range(y + 10, y + 54, 9):
            pen.line((x + 6, line, x + 38, line), "#c0392b", 3)


def _heap(pen: Pen, dice: random.Random) -> None:
    for _ in range(150):
        x = int(dice.gauss(480, 100))
        low = 590 - int(max(0, 130 - abs(x - 480) * 0.8) * dice.random())
        size = dice.randrange(12, 30)
        pen.polygon(
            [(x - size, low), (x, low - size), (x + size, low - size // 3), (x + size // 2, low + size // 2)],
            dice.choice(("#9a8f84", "#b06b4d", "#c9c3ba", "#7d766d")),
            "#57514a",
        )


def _boxes(pen: Pen, dice: random.Random) -> None:
    for x, y in ((270, 455), (390, 470), (520, 450), (330, 380), (470, 372)):
        pen.rectangle((x, y, x + 112, y + 88), dice.choice(("#a5794a", "#8c6239", "#6d7a80")), "#4a3520", 4)
        pen.line((x, y + 44, x + 112, y + 44), "#e0c9a0", 6)


def _puddle(pen: Pen, dice: random.Random) -> None:
    pen.ellipse((250, 505, 720, 612), "#4c4a3c", "#35342a", 4)
    pen.ellipse((300, 520, 560, 580), "#5f5d4b")


def _wires(pen: Pen, dice: random.Random) -> None:
    for n in range(4):
        pen.line([(230 + 120 * n, 180), (300 + 110 * n, 360 + 18 * n), (360 + 90 * n, 500)], "#1d1d1d", 6, joint="curve")
    _bikes(pen, dice)


_FOUND: dict[str, Callable[[Pen, random.Random], None]] = {
    "litter": _litter, "cigarette_ends": _ends, "street_vending": _stall, "illegal_parking": _cars, "non_motor_parking": _bikes,
    "fly_posting": _adverts, "stairway_clutter": _boxes, "building_waste": _heap, "shopfront_duty": _boxes, "green_belt_rubbish": _litter,
    "blocked_drain": _puddle, "fire_lane": _cars, "unsafe_wiring": _wires, "no_litter_bin": _litter,
}  # fmt: skip


def street(seed: int, found: str | None) -> bytes | None:
    """JPEG of a street, with what was `found` there (a category) or without; None for a kind that cannot be drawn."""
    if found is not None and found not in _FOUND:
        return None
    dice = random.Random(seed)
    image = Image.new("RGB", (WIDTH, HEIGHT), "#c9dbe6")
    pen = ImageDraw.Draw(image)
    _houses(pen, dice)
    pen.rectangle((0, _KERB - 40, WIDTH, _ROAD), "#b5b1a8")
    for x in range(0, WIDTH, 48):
        pen.line((x, _KERB - 40, x - 40, _ROAD), "#a19d94", 2)
    pen.rectangle((0, _ROAD, WIDTH, _ROAD + 14), "#dcd8ce")
    pen.rectangle((0, _ROAD + 14, WIDTH, HEIGHT), "#5b5d60")
    for x in range(30, WIDTH, 190):
        pen.rectangle((x, 662, x + 100, 674), "#e7e4da")
    _trees(pen, dice)
    if found is not None:
        _FOUND[found](pen, random.Random(seed + 1))
    # As a lens would have it: not quite sharp.
    image = image.filter(ImageFilter.GaussianBlur(1.1))
    pen = ImageDraw.Draw(image)
    pen.text((WIDTH - 84, HEIGHT - 30), "DEMO", "#f4f4f0", font_size=22)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=82)
    return out.getvalue()
