"""The demo: a neighbourhood in the field's own manner, drawn and told by a fixed seed.

Twelve cells with leaders, volunteers and sponsoring units, and eight weeks of issues up to now in every state. The place is
made up; its histories are played by the lifecycle's rules and written through `issues.history`.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import secrets
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from shapely.geometry import MultiPolygon, Point, Polygon, box

from app.demo import traces
from app.duties import calendar
from app.duties import queries as duties_queries
from app.grid import queries as grid_queries
from app.grid.imports import put_area
from app.issues import recurrence
from app.issues.history import Past, PastEvent, load
from app.kit.db import Connection
from app.people.accounts import Grant, add_account
from app.photos.store import open_store
from app.premises import queries as premises_queries

MISSING = "There is no demo community here: start once with `gridpatrol run --demo`."
_ZONE = "Asia/Shanghai"
_WEST, _SOUTH, _CELL = 102.9046, 24.6700, 0.0026
_NUMERALS = "一二三四五六七八九十"
_STREETS = (
    "东浦巷",
    "人民东路",
    "龙泉路",
    "环城南路",
    "文庙街",
    "菜市街",
    "秀山路",
    "湖滨路",
    "学府巷",
    "古城街",
    "南门坊",
    "建设路",
)
_UNITS = (
    ("县环卫站", "bureau"), ("县城市管理局", "bureau"), ("交警大队", "bureau"), ("县住建局", "bureau"),
    ("东浦物业公司", "property_manager"), ("县供电局", "bureau"), ("县医院", "hospital"), ("县第一小学", "school"),
)  # fmt: skip
_SURNAMES, _GIVEN = (
    "王李张刘陈杨赵黄周吴徐孙马朱胡",
    ("建国", "秀英", "桂兰", "志强", "丽华", "国庆", "玉珍", "永福", "春梅", "德明"),
)
# Kind, how often, unit that mends it (index), what volunteers write.
_KINDS = (
    ("litter", 18, 0, "路边有散落垃圾"), ("cigarette_ends", 8, 0, "花坛边烟头较多"), ("street_vending", 12, 1, "占道摆摊，行人绕行"),
    ("illegal_parking", 12, 2, "机动车停在人行道上"), ("non_motor_parking", 7, 2, "电动车乱停放"), ("fly_posting", 8, 1, "墙面小广告"),
    ("stairway_clutter", 6, 4, "楼道堆放旧家具"), ("building_waste", 6, 3, "装修垃圾未清运"), ("shopfront_duty", 6, 1, "门前三包不落实"),
    ("green_belt_rubbish", 5, 0, "绿化带内有塑料袋"), ("blocked_drain", 3, 3, "下水道堵塞，污水外溢"), ("dog_off_leash", 4, 1, "遛狗不牵绳"),
    ("no_litter_bin", 2, 0, "沿街未设垃圾桶"), ("street_lamp", 3, 5, "路灯不亮"), ("fire_lane", 2, 4, "消防通道被占"), ("unsafe_wiring", 2, 4, "电动车飞线充电"),
)  # fmt: skip
# What an authority is asked for.
_REQUESTS = {
    "illegal_parking": "请依法查处占用人行道停放的车辆，并在该路段增设禁停标志。我社区组织志愿者配合劝导。",
    "building_waste": "请督促施工单位限期清运装修垃圾，并对该处堆放点加强监管。",
}


def _numeral(n: int) -> str:
    return _NUMERALS[n - 1] if n <= 10 else "十" + _NUMERALS[n - 11]


class _Story:
    """One issue's life, played forward until now."""

    def __init__(self, dice: random.Random, case: Past, zone: str, now: datetime) -> None:
        self.dice, self.case, self.zone, self.now, self.at = dice, case, zone, now, case.opened_at

    def step(self, action: str, to: str, low_h: float, high_h: float, actor: uuid.UUID, acted_as: str, **data: Any) -> bool:
        """Play an action some hours later; False when that lies in the future and the story ends here."""
        at = self.at + timedelta(hours=self.dice.uniform(low_h, high_h))
        if at >= self.now:
            return False
        self.at = at
        self.case.events.append(PastEvent(action, self.case.state, to, at, actor, acted_as, data))
        self.case.state = to
        return True

    def assign(self, leader: uuid.UUID, unit: uuid.UUID, hours: int, clock: calendar.Clock) -> bool:
        if not self.step("assign", "assigned", 0.2, 10, leader, "leader", unit=str(unit)):
            return False
        self.case.unit_id, self.case.deadline = unit, calendar.add(self.at, hours * 3600, clock, self.zone)
        self.case.events[-1].data["deadline"] = self.case.deadline.isoformat()
        return True

    def rectify(self, worker: uuid.UUID, low_h: float, high_h: float) -> bool:
        if not self.step("rectify", "rectified", low_h, high_h, worker, "assignee"):
            return False
        self.case.rectified_by, self.case.rectified_at = worker, self.at
        return True

    def play(
        self, staff: uuid.UUID, leader: uuid.UUID, workers: list[uuid.UUID], unit: uuid.UUID, hours: int, clock: calendar.Clock
    ) -> None:
        dice, case = self.dice, self.case
        worker = dice.choice(workers)
        if dice.random() < 0.03:
            self.step("withdraw", "withdrawn", 0.1, 3, case.reporter_id, "sole_reporter")
            return
        if dice.random() < 0.05:
            self.step("reject", "rejected", 1, 12, leader, "leader", reason="现场核实未发现该问题")
            return
        if not (self.step("accept", "accepted", 0.2, 14, leader, "leader") and self.assign(leader, unit, hours, clock)):
            return
        if case.category in ("illegal_parking", "building_waste") and dice.random() < 0.3:
            authority = "县交警大队" if case.category == "illegal_parking" else "县住建局"
            reply_by = self.at + timedelta(days=7)
            if not self.step(
                "hand_over",
                "handed_over",
                1,
                30,
                leader,
                "leader",
                authority=authority,
                reply_by=reply_by.isoformat(),
                note=_REQUESTS[case.category],
            ):
                return
            case.authority, case.reply_by, deadline, case.deadline = authority, reply_by, case.deadline, None
            if dice.random() < 0.3 or not self.step(
                "reply", "rectified", 24, 150, staff, "staff", outcome="rectified", note="已联合整治", authority=authority
            ):
                return
            case.authority, case.reply_by, case.deadline, case.rectified_at = None, None, deadline, self.at
        else:
            if dice.random() < 0.06:
                return  # forgotten: it becomes overdue
            if not self.step("start", "in_progress", 0.5, 12, worker, "assignee") or not self.rectify(worker, 1, 60):
                return
        if dice.random() < 0.12:
            if not self.step("send_back", "assigned", 1, 20, leader, "leader", reason="整改不到位，请重新清理"):
                return
            case.rectified_by = case.rectified_at = None
            if not self.rectify(worker, 2, 30):
                return
        if self.step("verify", "closed", 0.5, 30, leader if dice.random() < 0.7 else case.reporter_id, "leader"):
            case.events[-1].acted_as = "leader" if case.events[-1].actor_id == leader else "reporter"
            case.closed_at = self.at


