"""One word for one thing in the service, the client and the papers, as an office would write it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from app.issues.lifecycle import ACTIONS, STATES
from app.kit.language import TEXTS
from app.kit.policy import ROLES
from web import contract

ROOT = Path(__file__).parents[1]
WORDS = ROOT / "web" / "src" / "words"
SHORT = {"zh-CN": "zh", "en": "en"}
# What happens to an issue without a request.
HAPPEN = (
    "report", "report_mended", "photo", "absorb", "release", "remind", "overdue", "remind_reply", "reply_overdue", "recur",
    "import_assign", "import_close", "pass_on",
)  # fmt: skip
# Words that the client and the papers each have, by their keys.
SAME = {
    "unit": "ledger-unit", "field.unit": "ledger-unit", "assignee": "ledger-assignee", "field.assignee": "ledger-assignee",
    "deadline": "ledger-deadline", "field.deadline": "ledger-deadline", "category": "ledger-category",
    "field.category": "ledger-category", "field.place": "ledger-place", "note": "ledger-note", "field.note": "ledger-note",
    "photos": "ledger-photos", "field.photos": "ledger-photos", "authority": "ledger-authority",
    "field.authority": "ledger-authority", "number": "ledger-number", "state": "ledger-state", "overdue": "ledger-overdue",
    "cell": "ledger-cell", "on-time": "circulation-on_time", 
    "first-time": "circulation-first_time", "lasting": "circulation-lasting", "rank": "circulation-rank", "score": "circulation-score",
}  # fmt: skip
# Words that mean something else, or that nobody in an office writes; and where each may stand all the same.
AVOIDED = (
    "随手清理", "照片未到", "照片到达", "按时率", "无人负责", "不认识", "没有这个", "转向别处", "中位用时", "并入其他问题", "撤销并入", "数字所指",
    "路线图", "整改件", "受理", "备注", "经办单位", "改类别", "改位置", "催复",
)  # fmt: skip


def client(language: str) -> dict[str, str]:
    """The client's own words by their keys."""
    text = (WORDS / f"{SHORT[language]}.ts").read_text("utf-8")
    return {quoted or bare: word for quoted, bare, word in re.findall(r"(?:'([\w.-]+)'|\b(\w+)): '((?:[^'\\]|\\.)*)'", text)}


@pytest.mark.parametrize("language", SHORT)
def test_names_of_states_actions_and_roles_stand_in_the_service_alone(language):
    own = {key for key in client(language) if re.match(r"(state|action|role|as|reason)\.", key)}
    assert own == set()


@pytest.mark.parametrize("language", SHORT)
def test_the_client_has_a_name_for_whatever_the_service_names(language):
    named = contract._named(SHORT[language])
    for kind, names in (("state", STATES), ("action", [*ACTIONS, *HAPPEN]), ("role", ROLES)):
        assert {f"{kind}.{name}" for name in names} <= named.keys()
    texts = {key: text[SHORT[language]] for key, text in TEXTS.items()}
    for kind, names in (("state", STATES), ("action", ACTIONS), ("role", ROLES)):
        for name in names:
            assert named[f"{kind}.{name}"].lower() == texts[f"{kind}-{name}"].lower()


@pytest.mark.parametrize("language", SHORT)
@pytest.mark.parametrize("ours", SAME)
def test_a_word_of_the_client_is_the_word_of_the_papers(ours, language):
    assert client(language)[ours].lower() == TEXTS[SAME[ours]][SHORT[language]].lower()


@pytest.mark.parametrize("word", AVOIDED)
def test_a_word_that_offices_do_not_use_stands_nowhere(word):
    texts = {key: text["zh"] for key, text in TEXTS.items()} | client("zh-CN")
    assert {key: text for key, text in texts.items() if word in text} == {}


def test_an_action_is_told_alike_wherever_it_is_told():
    """One sentence for one action: nothing is named once as an action and once as what happened."""
    assert not {key for key in TEXTS if key.startswith("happened-") and key.removeprefix("happened-") in ACTIONS}


def test_a_merge_is_told_from_the_side_of_who_took_in():
    assert TEXTS["happened-absorb"] == {"zh": "合并了其他问题", "en": "another issue was merged into this one"}
    assert TEXTS["happened-release"] == {"zh": "解除合并", "en": "a merge into this one was undone"}


@pytest.mark.parametrize(
    ("code", "zh", "en"),
    [
        ("illegal_parking", "机动车乱停放", "Disorderly or illegal parking"), ("dog_off_leash", "遛犬不牵绳", "Dog off the leash"),
        ("no_litter_bin", "未设垃圾桶", "No litter bin on the street"), ("no_notice_board", "未设公告栏", "No notice board"),
        ("unsafe_wiring", "飞线充电", "E-bike charged by a trailing cable"),
    ],
)  # fmt: skip
async def test_the_catalogue_begins_with_these_names(app, town, code, zh, en):
    groups = (await (await town.person("volunteer")).get("/v1/categories"))["items"]
    (name,) = [kind["name"] for group in groups for kind in group["categories"] if kind["code"] == code]
    assert name == {"zh-CN": zh, "en": en}
    assert next(group["name"]["zh-CN"] for group in groups if group["code"] == "posting") == "张贴涂写"


async def test_better_names_reach_a_database_that_has_the_old_ones_and_no_office_loses_its_own(database):
    """The migration's statements on a catalogue as it was; then all is as before."""
    (path,) = (ROOT / "migrations/versions").glob("*_office_of_area.sql")
    renaming = [part for part in path.read_text("utf-8").split("\n\n") if "update category_" in part]
    seed = tomllib.loads((ROOT / "app/catalogue/seed.toml").read_text("utf-8"))
    old = {
        "dog_off_leash": ["不牵犬绳", "Dog off the leash"], "no_litter_bin": ["无垃圾桶", "No litter bin on the street"],
        "unsafe_wiring": ["飞线充电", "Unsafe wiring"], "illegal_parking": ["车辆乱停", "Parking"],
    }  # fmt: skip
    async with database.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.executemany(
            "update category_versions set name_zh = $2, name_en = $3 where code = $1",
            [(code, *names) for code, names in old.items()],
        )
        await connection.execute("update category_groups set name_zh = '小广告', name_en = 'Posting' where code = 'posting'")
        for statement in renaming:
            await connection.execute(statement)
        rows = await connection.fetch("select code, name_zh, name_en from category_versions where code = any($1)", list(old))
        group = await connection.fetchrow("select name_zh, name_en from category_groups where code = 'posting'")
        await transaction.rollback()
    kinds = {code: entry[:2] for named in seed.values() for code, entry in named.items() if code != "name"}
    assert {row[0]: list(row[1:]) for row in rows} == {code: kinds[code] for code in old} | {
        "illegal_parking": ["车辆乱停", "Parking"]
    }
    assert list(group) == seed["posting"]["name"]
