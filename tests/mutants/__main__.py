"""`make mutants`: take away every scope condition, rule, bound, guard and lock in turn, and tell which test goes red.

1. The whole suite runs once, traced: which test runs which statement and which lines (kept until a file of `app` or `tests` changes).
2. Every mutant gets a process with a copy of `app` in which one place is changed. The tests that run that place are asked,
   cheapest first, until one fails.
3. A table says which test noticed which mutant. The run fails when one survives that `EQUIVALENT` does not explain.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.choosing import Trace
from tests.mutants.finding import Mutant, mutants

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / ".mutants"
RESULT = KEPT / "result.json"
# For how long one mutant may be asked about, in seconds of tests and by the clock.
_TESTS_S, _CLOCK_S = 60, 240
# Imported once, before the processes part: what does not change with a mutant.
_ALIKE = (
    "alembic.command", "asyncpg", "chinese_calendar", "cryptography.hazmat.primitives.asymmetric.ec", "docx", "fastapi", "filelock", "http_ece",
    "httpx", "hypothesis", "mapbox_vector_tile", "moto.server", "obstore", "orjson", "PIL.Image", "pillow_heif", "procrastinate",
    "prometheus_client", "psycopg", "pwdlib", "py_vapid", "pydantic_settings", "pytest", "segno", "shapely", "sqlalchemy.ext.asyncio",
    "sse_starlette", "structlog", "uvicorn", "xlsxwriter",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a mutant: `noticed` by a test, `survived`, or `unasked` when no test runs its place."""

    name: str
    fate: str
    test: str
    seconds: float