async def make_demo(connection: Connection, folder: Path, say: Callable[[str], None]) -> Path | None:
    """Fill an empty database; the path of the accounts' file, or None when there are areas already."""
    if await connection.fetchval("select exists (select from areas)"):
        return None
    say("Making the demo community 东浦社区 …")
    dice = random.Random(20261124)
    city = await put_area(connection, "玉澄市", "city", None, None, _ZONE)
    district = await put_area(connection, "通澄县", "district", city, None, _ZONE)
    street = await put_area(connection, "秀山街道", "street", district, None, _ZONE)
    outline = _outline()
    community = await put_area(connection, "东浦社区", "community", street, MultiPolygon([outline]).wkb, _ZONE)
    await connection.execute(grid_queries.PUT_OFFICE, community, "东浦社区居民委员会", "", "0877-6600110", None, "places")
    units: list[uuid.UUID] = []
    for name, kind in _UNITS:
        units.append(uuid.uuid4())
        await connection.execute(grid_queries.PUT_UNIT, units[-1], community, name, kind, "")
    cells: list[tuple[uuid.UUID, Polygon]] = []
    for n in range(12):
        column, row = n % 4, n // 4
        west, south = _WEST + column * _CELL, _SOUTH + row * _CELL
        shape = outline.intersection(box(west, south, west + _CELL, south + _CELL))
        assert isinstance(shape, Polygon)
        cells.append((uuid.uuid4(), shape))
        await connection.execute(
            grid_queries.PUT_CELL, cells[-1][0], community, f"网格{_numeral(n + 1)}组", shape.wkb, units[n % len(units)]
        )
    for kind, _, unit, _ in _KINDS:
        await connection.execute(
            "insert into assignment_rules (area_id, category, unit_id) values ($1, $2, $3)", community, kind, units[unit]
        )
    for name, kind in (("县交警大队", "police"), ("县住建局", "bureau"), ("县供电局", "bureau")):
        await connection.execute(duties_queries.PUT_AUTHORITY, uuid.uuid4(), community, name, kind, "", "", True)
    people = await _people(connection, dice, community, [id for id, _ in cells], units)
    written = _write_accounts(folder, people.accounts)
    cases = await _issues(connection, dice, community, cells, units, people)
    await _premises(connection, dice, community, cells, people)
    await traces.photographs(connection, open_store(folder), cases, _STREETS)
    say(f"{len(cells)} cells, {people.count} people, {len(cases)} issues of the last eight weeks.")
    return written


