"""Real rows of a real city, with their true history, once; and a reason for every row that cannot be taken."""

import csv
import gzip
import io
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console
from typer.testing import CliRunner

from app import cli
from app.grid.imports import ImportProblem
from app.interop import boston
from app.interop.cases import import_cases
from app.interop.tables import Table
from app.issues import history

SAMPLE = Path(__file__).parent / "data" / "boston-sample.csv"
COMMAND = Path(sys.executable).with_name("gridpatrol")
QUIET = Console(quiet=True)
HEADER = SAMPLE.read_text().splitlines()[0].split(",")
# The same city's export of today, with columns that are not read here.
PRESENT = [
    "case_enquiry_id",
    "open_dt",
    "sla_target_dt",
    "closed_dt",
    "on_time",
    "case_status",
    "closure_reason",
    "case_title",
    "subject",
    "reason",
    "type",
    "department",
    "neighborhood",
    "longitude",
    "latitude",
    "source",
]


def good(**changes):
    """A row that is taken, under an id of its own."""
    row = dict(zip(HEADER, next(csv.reader([SAMPLE.read_text().splitlines()[1]])), strict=True))
    return row | {"CASE_ENQUIRY_ID": f"t-{uuid.uuid4().hex[:12]}"} | changes


def written(rows, header=HEADER, separator=","):
    text = io.StringIO()
    out = csv.DictWriter(text, header, delimiter=separator)
    out.writeheader()
    out.writerows(rows)
    return text.getvalue()


class Desk:
    """Brings files in as the command does, and reads what was refused."""

    def __init__(self, database, folder):
        self.database, self.folder = database, folder
        self.out = folder / "r.csv"

    async def take(self, content, name="cases.csv", encoding=None):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        async with self.database.transaction() as connection:
            return await import_cases(connection, path, "boston", self.out, QUIET, encoding)

    def refused(self):
        with self.out.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))

    def reasons(self):
        return [row["reason"] for row in self.refused()]

    async def issue(self, row):
        id = uuid.uuid5(boston.NAMESPACE, f"boston/{row['CASE_ENQUIRY_ID']}")
        async with self.database.acquire() as connection:
            return await connection.fetchrow(
                "select *, st_x(position) as lon, st_y(position) as lat from issues where id = $1",
                id,
            )


@pytest.fixture
def desk(database, tmp_path):
    return Desk(database, tmp_path)


async def test_history_is_true_and_comes_in_once(desk, database):
    rows = list(csv.DictReader(SAMPLE.open()))
    first = await desk.take(SAMPLE.read_bytes())
    assert str(first).startswith("60 taken, 0 were here already, 0 refused.")
    again = await desk.take(gzip.compress(SAMPLE.read_bytes()), "cases.csv.gz")
    assert str(again) == "0 taken, 60 were here already, 0 refused. 0 came back." and not again.is_empty
    async with database.acquire() as connection:
        found = await connection.fetch(
            "select r.*, e.data->>'case' as case, (select count(*) from events x where x.issue_id = r.id) as events "
            "from issues r join events e on e.issue_id = r.id and e.version = 1 where e.data->>'case' = any($1)",
            [row["CASE_ENQUIRY_ID"] for row in rows],
        )  # fmt: skip
        assigned = await connection.fetch(
            "select data from events where action = 'import_assign' and issue_id = $1",
            found[0]["id"],
        )
    issues = {issue["case"]: issue for issue in found}
    for row in rows:
        issue = issues[row["CASE_ENQUIRY_ID"]]
        closed = row["CASE_STATUS"] == "Closed"
        assert (issue["state"], issue["events"], issue["version"]) == (("closed", 3, 3) if closed else ("assigned", 2, 2))
        assert (issue["deadline"] is None) == (row["TARGET_DT"] == "") and issue["number"].startswith("2015-")
    assert assigned[0]["data"]["unit"] == str(found[0]["unit_id"])
    # 12:25:23 AM in Boston's winter is 05:25:23 UTC.
    winter = next(issues[row["CASE_ENQUIRY_ID"]] for row in rows if row["OPEN_DT"].startswith("01/"))
    row = next(r for r in rows if r["CASE_ENQUIRY_ID"] == winter["case"])
    local = datetime.strptime(row["OPEN_DT"], "%m/%d/%Y %I:%M:%S %p")
    assert (winter["created_at"] - local.replace(tzinfo=UTC)).total_seconds() == 5 * 3600