def _hash_of_sources() -> str:
    digest = hashlib.sha256()
    for folder in ("app", "tests"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "mutants" not in path.relative_to(ROOT).parts:
                digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _environment(data: Path) -> dict[str, str]:
    return os.environ | {"GRIDPATROL_TESTS_DATA": str(data), "PYTHONDONTWRITEBYTECODE": "1"}


def _traced(data: Path, jobs: int) -> Path:
    """The folder with the trace of the sources as they are."""
    folder = KEPT / f"trace-{_hash_of_sources()}"
    if folder.exists():
        return folder
    print("The suite runs once, traced …", flush=True)
    for old in KEPT.glob("trace-*"):
        shutil.rmtree(old)
    fresh = KEPT / "trace.new"
    shutil.rmtree(fresh, ignore_errors=True)
    run = [sys.executable, "-m", "pytest", "-q", "-p", "tests.mutants.tracing", "-p", "no:cacheprovider"]
    run += ["-n", str(jobs), "--dist", "loadscope", "--no-loadscope-reorder"] if jobs > 1 else []
    # A browser, and generated requests, take too long to be asked about every mutant.
    slow = ("playwright", "tests.phones", "tests import fuzzing")
    run += [f"--ignore={path}" for path in (ROOT / "tests").glob("test_*.py") if any(word in path.read_text() for word in slow)]
    done = subprocess.run([*run, "tests"], cwd=ROOT, env=_environment(data) | {"GRIDPATROL_TRACE": str(fresh)}, check=False)
    if done.returncode != 0:
        sys.exit("The suite is red as it is; mend it first.")
    texts = "import json, app.main, tests.mutants.choosing as c; print(json.dumps(c.program_texts()))"
    told = subprocess.run([sys.executable, "-c", texts], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    (KEPT / "texts.json").write_text(told)
    fresh.rename(folder)
    return folder


def _copy(folder: Path, mutant: Mutant) -> None:
    """The project with the mutant in it: `app` linked file by file, but for the one that changes; all else as it is."""
    for path in ROOT.iterdir():
        if path.name not in ("app", ".mutants", ".git"):
            (folder / path.name).symlink_to(path)
    shutil.copytree(ROOT / "app", folder / "app", copy_function=os.link, ignore=shutil.ignore_patterns("__pycache__"))
    changed = folder / mutant.file
    changed.unlink()
    changed.write_bytes(mutant.applied((ROOT / mutant.file).read_bytes()))


def _ask(mutant: Mutant, copy: Path, trace: Trace, answer: int) -> int:
    """In a process of its own: import the mutant, choose tests, run them; the first that fails is written to `answer`."""
    os.chdir(copy)
    sys.path[:] = [str(copy), *(path for path in sys.path if path not in ("", str(ROOT)))]
    for name in [name for name in sys.modules if name == "tests" or name.startswith("tests.")]:
        del sys.modules[name]
    import pytest

    importlib.import_module("app.main")
    from tests.mutants.choosing import candidates

    original = json.loads((KEPT / "texts.json").read_text())
    asked = candidates(mutant, trace, original, ROOT, _TESTS_S)
    if not asked:
        os.write(answer, b"unasked\n")
        return 0

    class First:
        def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
            if report.failed:
                os.write(answer, f"noticed {report.nodeid}\n".encode())

        def pytest_collectreport(self, report: pytest.CollectReport) -> None:
            if report.failed:
                os.write(answer, f"noticed {report.nodeid} (not collected)\n".encode())

    options = ["-x", "-q", "-p", "no:xdist", "-p", "no:cacheprovider", "-p", "no:randomly", f"--rootdir={copy}"]
    return int(pytest.main([*options, *asked], plugins=[First()]))


def _verdict(mutant: Mutant, told: str, code: int | None, seconds: float) -> Verdict:
    first = told.splitlines()[0] if told else ""
    if first.startswith("noticed "):
        return Verdict(mutant.name, "noticed", first.removeprefix("noticed "), seconds)
    if first == "unasked":
        return Verdict(mutant.name, "unasked", "", seconds)
    if code is None:
        return Verdict(mutant.name, "noticed", "(the tests do not end)", seconds)
    if code == 0:
        return Verdict(mutant.name, "survived", "", seconds)
    return Verdict(mutant.name, "noticed", "(the program does not start)", seconds)


class Running:
    """A mutant that is being asked about."""

    def __init__(self, mutant: Mutant, data: Path, trace: Trace) -> None:
        self.mutant, self.begun = mutant, time.monotonic()
        self.copy = Path(tempfile.mkdtemp(prefix="gridpatrol-mutant-"))
        _copy(self.copy, mutant)
        self.read, write = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.setpgid(0, 0)
            os.environ.update(_environment(data))
            log = os.open(KEPT / "last.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(log, 1), os.dup2(log, 2)
            code = 70
            try:
                code = _ask(mutant, self.copy, trace, write)
            except BaseException as error:
                print(f"{type(error).__name__}: {error}", flush=True)
            finally:
                os._exit(code)
        os.close(write)

    def ended(self) -> Verdict | None:
        """What became of it, once its process is over."""
        seconds = time.monotonic() - self.begun
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid == 0 and seconds < _CLOCK_S:
            return None
        code: int | None = os.waitstatus_to_exitcode(status) if pid else None
        if pid == 0:
            os.killpg(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        told = b""
        while select.select([self.read], [], [], 0)[0] and (piece := os.read(self.read, 65536)):
            told += piece
        os.close(self.read)
        shutil.rmtree(self.copy, ignore_errors=True)
        return _verdict(self.mutant, told.decode(errors="replace"), code, seconds)


def _keep(verdicts: list[Verdict]) -> None:
    """What is known so far: a run that is stopped has not been for nothing."""
    rows = [{"name": v.name, "fate": v.fate, "test": v.test, "seconds": round(v.seconds, 1)} for v in verdicts]
    RESULT.write_text(json.dumps(rows, indent=1))


def _run(chosen: list[Mutant], data: Path, trace: Trace, jobs: int) -> list[Verdict]:
    waiting, running, verdicts = list(chosen), list[Running](), list[Verdict]()
    while waiting or running:
        while waiting and len(running) < jobs:
            running.append(Running(waiting.pop(0), data, trace))
        time.sleep(0.05)
        for each in list(running):
            verdict = each.ended()
            if verdict is not None:
                running.remove(each)
                verdicts.append(verdict)
                _keep(verdicts)
                shown = verdict.test or ("NOBODY" if verdict.fate == "survived" else "NO TEST RUNS IT")
                print(f"{len(verdicts)}/{len(chosen)} {verdict.name} → {shown} ({verdict.seconds:.0f} s)", flush=True)
    return verdicts


def _explained() -> dict[str, str]:
    """Mutants that change nothing anybody could see, and why."""
    from tests.mutants.equivalent import EQUIVALENT

    return EQUIVALENT


def _is_explained(verdict: Verdict) -> bool:
    plain = re.sub(r":\d+ ", " ", verdict.name, count=1)
    return plain in _explained()


def main() -> None:
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("--only", default="", help="a regular expression that the mutant's name must match")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--list", action="store_true", help="name them, and end")
    parser.add_argument("--survivors", action="store_true", help="only those that survived the last run")
    options = parser.parse_args()
    chosen = [mutant for mutant in mutants(ROOT) if re.search(options.only, mutant.name)]
    if options.list:
        print("\n".join(mutant.name for mutant in chosen))
        return
    KEPT.mkdir(exist_ok=True)
    (KEPT / "last.log").write_text("")
    if options.survivors:
        last = {each["name"] for each in json.loads(RESULT.read_text()) if each["fate"] != "noticed"}
        chosen = [mutant for mutant in chosen if mutant.name in last]
    data = Path(tempfile.mkdtemp(prefix="gridpatrol-mutants-"))
    data.chmod(0o755)
    holder = subprocess.Popen(
        [sys.executable, "-m", "tests.mutants.holding", str(data)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdin is not None and holder.stdout is not None
    try:
        if not holder.stdout.readline():
            sys.exit("The database does not start.")
        trace = Trace(_traced(data, options.jobs))
        for name in _ALIKE:
            importlib.import_module(name)
        verdicts = _run(chosen, data, trace, options.jobs)
    finally:
        holder.stdin.close()
        holder.wait()
        shutil.rmtree(data, ignore_errors=True)
    open_ones = [verdict for verdict in verdicts if verdict.fate != "noticed" and not _is_explained(verdict)]
    kinds = Counter((verdict.name.split()[0], "noticed" if verdict.fate == "noticed" else "not") for verdict in verdicts)
    print("\nkind        mutants  noticed")
    for kind in sorted({kind for kind, _ in kinds}):
        print(f"{kind:<12}{kinds[kind, 'noticed'] + kinds[kind, 'not']:>7}{kinds[kind, 'noticed']:>9}")
    for verdict in open_ones:
        print(f"{verdict.fate}: {verdict.name}")
    if open_ones:
        sys.exit(f"{len(open_ones)} mutants that no test notices.")


if __name__ == "__main__":
    main()