# Who answers for the frontages along a street, and what was found there: the issues of the shop-front duty name a shop of their cell.
_SHOPS = ("老王面馆", "秀山文具店", "惠民超市", "阿英理发", "通澄粮油", "小李水果", "古城茶庄", "康宁药房")
_NAME_PREMISES = """
update issues i set premises_id = p.id from issues x cross join lateral (
  select s.id from premises s where s.cell_id = x.cell_id order by md5(s.id::text || left(x.id::text, 2)) limit 1) p
where x.category = 'shopfront_duty' and x.area_id = $1 and i.id = x.id
"""


async def _premises(
    connection: Connection, dice: random.Random, community: uuid.UUID, cells: list[tuple[uuid.UUID, Polygon]], people: _People
) -> None:
    today = datetime.now(UTC).date()
    for n, (cell, shape) in enumerate(cells):
        for k in range(2):
            spot, id = _inside(shape, 0.3 + 0.4 * k, 0.5, dice), uuid.uuid4()
            line = f"LINESTRING({spot.x} {spot.y},{spot.x + 0.0001} {spot.y})"
            signed = today - timedelta(days=dice.randrange(40, 400)) if dice.random() < 0.8 else None
            await connection.execute(
                premises_queries.PUT, id, community, cell, dice.choice(_SHOPS) + ("" if k == 0 else "（分店）"), "shop",
                dice.choice(_SURNAMES) + "老板", "", f"{_STREETS[n]}{dice.randrange(1, 60)}号", line, signed, None, True,
                True, [],
            )  # fmt: skip
            for _ in range(dice.randrange(0, 4)):
                kind = dice.choice(("visit", "visit", "warning"))
                at = datetime.now(UTC) - timedelta(days=dice.uniform(1, 50))
                await connection.execute(
                    premises_queries.ADD_VISIT,
                    uuid.uuid4(),
                    id,
                    people.leaders[n],
                    kind,
                    at,
                    "告知门前三包责任" if kind == "warning" else "走访",
                )
    await connection.execute(_NAME_PREMISES, community)


def _outline() -> Polygon:
    """Four cells wide and three high, with corners cut off as real communities have."""
    east, north = _WEST + 4 * _CELL, _SOUTH + 3 * _CELL
    cut = _CELL * 0.45
    return Polygon([
        (_WEST + cut, _SOUTH), (east - cut * 1.4, _SOUTH), (east, _SOUTH + cut), (east, north - cut), (east - cut, north),
        (_WEST + cut * 0.5, north), (_WEST, north - cut * 1.2), (_WEST, _SOUTH + cut),
    ])  # fmt: skip


class _People:
    def __init__(self) -> None:
        self.accounts: list[dict[str, str]] = []
        self.leaders: list[uuid.UUID] = []
        self.volunteers: list[list[uuid.UUID]] = []
        self.workers: dict[uuid.UUID, list[uuid.UUID]] = {}
        self.staff = uuid.UUID(int=0)
        self.count = 0