_SOON = f"{datetime.now(UTC) + timedelta(days=3):%m/%d/%Y %I:%M:%S %p}"
_BAD = [
    ({"CASE_ENQUIRY_ID": ""}, "it has no CASE_ENQUIRY_ID"),
    *(
        ({"CASE_ENQUIRY_ID": id}, "CASE_ENQUIRY_ID is not a case's number")
        for id in (
            "1.01001E+11",
            "1,01001E+11",
            "1E5",
            "101001234567.0",
            '="101001234567"',
            "####",
            "=“7”",
            "１０１",
            "a b",
            "..",
            "NULL",
            "Jan-05",
            "2015-01-05",
        )
    ),
    ({"CASE_ENQUIRY_ID": "9" * 65}, "CASE_ENQUIRY_ID is longer than 64"),
    *(
        ({"OPEN_DT": time}, f"OPEN_DT is not between the years 2000 and 2100: '{time}'")
        for time in (
            "01/03/3020 07:32:00 PM",
            "01/03/0001 07:32:00 PM",
            "01/03/0215 07:32:00 PM",
            "12/31/9999 11:59:59 PM",
            "9999-12-31 23:59:59",
            "1999-12-31 12:00:00",
            "2100-01-01T00:00:00Z",
            "2000-01-01T00:00:00+10:00",
        )
    ),
    *(
        ({"OPEN_DT": time}, "OPEN_DT is not a time such as")
        for time in (
            "soon",
            "01/03/1 07:32:00 PM",
            "01/03/215 07:32:00 PM",
            "01/03/2015",
            "2015-01-03",
            "20150103",
            "01/03/2015 19:32",
            "1420331520",
            "02/30/2015 07:32:00 PM",
            "01/03/2015 13:32:00 PM",
            "01/03/2015 00:32:00 AM",
            "2015-W01-3 10:00:00",
            "2015-13-03 10:00:00",
            "2015-01-03 24:30:00",
            "42007.81",
            "０１/03/2015 07:32:00 PM",
        )
    ),
    ({"OPEN_DT": ""}, "OPEN_DT is missing"),
    ({"OPEN_DT": _SOON}, "OPEN_DT lies in the future"),
    ({"CASE_STATUS": "Closed", "CLOSED_DT": _SOON}, "CLOSED_DT lies in the future"),
    ({"TARGET_DT": "01/31/9999 08:30:00 AM"}, "TARGET_DT is not between the years"),
    ({"TARGET_DT": "12/31/2099 11:00:00 PM"}, "TARGET_DT is not between the years"),
    ({"TARGET_DT": "01/02/2015 08:30:00 AM"}, "TARGET_DT is before OPEN_DT"),
    (
        {"CLOSED_DT": "01/01/2015 08:30:00 AM", "CASE_STATUS": "Closed"},
        "CLOSED_DT is long before OPEN_DT",
    ),
    ({"OPEN_DT": "03/08/2015 02:30:00 AM", "TARGET_DT": ""}, "OPEN_DT was never in Boston"),
    ({"OPEN_DT": "11/01/2015 01:30:00 AM", "TARGET_DT": ""}, "OPEN_DT was there twice in Boston"),
    ({"TYPE": "Elephants"}, "TYPE is not known: 'Elephants'"),
    *(({"CASE_STATUS": state}, f"CASE_STATUS is neither Open nor Closed: '{state}'") for state in ("Void", "", "Duplicate")),
    ({"CASE_STATUS": "Closed", "CLOSED_DT": ""}, "it is closed but has no CLOSED_DT"),
    (
        {"CASE_STATUS": "Open", "CLOSED_DT": "01/10/2015 12:11:44 PM"},
        "it is open but has a CLOSED_DT",
    ),
    ({"LATITUDE": "-71.1227", "LONGITUDE": "42.2562"}, "LATITUDE and LONGITUDE are swapped"),
    ({"LATITUDE": "24.67", "LONGITUDE": "102.9"}, "its position is far from Boston"),
    ({"LONGITUDE": "71.1227"}, "its position is far from Boston"),
    ({"LATITUDE": "0", "LONGITUDE": "0"}, "it has no position"),
    ({"LATITUDE": "", "LONGITUDE": ""}, "it has no position"),
    *(
        ({"LATITUDE": number}, "LATITUDE is not a number of degrees")
        for number in ("nan", "inf", "42,2562", "1e1", "4_2.25", "４２.25", "42°15'", "422562")
    ),
    ({"neighborhood": "Hyde\0Park"}, "NEIGHBORHOOD has the character U+0000"),
    ({"Department": "PW\0Dx"}, "DEPARTMENT has the character U+0000"),
    ({"Department": "PW\u200bDx"}, "DEPARTMENT has the character U+200B, which cannot be seen"),
    ({"Department": "PW\u3164Dx"}, "DEPARTMENT has the character U+3164, which cannot be seen"),
    ({"Department": "PW\nDx"}, "DEPARTMENT has a line break"),
    ({"Source": "\x07"}, "SOURCE has the character U+0007"),
    ({"neighborhood": "Hyde\ufffdPark"}, "NEIGHBORHOOD has lost characters (U+FFFD)"),
    ({"neighborhood": "x" * 201}, "NEIGHBORHOOD is longer than 200"),
    ({"neighborhood": "x" * 140_000}, "it is longer than 131072 characters"),
]


