"""`gridpatrol`: the server and everything an operator does beside it."""

from __future__ import annotations

import asyncio
import io
import os
import re
import signal
import sys
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer
from pydantic import ValidationError
from rich.console import Console

from app.kit import logs
from app.kit.cluster import ClusterError, private_cluster
from app.kit.db import Connection, Database, SchemaError, migrate
from app.settings import settings

if TYPE_CHECKING:
    import uvicorn

cli = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help="GridPatrol: grid-patrol issue tracker.")
importing = typer.Typer(no_args_is_help=True, help="Bring in real areas and real past cases.")
grid = typer.Typer(no_args_is_help=True, help="Cells.")
admin = typer.Typer(no_args_is_help=True, help="Accounts of administrators.")
photos = typer.Typer(no_args_is_help=True, help="Photographs and the object store.")
demo_group = typer.Typer(no_args_is_help=True, help="The demo community.")
bench = typer.Typer(help="Measurements, with what they are compared to in the same run.")
for name, group in (
    ("import", importing),
    ("grid", grid),
    ("admin", admin),
    ("photos", photos),
    ("demo", demo_group),
    ("bench", bench),
):
    cli.add_typer(group, name=name)

console = Console(stderr=True)
T = TypeVar("T")
Data = Annotated[Path | None, typer.Option(help="The data folder (GRIDPATROL_DATA).")]


def fail(message: str) -> typer.Exit:
    console.print(message, style="red", markup=False, highlight=False, soft_wrap=True)
    return typer.Exit(1)


def _stop(number: int, frame: Any) -> None:
    raise SystemExit(128 + number)


@contextmanager
def database_url(data: Path | None) -> Generator[str]:
    """`DATABASE_URL`, or the private PostGIS of the data folder for as long as it is needed; migrated either way."""
    signal.signal(signal.SIGTERM, _stop)
    given = settings().database_url
    try:
        if given:
            migrate(given)
            yield given
            return
        with private_cluster(data or settings().data) as url:
            migrate(url)
            yield url
    except (ClusterError, SchemaError) as error:
        raise fail(str(error)) from None


Work = Callable[[Connection], Awaitable[T]]


def _bind(work: Callable[..., Awaitable[T]], *rest: Any) -> Work[T]:
    return lambda connection: work(connection, *rest)


async def _with_pool(url: str, work: Work[T]) -> T:
    from app.catalogue.catalogue import seed

    database = await Database.open(url, 2)
    try:
        async with database.transaction() as connection:
            await seed(connection)
            result = await work(connection)
        await database.pass_on()
        return result
    finally:
        await database.close()


def with_connection(data: Path | None, work: Work[T]) -> T:
    """Run `work(connection)` in one transaction on the migrated database."""
    try:
        with database_url(data) as url:
            return asyncio.run(_with_pool(url, work))
    except KeyboardInterrupt:
        console.print("Stopped; nothing was taken.")
        raise typer.Exit(130) from None


def served(app: Any, host: str, port: int) -> uvicorn.Config:
    """How the service is served. Who the visitor is, only a proxy that is named may say: else the peer is the visitor."""
    import uvicorn

    from app.kit.connections import Connection, allow_many

    allow_many()
    proxies = settings().trust_proxy
    return uvicorn.Config(
        app, host=host, port=port, http=Connection, access_log=False, log_level=settings().log_level, server_header=False,
        proxy_headers=bool(proxies), forwarded_allow_ips=proxies or None, log_config=None,  # its lines go the way of all others
    )  # fmt: skip


@cli.command()
def run(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
    data: Data = None,
    demo: Annotated[bool, typer.Option(help="Fill an empty database with a demo community.")] = False,
    no_worker: Annotated[bool, typer.Option("--no-worker", help="Leave the queue's jobs to `gridpatrol worker`.")] = False,
) -> None:
    """The server and its worker in one process; ready when /readyz answers 200."""
    import uvicorn

    from app.main import create_app

    with database_url(data) as url:
        folder = data or settings().data
        if demo:
            settings().public = True  # nothing of it is anybody's
            from app.demo.community import make_demo

            accounts = asyncio.run(_with_pool(url, _bind(make_demo, folder, console.print)))
            if accounts:
                console.print(f"Demo accounts: {accounts}", markup=False, highlight=False)
        console.print(f"GridPatrol at http://{host}:{port} (openapi.json, readyz)", markup=False, highlight=False)
        server = uvicorn.Server(served(create_app(url, folder, work=not no_worker), host, port))
        server.run()
        if not server.started:
            raise fail(f"The server could not listen on {host}:{port}.")


