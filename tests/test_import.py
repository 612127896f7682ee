"""Real rows of a real city, with their true history, once."""

import csv
import gzip
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from app.interop.cases import import_cases

SAMPLE = Path(__file__).parent / "data" / "boston-sample.csv"
QUIET = Console(quiet=True)


async def test_history_is_true_and_comes_in_once(database, tmp_path):
    rows = list(csv.DictReader(SAMPLE.open()))
    packed = tmp_path / "cases.csv.gz"
    packed.write_bytes(gzip.compress(SAMPLE.read_bytes()))
    async with database.transaction() as connection:
        assert (await import_cases(connection, SAMPLE, "boston", tmp_path / "r.csv", QUIET)).startswith("60 taken, 0 were here")
        assert (await import_cases(connection, packed, "boston", tmp_path / "r.csv", QUIET)).startswith("0 taken, 60 were here")
        found = await connection.fetch(
            "select r.*, e.data->>'case' as case, (select count(*) from events x where x.issue_id = r.id) as events "
            "from issues r join events e on e.issue_id = r.id and e.version = 1 where e.data->>'case' = any($1)",
            [row["CASE_ENQUIRY_ID"] for row in rows],
        )  # fmt: skip
    issues = {issue["case"]: issue for issue in found}
    for row in rows:
        issue = issues[row["CASE_ENQUIRY_ID"]]
        closed = row["CASE_STATUS"] == "Closed"
        assert (issue["state"], issue["events"], issue["version"]) == (("closed", 3, 3) if closed else ("assigned", 2, 2))
        assert (issue["deadline"] is None) == (row["TARGET_DT"] == "") and issue["number"].startswith("2015-")
    # 12:25:23 AM in Boston's winter is 05:25:23 UTC.
    winter = next(issues[row["CASE_ENQUIRY_ID"]] for row in rows if row["OPEN_DT"].startswith("01/"))
    row = next(r for r in rows if r["CASE_ENQUIRY_ID"] == winter["case"])
    local = datetime.strptime(row["OPEN_DT"], "%m/%d/%Y %I:%M:%S %p")
    assert (winter["created_at"] - local.replace(tzinfo=UTC)).total_seconds() == 5 * 3600


async def test_bad_rows_are_refused_one_by_one_with_reasons(database, tmp_path):
    header, good = SAMPLE.read_text().splitlines()[:2]
    columns = header.split(",")
    bad = {
        "CASE_ENQUIRY_ID": "", "OPEN_DT": "soon", "TYPE": "Elephants", "LATITUDE": "nan", "LONGITUDE": "0", "CASE_STATUS": "Closed",
    }  # fmt: skip
    lines = [header]
    for column, value in bad.items():
        row = dict(zip(columns, next(csv.reader([good])), strict=True)) | {"CASE_ENQUIRY_ID": f"bad-{column}", column: value}
        if column == "CASE_STATUS":
            row["CLOSED_DT"] = ""
        lines.append(",".join(f'"{v}"' for v in row.values()))
    lines.append("too,short")
    path, out = tmp_path / "bad.csv", tmp_path / "refused.csv"
    path.write_text("\n".join(lines))
    async with database.transaction() as connection:
        assert (await import_cases(connection, path, "boston", out, QUIET)).startswith("0 taken, 0 were here already, 7 refused")
        path.write_text("a,b\n1,2\n")
        assert "lacks the columns" in await import_cases(connection, path, "boston", tmp_path / "x", QUIET)
    reasons = [row["reason"] for row in csv.DictReader(out.open())]
    assert len(reasons) == 7 and "Elephants" in reasons[2] and "soon" in reasons[1]