@pytest.mark.parametrize(("changes", "reason"), _BAD)
async def test_a_bad_row_is_refused_with_its_reason_and_the_good_one_is_taken(desk, changes, reason):
    before, bad, after = good(), good(**changes), good()
    outcome = await desk.take(written([before, bad, after]))
    assert (outcome.taken, outcome.known, outcome.refused) == (2, 0, 1)
    [refusal] = desk.refused()
    assert refusal["line"] == "3" and refusal["reason"].startswith(reason), refusal["reason"]
    assert await desk.issue(before) and await desk.issue(after) and not await desk.issue(bad)


async def test_what_is_refused_can_be_mended_there_and_brought_in_again(desk):
    rows = [
        good(OPEN_DT="01/03/3020 07:32:00 PM", neighborhood="=1+1"),
        good(OPEN_DT="01/03/3020 07:32:00 PM", neighborhood="'s-Gravenhage, 010-2"),
    ]
    await desk.take(written(rows))
    text = desk.out.read_text("utf-8-sig")
    assert ",'=1+1," in text and "'01/03/3020" in text and ",'-71.1227," in text
    desk.out = desk.folder / "second.csv"
    mended = await desk.take("\ufeff" + text.replace("3020", "2015"), "r.csv")
    assert (mended.taken, mended.refused) == (2, 0)
    assert [(await desk.issue(row))["place"] for row in rows] == [row["neighborhood"] for row in rows]
    assert (await desk.issue(rows[0]))["lon"] == -71.1227


@pytest.mark.parametrize("state", ["closed", "CLOSED", " Closed "])
async def test_a_state_is_read_in_any_case(desk, state):
    row = good(CASE_STATUS=state, CLOSED_DT="01/10/2015 12:11:44 PM")
    assert (await desk.take(written([row]))).taken == 1 and (await desk.issue(row))["state"] == "closed"


@pytest.mark.parametrize(
    ("header", "separator", "newline"),
    [
        (HEADER, ";", "\n"),
        (HEADER, "\t", "\r\n"),
        (HEADER, "|", "\r"),
        (HEADER[::-1], ",", "\n"),
        (HEADER, ",", "\n\n"),
    ],
)
async def test_separators_order_and_line_ends_are_read_from_the_file(desk, header, separator, newline):
    rows = [good(neighborhood="Allston, Brighton; West"), good()]
    text = written(rows, header, separator).replace("\r\n", newline)
    assert (await desk.take(text)).taken == 2
    assert (await desk.issue(rows[0]))["place"] == "Allston, Brighton; West"


async def test_a_spreadsheets_own_line_of_the_separator_is_no_header(desk):
    assert (await desk.take("sep=;\n" + written([good()], separator=";"))).taken == 1