@cli.command()
def worker(data: Data = None) -> None:
    """The worker alone: does the queue's jobs until it is stopped."""

    async def work(url: str) -> None:
        from app.photos.store import open_store
        from app.sync.live import Live
        from app.worker import work_on

        database = await Database.open(url, 4)
        async with Live(database, url).running():
            await work_on(url, database, open_store(data or settings().data))

    with database_url(data) as url:
        console.print("The worker waits for jobs.")
        asyncio.run(work(url))


@demo_group.command("fast-forward")
def demo_fast_forward(
    language: Annotated[Literal["zh-CN", "en"], typer.Option(help="Language of the notices shown.")] = "zh-CN", data: Data = None
) -> None:
    """Play one issue of the demo through its whole life in seconds, with every notice that goes out on the way."""
    from app.demo.fast_forward import NoDemo, play_alone

    folder = data or settings().data
    with database_url(data) as url:
        try:
            asyncio.run(play_alone(url, folder, language, lambda line: print(line, flush=True)))
        except NoDemo as reason:
            raise fail(str(reason)) from None


@photos.command("verify")
def photos_verify(
    orphans: Annotated[
        bool, typer.Option("--delete-orphans", help="Delete objects older than a day that nothing refers to.")
    ] = False,
    data: Data = None,
) -> None:
    """Compare the object store with the database: missing, damaged and orphaned objects. Exit code 2 when something is missing or damaged."""
    from app.photos.store import open_store
    from app.photos.verifying import verify

    async def check(url: str) -> bool:
        database = await Database.open(url, 2)
        try:
            return await verify(database, open_store(data or settings().data), orphans, console)
        finally:
            await database.close()

    with database_url(data) as url:
        if not asyncio.run(check(url)):
            raise typer.Exit(2)


@cli.command("migrate")
def migrate_command(data: Data = None) -> None:
    """Bring the schema and the first catalogue up to date."""

    async def nothing(connection: Connection) -> None:
        pass

    with_connection(data, nothing)
    console.print("The schema is up to date.")


@admin.command("create")
def admin_create(
    account: str,
    name: Annotated[str, typer.Option(help="Display name.")] = "",
    password: Annotated[str | None, typer.Option(envvar="GRIDPATROL_ADMIN_PASSWORD", help="Asked for when not given.")] = None,
    data: Data = None,
) -> None:
    """Make an administrator who can sign in with ACCOUNT."""
    word = password or typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    from app.kit.language import say
    from app.kit.wire import shown_name
    from app.people import passwords

    account = passwords.canonical_account(account)
    if not passwords.ACCOUNT.fullmatch(account):
        raise fail(say("account-letters", "en"))
    try:
        name = shown_name(name or account)
    except ValueError as bad:
        raise fail(say(str(bad), "en")) from None
    wrong = passwords.fault(word, [account, name])
    if wrong is not None:
        raise fail(say(wrong, "en"))

    async def create(connection: Connection) -> bool:
        from app.people.accounts import add_account

        return await add_account(connection, account, name, word, [("admin", None, None, None)]) is not None

    if not with_connection(data, create):
        raise fail(f"There is an account {account} already.")
    console.print(f"{account} can sign in as administrator.")


@importing.command("areas")
def import_areas_command(
    file: Path,
    level: Annotated[str, typer.Option(help="city, district, street or community.")] = "community",
    parent: Annotated[str | None, typer.Option(help="Name of the area they lie in; made when there is none.")] = None,
    time_zone: Annotated[str | None, typer.Option(help="Their time zone, as Asia/Shanghai.")] = None,
    data: Data = None,
) -> None:
    """Areas from a GeoJSON FeatureCollection. Repeatable: an area is known by its name within its parent. Exit code 2 when some are refused."""
    from app.grid.imports import LEVELS, ImportProblem, import_areas

    if level not in LEVELS:
        raise fail(f"--level is one of {', '.join(LEVELS)}.")
    try:
        taken, refused = with_connection(data, _bind(import_areas, file, level, parent, time_zone, print))
    except ImportProblem as problem:
        raise fail(str(problem)) from None
    print(f"{taken} areas taken, {refused} refused.")
    if refused or not taken:
        raise typer.Exit(2 if refused else 1)