async def _people(
    connection: Connection, dice: random.Random, community: uuid.UUID, cells: list[uuid.UUID], units: list[uuid.UUID]
) -> _People:
    people = _People()
    names = [f"{surname}{given}" for surname in _SURNAMES for given in _GIVEN]
    dice.shuffle(names)

    async def add(role: str, grants: list[Grant], account: str | None = None) -> uuid.UUID:
        name = names.pop()
        password = f"{secrets.token_hex(2)}-{secrets.token_hex(2)}-{secrets.token_hex(2)}" if account else None
        id = await add_account(connection, account, name, password, grants)
        assert id is not None
        people.count += 1
        if account and password:
            people.accounts.append({"role": role, "account": account, "password": password, "name": name})
        return id

    await add("admin", [("admin", None, None, None)], "demo-admin")
    people.staff = await add("staff", [("staff", community, None, None)], "demo-staff")
    await add("inspector", [("inspector", community, None, None)], "demo-inspector")
    for n, cell in enumerate(cells):
        people.leaders.append(await add("leader", [("leader", community, cell, None)], f"demo-leader-{n + 1}" if n < 2 else None))
        people.volunteers.append(
            [
                await add(
                    "volunteer", [("volunteer", community, cell, None)], f"demo-volunteer-{n + 1}" if n < 2 and not k else None
                )
                for k in range(4)
            ]
        )
    for n, unit in enumerate(units):
        account = {0: "demo-worker-1", 1: "demo-worker-2"}.get(n)
        people.workers[unit] = [await add("worker", [("worker", community, None, unit)], account)]
    return people


def _write_accounts(folder: Path, accounts: list[dict[str, str]]) -> Path:
    path = folder / "demo-accounts.json"
    folder.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(accounts, file, ensure_ascii=False, indent=1)
    return path


async def _issues(
    connection: Connection,
    dice: random.Random,
    community: uuid.UUID,
    cells: list[tuple[uuid.UUID, Polygon]],
    units: list[uuid.UUID],
    people: _People,
) -> list[Past]:
    now = datetime.now(UTC).replace(microsecond=0)
    kinds = {
        row["code"]: row
        for row in await connection.fetch(
            "select c.code, v.deadline_hours, v.deadline_clock, v.volunteer_may_close from categories c "
            "join category_versions v using (code, version)"
        )
    }
    # Some places are returned to again and again: the hotspots.
    hot = [(dice.randrange(len(cells)), dice.choice(_KINDS), dice.random(), dice.random()) for _ in range(9)]
    cases: list[Past] = []
    for n in range(620):
        opened = now - timedelta(minutes=dice.uniform(5, 56 * 24 * 60))
        local_hour = (opened.hour + 8) % 24
        if not 6 <= local_hour <= 20:
            opened = min(opened + timedelta(hours=9), now - timedelta(minutes=5))
        index, (kind, _, unit, note), fx, fy = (
            dice.randrange(len(cells)),
            dice.choices(_KINDS, [k[1] for k in _KINDS])[0],
            dice.random(),
            dice.random(),
        )
        if dice.random() < 0.3:
            index, (kind, _, unit, note), fx, fy = dice.choice(hot)
            fx, fy = fx + dice.uniform(-0.03, 0.03), fy + dice.uniform(-0.03, 0.03)
        point = _inside(cells[index][1], fx, fy, dice)
        reporter = dice.choice(people.volunteers[index])
        case = Past(
            id=uuid.uuid4(), category=kind, lat=point.y, lon=point.x, opened_at=opened, reporter_id=reporter, state="reported",
            events=[PastEvent("report", None, "reported", opened, reporter, "reporter")], note=note,
            place=f"{_STREETS[index]}{dice.randrange(1, 60)}号", fingerprint=hashlib.sha256(f"demo {n}".encode()).digest(),
        )  # fmt: skip
        if dice.random() < 0.14 and kinds[kind]["volunteer_may_close"]:
            case.state, case.closed_at, case.rectified_at, case.rectified_by = "closed", opened, opened, reporter
            case.events[0] = PastEvent("report_mended", None, "closed", opened, reporter, "reporter")
        else:
            _Story(dice, case, _ZONE, now).play(
                people.staff, people.leaders[index], people.workers[units[unit]], units[unit],
                kinds[kind]["deadline_hours"], kinds[kind]["deadline_clock"],
            )  # fmt: skip
        cases.append(case)
    await load(connection, cases, community)
    await connection.execute("update published p set place = coalesce(i.street, '') from issues i where i.id = p.issue_id")
    await recurrence.link(connection, [case.id for case in cases])
    await traces.walks(connection, dice, [id for id, _ in cells], community, people, now, _STREETS, _ZONE)
    return cases


def _inside(shape: Polygon, fx: float, fy: float, dice: random.Random) -> Point:
    """A point of the shape near the given fractions of its box."""
    west, south, east, north = shape.bounds
    for _ in range(50):
        point = Point(west + fx * (east - west), south + fy * (north - south))
        if shape.contains(point):
            return Point(round(point.x, 6), round(point.y, 6))
        fx, fy = dice.random(), dice.random()
    return shape.representative_point()