@pytest.mark.parametrize(
    ("opened", "utc"),
    [
        ("2024-01-03 19:32:00", "2024-01-04 00:32:00+00:00"),
        ("2024-07-03T19:32:00", "2024-07-03 23:32:00+00:00"),
        ("2024-01-03 19:32:00.25", "2024-01-04 00:32:00.250000+00:00"),
        ("2024-01-03 19:32:00+00", "2024-01-03 19:32:00+00:00"),
        ("2024-01-03T19:32:00Z", "2024-01-03 19:32:00+00:00"),
        ("2024-11-03T01:30:00-05:00", "2024-11-03 06:30:00+00:00"),
    ],
)
async def test_the_same_citys_export_of_today_is_read(desk, opened, utc):
    id = f"t-{uuid.uuid4().hex[:12]}"
    row = dict.fromkeys(PRESENT, "x") | {
        "case_enquiry_id": id, "open_dt": opened, "sla_target_dt": "2024-12-31 08:30:00", "closed_dt": "", "case_status": "Open",
        "type": "Street Light Outages", "department": "PWDx", "latitude": "42.25", "longitude": "-71.12",
    }  # fmt: skip
    assert (await desk.take(written([row], PRESENT))).taken == 1
    issue = await desk.issue({"CASE_ENQUIRY_ID": id})
    assert str(issue["created_at"]) == utc and (issue["lat"], issue["lon"]) == (42.25, -71.12)


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030-with-mark"],
)
async def test_what_says_its_encoding_is_read_right(desk, encoding):
    row = good(neighborhood="东浦巷")
    text = written([row])
    content = ("\ufeff" + text).encode("gb18030") if encoding.startswith("gb") else text.encode(encoding)
    assert (await desk.take(content)).taken == 1 and (await desk.issue(row))["place"] == "东浦巷"


@pytest.mark.parametrize(
    ("encoding", "place"),
    [("gbk", "东浦巷"), ("gb18030", "东浦巷"), ("latin-1", "Montréal"), ("big5", "東浦巷")],
)
async def test_another_encoding_is_refused_by_row_until_it_is_named(desk, encoding, place):
    plain, row = good(), good(neighborhood=place)
    content = written([plain, row]).encode(encoding)
    outcome = await desk.take(content)
    assert (outcome.taken, outcome.refused) == (
        1,
        1,
    ) and "name its encoding with --encoding" in desk.reasons()[0]
    named = await desk.take(content, encoding="iso-8859-1" if encoding == "latin-1" else encoding)
    assert (named.taken, named.known) == (1, 1) and (await desk.issue(row))["place"] == place


async def test_lone_surrogates_and_odd_bytes_spoil_their_row_only(desk):
    rows = [good(neighborhood="AA"), good(), good(neighborhood="BB")]
    content = written(rows).encode().replace(b"AA", b"\xed\xa0\x80").replace(b"BB", b"\xff\xfe")
    outcome = await desk.take(content)
    assert (outcome.taken, outcome.refused) == (1, 2) and all("lost characters" in reason for reason in desk.reasons())


@pytest.mark.parametrize("quoted", [False, True])
async def test_a_quotation_mark_that_is_not_closed_spoils_its_row_only(desk, quoted):
    rows = [good(neighborhood=f"P{n}") for n in range(300)]
    text = io.StringIO()
    out = csv.DictWriter(text, HEADER, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL)
    out.writeheader()
    out.writerows(rows)
    old, new = ('"P7"', '"P7') if quoted else (",P7,", ',"P7,')
    outcome = await desk.take(text.getvalue().replace(old, new).replace('P299"' if quoted else "P299", '"P299'))
    assert (outcome.taken, outcome.refused) == (298, 2)
    assert [(row["line"], "quotation mark" in row["reason"]) for row in desk.refused()] == [
        ("9", True),
        ("301", True),
    ]
    assert desk.refused()[0]["CASE_ENQUIRY_ID"].strip('"') == rows[7]["CASE_ENQUIRY_ID"]


async def test_a_line_without_an_end_is_one_row(desk):
    lines = written([good(), good(), good()]).splitlines()
    lines[2] += "x" * 3_000_000
    outcome = await desk.take("\n".join(lines))
    assert (outcome.taken, outcome.refused) == (2, 1)
    [refusal] = desk.refused()
    assert refusal["line"] == "3" and refusal["reason"].startswith("it is longer than 1048576 characters")


