"""A short run of the simulator: phones in a bad network and a server that is killed."""

import asyncio
import json
import re
import sys
from pathlib import Path


async def test_nothing_is_lost_doubled_or_broken(tmp_path):
    out = tmp_path / "outcome.json"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app.cli", "simulate", "--volunteers", "10", "--minutes", "0.2", "--reports", "60", "--photos", "90",
        "--kills", "1", "--seed", "7", "--json", str(out), cwd=Path(__file__).parents[1],
    )  # fmt: skip
    assert await process.wait() == 0
    outcome = json.loads(out.read_text("utf-8"))
    assert outcome["cuts"] > 50 and outcome["server_kills"] == 1 and outcome["duplicate_sends"] > 5
    # Those that phones sent, and the demo's own.
    told = re.match(r"(\d+) photographs: 0 objects missing, 0 damaged", outcome["object_store"])
    assert told and int(told[1]) >= 90 + 20, outcome["object_store"]