@importing.command("reports")
def import_reports_command(
    file: Path,
    preset: Annotated[Literal["boston"], typer.Option(help="How to read the file: boston.")] = "boston",
    refusals: Annotated[Path | None, typer.Option(help="CSV of the rows that were refused; default FILE.refused.csv.")] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Encoding of a file that is not UTF-8 and has no mark that says which, as gb18030.")
    ] = None,
    data: Data = None,
) -> None:
    """Past cases with their history, from CSV (also gzipped). Repeatable without doubling anything. Exit code 1 when nothing was taken."""
    from app.grid.imports import ImportProblem
    from app.interop.cases import import_cases
    from app.interop.tables import ENCODINGS

    if encoding is not None and encoding.lower() not in ENCODINGS:
        raise fail(f"--encoding is one of {', '.join(ENCODINGS)}.")
    named = encoding.lower() if encoding else None
    out = refusals or Path.cwd() / f"{re.sub('(?:[.]csv)?(?:[.]gz)?$', '', file.name, flags=re.IGNORECASE)}.refused.csv"
    try:
        outcome = with_connection(data, _bind(import_cases, file, preset, out, console, named))
    except (OSError, ImportProblem) as error:
        raise fail(str(error)) from None
    print(outcome)
    if outcome.is_empty:
        raise typer.Exit(1)


@grid.command("make")
def grid_make(
    area: Annotated[str, typer.Option(help="Area to cut; with areas below it, each smallest one is cut.")],
    size: Annotated[float, typer.Option(min=20, max=20_000, help="Size of a cell, in metres.")] = 250,
    hexagons: Annotated[bool, typer.Option(help="Hexagons instead of squares.")] = False,
    data: Data = None,
) -> None:
    """Cut an area into cells. Areas that have cells already keep them."""
    from app.grid.imports import ImportProblem, make_grid

    try:
        made = with_connection(data, _bind(make_grid, area, size, hexagons, print))
    except ImportProblem as problem:
        raise fail(str(problem)) from None
    print(f"{made} cells made.")


@cli.command()
def simulate(
    volunteers: Annotated[int, typer.Option(min=1, max=5000, help="Phones.")] = 20,
    minutes: Annotated[float, typer.Option(min=0.05, max=600, help="How long they report; then they send what still waits.")] = 1,
    reports: Annotated[int | None, typer.Option(min=1, help="Reports of all together; default 5 a phone and minute.")] = None,
    photos: Annotated[int | None, typer.Option(min=0, help="Photographs of all together; default 1.6 a report.")] = None,
    cut: Annotated[float, typer.Option(min=0, max=0.9, help="Share of requests cut at a random byte.")] = 0.3,
    kills: Annotated[
        int, typer.Option(min=0, max=50, help="How often the server is killed with -9 meanwhile (one of its own only).")
    ] = 0,
    url: Annotated[str | None, typer.Option(help="A running server; default: one of its own in a temporary folder.")] = None,
    accounts: Annotated[Path | None, typer.Option(help="The demo-accounts.json of the server at --url.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed plays the same volunteers.")] = 1,
    json: Annotated[Path | None, typer.Option(help="Write the outcome here as JSON.")] = None,
) -> None:
    """Phones in bad networks against a server; at the end every phone's books are compared with the server's.

    Exit code 1 when anything is lost, doubled or broken."""
    from bench.simulate import Plan, main

    if url is not None and (kills or accounts is None):
        raise fail("--url needs --accounts, and a server that is not its own is never killed.")
    count = reports or max(1, int(5 * volunteers * minutes))
    plan = Plan(volunteers, minutes, count, int(count * 1.6) if photos is None else photos, cut, kills, seed)
    if not main(plan, url, accounts, json):
        raise typer.Exit(1)


@bench.callback(invoke_without_command=True)
def bench_house(
    context: typer.Context,
    quick: Annotated[bool, typer.Option("--quick", help="10,000 issues, in under a minute.")] = False,
    full: Annotated[bool, typer.Option("--full", help="10,000 and 1,000,000 issues.")] = False,
    issues: Annotated[str, typer.Option(help="Sizes to measure at, comma-separated.")] = "",
    seconds: Annotated[float | None, typer.Option(help="Length of one measurement.")] = None,
    rounds: Annotated[int | None, typer.Option(help="Measurements of each, in turn.")] = None,
    only: Annotated[str, typer.Option(help="Measure only what has this in its name.")] = "",
    json: Annotated[Path | None, typer.Option(help="Write the figures here as JSON.")] = None,
) -> None:
    """The map and the reading of issues on a city of real density, against bare endpoints and tipg in the same run (--quick or --full)."""
    if context.invoked_subcommand is not None:
        return
    if not (quick or full or issues):
        print(context.get_help())
        raise typer.Exit(2)
    from bench.house import main as measure

    sizes = [int(size) for size in (issues or ("10000,1000000" if full else "10000")).split(",")]
    measure(sizes, seconds or (4 if full else 1), rounds or (3 if full else 1), only, json)