async def test_a_field_of_several_lines_is_one_row(desk):
    rows = [good(REASON="one\ntwo, three\r\n\r\nfour"), good()]
    assert (await desk.take(written(rows))).taken == 2


async def test_short_and_long_rows_are_refused_and_empty_cells_at_the_end_are_not(desk):
    lines = written([good(), good(), good()]).splitlines()
    lines[1] += ",,"
    lines[2] += ",x"
    lines[3] = lines[3].rpartition(",")[0]
    outcome = await desk.take("\n".join([*lines, "too,short"]))
    assert (outcome.taken, outcome.refused) == (1, 3)
    assert set(desk.reasons()) == {"it has more or fewer columns than the header"}


async def test_the_same_row_twice_is_taken_once_and_rows_that_differ_under_one_id_not_at_all(desk):
    twice, one = good(), good()
    other = one | {"LATITUDE": "42.3"}
    outcome = await desk.take(written([twice, one, twice, other, good()]))
    assert (outcome.taken, outcome.refused) == (2, 3)
    assert [row["line"] for row in desk.refused()] == ["3", "4", "5"]
    torn, again, also = desk.reasons()
    assert torn == also and torn.startswith("its CASE_ENQUIRY_ID stands on several rows that differ")
    assert again == "the same row stands on line 2 already" and not await desk.issue(one)


async def test_days_before_months_are_never_guessed(desk):
    rows = [
        good(OPEN_DT="03/02/2015 07:32:00 PM"),
        good(OPEN_DT="13/02/2015 07:32:00 PM"),
        good(OPEN_DT="2015-01-03 07:32:00"),
    ]
    rows = [row | {"TARGET_DT": ""} for row in rows]
    outcome = await desk.take(written(rows))
    assert (outcome.taken, outcome.refused) == (1, 2)
    assert all("may have the day before the month" in reason for reason in desk.reasons())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (
            b"a,b\n1,2\n",
            "lacks the columns CASE_ENQUIRY_ID, OPEN_DT, TARGET_DT, CLOSED_DT, CASE_STATUS, TYPE, DEPARTMENT, LATITUDE",
        ),
        (
            written([], [n for n in HEADER if n != "TYPE"]).encode(),
            "lacks the columns TYPE; nothing was taken",
        ),
        (written([], [*HEADER, "latitude"]).encode(), "columns that stand twice: latitude"),
        (
            written([], [*HEADER, "sla_target_dt"]).encode(),
            "columns that stand twice: sla_target_dt",
        ),
        (b"PK\x03\x04" + bytes(100), "is no CSV but a workbook"),
        (gzip.compress(SAMPLE.read_bytes())[:-300], "is cut short"),
        (gzip.compress(SAMPLE.read_bytes())[:-4], "is cut short"),
        (gzip.compress(SAMPLE.read_bytes())[:-8] + bytes(8), "is damaged"),
        (b"\x1f\x8b\x08" + bytes(50), "is damaged"),
        (b"\x1f\x8b", "is cut short"),
        (gzip.compress(gzip.compress(SAMPLE.read_bytes())), "is no CSV"),
        (random.Random(1).randbytes(5000), "lacks the columns"),
    ],
)
async def test_a_file_that_cannot_be_read_at_all_says_why(desk, content, words):
    with pytest.raises(ImportProblem, match=words):
        await desk.take(content)


@pytest.mark.parametrize(("name", "packed"), [("cases.csv.gz", False), ("cases.csv", True)])
async def test_what_stands_in_a_file_counts_not_its_name(desk, name, packed):
    content = written([good()]).encode()
    assert (await desk.take(gzip.compress(content) if packed else content, name)).taken == 1


async def test_a_file_is_never_overwritten_by_its_own_refusals(desk):
    with pytest.raises(ImportProblem, match="would be overwritten"):
        await desk.take(written([good()]), "r.csv")
    assert len((desk.folder / "r.csv").read_text().splitlines()) == 2