@bench.command("intake")
def bench_intake(
    issues: Annotated[str, typer.Option(help="Sizes to measure at, comma-separated.")] = "10000,1000000",
    seconds: Annotated[float, typer.Option(help="Length of one measurement.")] = 6,
    rounds: Annotated[int, typer.Option(help="Measurements of each, in turn.")] = 3,
    json: Annotated[Path | None, typer.Option(help="Write the figures here as JSON.")] = None,
) -> None:
    """PUT /v1/reports and the list of a cell's newest open issues, against bare endpoints in the same run."""
    from bench.intake import main as measure

    measure([int(size) for size in issues.split(",")], seconds, rounds, json)


@bench.command("sync")
def bench_sync(
    issues: Annotated[str, typer.Option(help="Sizes to measure at, comma-separated.")] = "10000,1000000",
    seconds: Annotated[float, typer.Option(help="Length of one measurement.")] = 5,
    rounds: Annotated[int, typer.Option(help="Measurements of each, in turn.")] = 3,
    listeners: Annotated[int, typer.Option(help="Idle listeners to /v1/events.")] = 500,
    json: Annotated[Path | None, typer.Option(help="Write the figures here as JSON.")] = None,
) -> None:
    """A poll of /v1/changes with nothing new against an empty authenticated route in the same run; what idle listeners cost."""
    from bench.sync import main as measure

    measure([int(size) for size in issues.split(",")], seconds, rounds, listeners, json)


@bench.command("hostile")
def bench_hostile(
    issues: Annotated[int, typer.Option(help="Issues to fill.")] = 10_000,
    seconds: Annotated[float, typer.Option(min=1, max=600, help="Length of each measurement.")] = 15,
    json: Annotated[Path | None, typer.Option(help="Write the figures here as JSON.")] = None,
) -> None:
    """GET /v1/issues while four callers and six pictures try to stop the service: its p99 against its idle p99. Exit code 1 from five times on."""
    from bench.hostile import main as measure

    if not measure(issues, seconds, json):
        raise typer.Exit(1)


@bench.command("duties")
def bench_duties(
    issues: Annotated[int, typer.Option(help="Issues to fill; 12 % of them are open.")] = 850_000,
    json: Annotated[Path | None, typer.Option(help="Write the figures here as JSON.")] = None,
) -> None:
    """Deadlines: a look when nothing is due, and 1,000 due at one moment with two workers, one of them killed."""
    from bench.duties import main as measure

    measure(issues, json)


@bench.command("photos")
def bench_photos(
    rounds: Annotated[int, typer.Option(help="Measurements of each.")] = 5,
    json: Annotated[Path | None, typer.Option(help="Write the figures here as JSON.")] = None,
) -> None:
    """Large photographs: time to the answer, time to the variants, peak memory of making them."""
    from bench.photos import main as measure

    measure(rounds, json)


@bench.command("papers")
def bench_papers(
    issues: Annotated[int, typer.Option(help="Issues to fill; 12 % of them are open.")] = 1_000_000,
    json: Annotated[Path | None, typer.Option(help="Write the figures here as JSON.")] = None,
) -> None:
    """The papers of a city (weekly summary, league, ledger, archive …): time to the first byte and to the last, peak memory."""
    from bench.papers import main as measure

    measure(issues, json)


def _check_settings() -> None:
    try:
        settings()
    except ValidationError as error:
        for fault in error.errors():
            name = str(fault["loc"][0])
            variable = name if name == "DATABASE_URL" else f"GRIDPATROL_{name.upper()}"
            print(f"{variable}: {fault['msg'].removeprefix('Value error, ')}", file=sys.stderr)
        sys.exit(1)


def main() -> None:
    _check_settings()
    logs.configure()
    # What is said quotes files; a terminal that lacks a character of theirs stops nothing.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if sys.platform != "linux" and not os.environ.get("DATABASE_URL"):
        print("The private database needs Linux; elsewhere set DATABASE_URL.", file=sys.stderr)
    cli()


if __name__ == "__main__":
    main()