async def test_no_past_case_has_an_instant_that_papers_cannot_write(database):
    for at in (datetime(215, 1, 1, tzinfo=UTC), datetime(3020, 1, 1, tzinfo=UTC)):
        past = history.Past(uuid.uuid4(), "litter", 1, 1, at, uuid.uuid4(), "assigned", [])
        with pytest.raises(ValueError, match="outside the years"):
            async with database.transaction() as connection:
                await history.load(connection, [past], None)


_ANY = st.text(st.characters(exclude_categories=[]), max_size=30)
_LIKELY = st.sampled_from(
    [
        "",
        "0",
        "Open",
        "closed",
        "Void",
        '"',
        "'",
        "\0",
        ",",
        "01/03/2015 07:32:00 PM",
        "9999-12-31 23:59",
        "=1",
        "x" * 300,
    ]
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    mutations=st.lists(st.dictionaries(st.sampled_from(HEADER), _LIKELY | _ANY, max_size=3), min_size=1, max_size=8),
    separator=st.sampled_from(",;\t"),
)
def test_rows_taken_and_refused_are_all_rows(run, desk, mutations, separator):
    rows = [good(**mutation) for mutation in mutations]
    outcome = run(desk.take(written(rows, separator=separator).encode("utf-8", "surrogatepass")))
    assert outcome.taken + outcome.known + outcome.refused == len(rows)
    refused = desk.refused()
    assert len(refused) == outcome.refused and all(row["reason"] and int(row["line"]) > 1 for row in refused)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_bytes_end_in_a_traceback(run, desk, data):
    """Pieces of a good file are exchanged for anything: it is refused as a whole, or every row is told."""
    content = bytearray(SAMPLE.read_bytes()[:1500])
    start = data.draw(st.sampled_from([0, 150]))  # half of the time the header stays whole
    places = st.tuples(st.integers(start, len(content)), st.integers(0, 60), st.binary(max_size=40))
    for at, length, piece in data.draw(st.lists(places, max_size=6)):
        content[at : at + length] = piece
    packed = data.draw(st.sampled_from([None, None, None, 300, 10_000]))
    whole = bytes(content) if packed is None else gzip.compress(bytes(content))[:packed]
    try:
        outcome = run(desk.take(whole))
    except ImportProblem:
        return
    rows = list(Table(desk.folder / "cases.csv", None, boston.known).records())
    assert outcome.taken + outcome.known + outcome.refused == len(rows)
    with desk.out.open(encoding="utf-8-sig", newline="") as file:
        assert len(list(csv.reader(file))) == outcome.refused + 1


@pytest.fixture
def command(database_url, app, tmp_path, monkeypatch):
    """The command line in the test's folder: its exit code, and all that it says."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "settings", lambda: SimpleNamespace(database_url=database_url))

    def run(*args):
        done = CliRunner().invoke(cli.cli, [str(arg) for arg in args])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code

    return run


def test_the_commands_exit_code_says_whether_anything_was_taken(command, tmp_path):
    file = tmp_path / "boston.2015.csv"
    file.write_text(written([good()]))
    assert command("import", "reports", file) == 0
    assert command("import", "reports", file) == 0  # it is all here already
    file.write_text(written([good(CASE_STATUS="Void")]))
    assert command("import", "reports", file) == 1
    assert "'Void'" in (tmp_path / "boston.2015.refused.csv").read_text("utf-8-sig")
    file.write_bytes(gzip.compress(SAMPLE.read_bytes())[:-300])
    assert command("import", "reports", file) == 1
    for args in (("none.csv",), (file, "--encoding", "klingon"), (tmp_path,)):
        assert command("import", "reports", *args) == 1
    file.write_text(written([good()]))
    assert command("import", "reports", file, "--refusals", tmp_path / "no" / "r.csv") == 1


def test_a_stopped_command_says_that_nothing_was_taken(database_url, app, tmp_path):
    file = tmp_path / "many.csv"
    file.write_text(written(good() for _ in range(9_000)))
    process = subprocess.Popen(
        [COMMAND, "import", "reports", file],
        cwd=tmp_path,
        env=os.environ | {"DATABASE_URL": database_url},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    while not (tmp_path / "many.refused.csv").exists():
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130 and "Traceback" not in said and "Stopped; nothing was taken." in said
