"""Attacks on signing in, as they are played: floods, guesses, lock-outs, passwords, and keys that are another's."""

import asyncio
import ipaddress
import threading
import uuid

import asyncpg
import httpx
import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from app.kit.problems import Problem
from app.people import hashing, limits
from app.people.accounts import add_account
from app.people.places import networks
from tests.conftest import PICTURE

RIGHT, WRONG = "lilacs by the gate", "guess after guess"


class Cheap:
    """Argon2 with the least of memory and time, so that a thousand tries are played in seconds. Counts what runs."""

    def __init__(self) -> None:
        self.real = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
        self.lock, self.runs, self.now, self.most = threading.Lock(), 0, 0, 0

    def _counted(self, work, *arguments):
        with self.lock:
            self.runs, self.now = self.runs + 1, self.now + 1
            self.most = max(self.most, self.now)
        try:
            return work(*arguments)
        finally:
            with self.lock:
                self.now -= 1

    def hash(self, password):
        return self._counted(self.real.hash, password)

    def verify(self, password, stored):
        return self._counted(self.real.verify, password, stored)


@pytest.fixture
def argon2(monkeypatch, database, run):
    """Every test begins with counters of zero."""

    async def clean() -> None:
        async with database.acquire() as connection:
            await connection.execute("delete from throttles")

    run(clean())
    limits.forget()
    cheap = Cheap()
    monkeypatch.setattr(hashing, "hasher", cheap)
    monkeypatch.setattr(hashing, "nobody", cheap.real.hash("nobody's"))
    yield cheap
    run(clean())
    limits.forget()


def at(app, address, **headers) -> httpx.AsyncClient:
    """A phone at an address of its own."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 40000))
    return httpx.AsyncClient(
        transport=transport, base_url="http://test", headers={"accept-language": "en", "sec-fetch-site": "same-origin"} | headers
    )


async def account(database, argon2, name=None, password=RIGHT) -> str:
    name = name or f"user-{uuid.uuid4().hex[:8]}"
    async with database.transaction() as connection:
        await add_account(connection, name, "某人", password, [])
    argon2.runs = argon2.most = 0
    return name


async def sign_in(client, name, password=WRONG, **parameters) -> int:
    answer = await client.post("/v1/sessions", json={"account": name, "password": password}, params=parameters)
    return answer.status_code


async def test_a_flood_of_invented_names_stops_nobody_else(address, database, argon2, town):
    name, volunteer = await account(database, argon2), await town.person("volunteer")
    limit = httpx.Limits(max_connections=60)

    async def flood(client) -> list[int]:
        return [await sign_in(client, f"nobody-{uuid.uuid4().hex}") for _ in range(2)]

    def phone(visitor) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=f"http://{address}", limits=limit, timeout=60, headers={"x-forwarded-for": visitor})

    async with phone("203.0.113.9") as bad, phone("198.51.100.4") as good:
        floods = [asyncio.create_task(flood(bad)) for _ in range(60)]
        token = {"authorization": volunteer.client.headers["authorization"]}
        assert await sign_in(good, name, RIGHT) == 201
        assert (await good.put(f"/v1/reports/{uuid.uuid4()}", json=town.body(), headers=token)).status_code == 201
        assert (await good.put(f"/v1/photos/{uuid.uuid4()}", content=PICTURE, headers=token)).status_code == 201
        answers = [status for each in await asyncio.gather(*floods) for status in each]
    # Of the flood's tries only as many were hashed as one address has, and never more at a time than there are threads.
    assert set(answers) <= {401, 429, 503}
    assert answers.count(401) <= 60 and argon2.runs <= 60 + 1 and argon2.most <= 2


async def test_seats_are_few_and_turns_are_fair(argon2, monkeypatch):
    begun: list[str] = []
    go, real = threading.Semaphore(0), argon2.verify

    def held(password, stored):
        begun.append(password)
        assert go.acquire(timeout=20)
        return real(password, stored)

    monkeypatch.setattr(argon2, "verify", held)
    seats = hashing.Seats()

    async def tried(share, known=False) -> int:
        try:
            async with seats.seat(share, known) as seat:
                await seat.fits(share, None)
                return 401
        except Problem as problem:
            return problem.status

    async def come(share, known=False):
        task = asyncio.create_task(tried(share, known))
        await asyncio.sleep(0)
        return task

    try:
        flood = [await come("flood") for _ in range(9)]
        others = [await come("victim"), await come("device", True)]
        full = [await come(f"stranger {n}") for n in range(4)]
        late = await come("device", True)
        # Three of the flood found no seat; when all seats of strangers are taken, a device that is known has its own.
        assert [await task for task in flood[6:]] == [503] * 3
        assert [await task for task in full[2:]] == [503] * 2 and not late.done()
        # A request that is given up keeps its seat and its thread until its hash has ended.
        flood[0].cancel()
        await asyncio.gather(flood[0], return_exceptions=True)
        assert seats.taken == 6 + 2 + 2 + 1 and seats.turns.at_work == 2
        for _ in range(11):
            go.release()
        assert set(await asyncio.gather(*flood[1:6], *others, *full[:2], late)) == {401}
    finally:
        for _ in range(20):
            go.release()
    assert begun[:2] == ["flood"] * 2 and set(begun[2:4]) == {"device"} and "flood" not in begun[4:7]
    assert (
        begun.count("flood") == 6 and seats.taken == 0 and not seats.shares and not seats.turns.at_work and not seats.turns.last
    )


async def test_a_thousand_wrong_tries_from_elsewhere_lock_nobody_out(app, database, argon2):
    name = await account(database, argon2)
    async with at(app, "198.51.100.4") as own, at(app, "192.0.2.44") as new, at(app, "203.0.113.0") as bad:
        assert await sign_in(own, name, RIGHT, cookie=True) == 201

        elsewhere = bad._transport

        async def guesses(host) -> list[int]:
            elsewhere.client = (host, 40000)
            return [await sign_in(bad, name) for _ in range(10)]

        hosts = [f"203.0.113.{n}" for n in range(100)]
        answers = [status for host in hosts for status in await guesses(host)]
        # The first places have eight tries, those that come when it is an attack have two.
        assert set(answers) <= {401, 429, 503} and answers.count(401) <= 60 + 8 + 2 * 100
        assert await sign_in(own, name, RIGHT) == 201
        # In all, strangers have so many tries a minute; then anybody who was never seen has, too.
        await _a_minute_later(database)
        assert await sign_in(new, name, RIGHT) == 201
        # Somebody at the very address: the device that has signed in before has a count of its own.
        own.cookies, kept = httpx.Cookies(), own.cookies
        assert {await sign_in(own, name) for _ in range(12)} == {401, 429}
        own.cookies = kept
        assert await sign_in(own, name, RIGHT) == 201


async def _a_minute_later(database) -> None:
    limits.forget()
    async with database.acquire() as connection:
        await connection.execute(
            "update throttles set resets_at = now() - interval '1 second' where subject like 'sign-in-strangers%'"
        )


async def test_a_device_that_is_known_guesses_no_more_than_another(app, database, argon2):
    name, other = await account(database, argon2), await account(database, argon2)
    async with at(app, "198.51.100.5") as own:
        assert await sign_in(own, name, RIGHT, cookie=True) == 201
        assert [await sign_in(own, name) for _ in range(10)] == [401] * 8 + [429] * 2
        # What it is to one account it is not to another, and a made-up one is nothing.
        assert [await sign_in(own, other) for _ in range(10)] == [401] * 8 + [429] * 2
        own.cookies.set("gridpatrol-device", "A" * 22 + "." + "0" * 32)
        assert await sign_in(own, other) == 429


async def test_an_account_name_that_holds_a_blank_and_an_address_locks_nobody_out(app, database, argon2):
    name = await account(database, argon2)
    async with at(app, "203.0.113.77") as bad, at(app, "198.51.100.6") as own:
        for text in (f"{name} 198.51.100.6", f"sign-in {name}", f"{name}\u3000198.51.100.6"):
            assert {await sign_in(bad, text) for _ in range(12)} <= {401, 429}
        assert await sign_in(own, name, RIGHT) == 201


async def test_an_unknown_name_is_answered_as_a_known_one(app, database, argon2):
    async def tried(name, host) -> list[tuple[int, str]]:
        async with at(app, host) as client:
            answers = [await client.post("/v1/sessions", json={"account": name, "password": WRONG}) for _ in range(10)]
        return [(a.status_code, a.json()["type"]) for a in answers]

    known = await tried(await account(database, argon2), "203.0.113.80")
    runs = argon2.runs
    assert known == await tried("nobody-of-that-name", "203.0.113.81") and argon2.runs == 2 * runs == 16


async def test_one_address_is_one_place_however_it_is_written(app, database, argon2):
    assert networks("::ffff:203.0.113.9") == networks("203.0.113.9") == ("203.0.113.9", None)
    assert networks("2001:db8:1:2::5%eth0") == networks("2001:DB8:1:2:ffff::1") == ("2001:db8:1:2::/64", "2001:db8:1::/48")
    assert networks("unix:") == networks("") == ("unknown", None)
    name, base = await account(database, argon2), int(ipaddress.ip_address("2001:db8:9:9::"))
    answers = []
    for n in range(10):
        async with at(app, str(ipaddress.ip_address(base + n))) as client:
            answers.append(await sign_in(client, name))
    assert answers == [401] * 8 + [429] * 2


@pytest.mark.parametrize(("trusted", "places"), [("", 1), ("192.0.2.0/24", 1), ("203.0.113.50", 10)])
async def test_who_the_visitor_is_only_a_trusted_proxy_says(app, database, argon2, monkeypatch, trusted, places):
    from app.cli import served
    from app.settings import settings

    monkeypatch.setattr(settings(), "trust_proxy", trusted)
    name, config = await account(database, argon2), served(app, "127.0.0.1", 0)
    config.load()
    answers = []
    for n in range(10):
        async with at(config.loaded_app, "203.0.113.50", **{"x-forwarded-for": f"198.51.100.{n}"}) as client:
            answers.append(await sign_in(client, name))
    assert answers == ([401] * 8 + [429] * 2 if places == 1 else [401] * 10)


@pytest.mark.parametrize("text", ["*", "0.0.0.0/0", "proxy", "10.0.0.1, ::/0"])
def test_a_proxy_is_named_by_its_address(text):
    from app.settings import Settings

    with pytest.raises(ValueError, match="proxy"):
        Settings(trust_proxy=text)


async def test_who_stole_a_session_guesses_its_password_a_few_times_only(app, database, argon2, town):
    person = await town.person("volunteer")
    first = {"account": f"wang-{uuid.uuid4().hex[:6]}", "password": RIGHT}
    assert (await person.call("PUT", "/v1/me/credentials", json=first)).status_code == 204
    wish = first | {"password": "another good one"}
    async with at(app, "198.51.100.7") as own:
        mine = await own.post("/v1/sessions", json=first)
        argon2.runs = 0
        answers = [await person.call("PUT", "/v1/me/credentials", json=wish | {"current_password": WRONG}) for _ in range(11)]
        assert [a.status_code for a in answers] == [422] * 8 + [429] * 3 and argon2.runs == 8
        assert int(answers[-1].headers["retry-after"]) > 0
        # The owner, in a session of their own, may still change it.
        changed = await own.put(
            "/v1/me/credentials",
            json=wish | {"current_password": RIGHT},
            headers={"authorization": f"Bearer {mine.json()['token']}"},
        )
        assert changed.status_code == 204
    assert (await person.call("GET", "/v1/me")).status_code == 401


async def test_nothing_is_locked_while_a_password_is_hashed(database, argon2, town, monkeypatch):
    person = await town.person("volunteer")
    begun, go = threading.Event(), threading.Event()
    real = argon2.hash

    def held(password):
        begun.set()
        assert go.wait(20)
        return real(password)

    monkeypatch.setattr(argon2, "hash", held)
    wish = {"account": f"li-{uuid.uuid4().hex[:6]}", "password": RIGHT}
    choosing = asyncio.create_task(person.call("PUT", "/v1/me/credentials", json=wish))
    try:
        assert await asyncio.to_thread(begun.wait, 20)
        async with database.acquire() as connection:
            open_now = await connection.fetchval(
                "select count(*) from pg_stat_activity where datname = current_database() and state = 'idle in transaction'"
            )
            assert open_now == 0
            async with connection.transaction():
                await connection.execute("select from accounts where id = $1 for update nowait", person.id)
                await connection.execute("update accounts set password_hash = 'x' where id = $1", person.id)
    except asyncpg.LockNotAvailableError:
        pytest.fail("the account is locked")
    finally:
        go.set()
        answer = await choosing
    # Somebody else set one meanwhile: it is not overwritten.
    assert answer.status_code == 409 and answer.json()["type"] == "/problems/credentials-moved"


@pytest.mark.parametrize("change", ["password_hash = 'x'", "disabled_at = now()"])
async def test_what_was_checked_before_a_reset_signs_nobody_in_after_it(app, database, argon2, monkeypatch, change):
    name = await account(database, argon2)
    checked, go = threading.Event(), threading.Event()
    real = argon2.verify

    def held(password, stored):
        fits = real(password, stored)
        checked.set()
        assert go.wait(20)
        return fits

    monkeypatch.setattr(argon2, "verify", held)
    async with at(app, "198.51.100.77") as thief:
        signing_in = asyncio.create_task(sign_in(thief, name, RIGHT))
        try:
            assert await asyncio.to_thread(checked.wait, 20)
            async with database.acquire() as connection:
                id = await connection.fetchval(f"update accounts set {change} where account = $1 returning id", name)
        finally:
            go.set()
        assert await signing_in == 401
    async with database.acquire() as connection:
        assert not await connection.fetchval("select exists (select from sessions where account_id = $1)", id)


async def test_codes_of_invitations_are_guessed_a_few_times_only(app, argon2, town, monkeypatch):
    from app.people import invitations

    monkeypatch.setattr(invitations, "_GUESSES", 5)
    leader = await town.person("leader")
    made = await leader.call("POST", "/v1/invitations", json={"role": "volunteer", "cell": str(town.cells[0]), "uses": 20})
    path = f"/v1/invitations/{made.json()['code']}/accept"
    async with at(app, "203.0.113.90") as street, at(app, "203.0.113.91") as bad:
        # A whole street joins behind one address; somebody who guesses does not get far.
        assert {(await street.post(path, json={"name": f"王{n}"})).status_code for n in range(8)} == {201}
        guesses = [await bad.post(f"/v1/invitations/{uuid.uuid4().hex}/accept", json={"name": "x"}) for _ in range(8)]
        assert [g.status_code for g in guesses] == [410] * 5 + [429] * 3
        assert (await bad.post(path, json={"name": "王"})).status_code == 429


# --- passwords and names ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("password", "sentence"),
    [
        ("password", "first to be guessed"), ("Passw0rd!", "first to be guessed"), ("woaini1314", "first to be guessed"),
        ("drowssap", "first to be guessed"), ("ｐａｓｓｗｏｒｄ", "first to be guessed"), ("qwertyuiop", "first to be guessed"),
        ("12345678", "Digits alone"), ("20081123", "Digits alone"), ("abcdefgh", "follows a row"), ("aaaaaaaaaa", "repeats itself"),
        ("哈哈哈哈哈哈哈哈", "repeats itself"), ("kq7kq7kq7kq7", "repeats itself"), ("short7!", "at least 8"), ("", "at least 8"), (" " * 20, "at least 8"),
        ("\u3164" * 9, "at least 8"), ("{account}", "one's name"), ("{account}99", "one's name"), ("{reversed}2024", "one's name"),
        ("刘国庆是我刘国庆", "one's name"), ("gridpatrol1", "first to be guessed"),
    ],
)  # fmt: skip
async def test_what_everybody_guesses_is_no_password(town, argon2, password, sentence):
    person = await town.person("volunteer")
    async with town.database.acquire() as connection:
        await connection.execute("update accounts set name = '刘国庆' where id = $1", person.id)
    name = f"xkvolp{uuid.uuid4().hex[:4]}"
    wish = {"account": name, "password": password.format(account=name, reversed=name[::-1])}
    refused = await person.call("PUT", "/v1/me/credentials", json=wish)
    assert refused.status_code == 422 and argon2.runs == 0, refused.text
    assert [(e["pointer"], sentence in e["message"]) for e in refused.json()["errors"]] == [("/password", True)], refused.text
    chinese = await person.call("PUT", "/v1/me/credentials", json=wish, headers={"accept-language": "zh-CN"})
    assert "密码" in chinese.json()["errors"][0]["message"]


async def test_megabytes_are_no_password(town, argon2):
    person = await town.person("volunteer")
    wish = {"account": f"z{uuid.uuid4().hex[:8]}", "password": "lilacs " * 100_000}
    refused = await person.call("PUT", "/v1/me/credentials", json=wish)
    assert refused.status_code == 422 and refused.json()["errors"][0]["pointer"] == "/password" and argon2.runs == 0
    body = {"account": "x", "password": "lilacs " * 100_000}
    assert (await person.call("POST", "/v1/sessions", json=body)).status_code == 422 and argon2.runs == 0


async def test_nobody_has_passwords_hashed_without_end(town, argon2):
    person = await town.person("volunteer")
    wish = {"account": f"z{uuid.uuid4().hex[:8]}", "password": RIGHT, "current_password": RIGHT}
    answers = [(await person.call("PUT", "/v1/me/credentials", json=wish)).status_code for _ in range(22)]
    assert answers == [204] * 20 + [429] * 2


async def test_full_width_and_usual_letters_are_one(app, database, argon2):
    name = await account(database, argon2, f"Wang-{uuid.uuid4().hex[:6]}", "Ｌｉｌａｃｓ ｂｙ ｔｈｅ ｇａｔｅ")
    wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in name)
    async with at(app, "198.51.100.8") as client:
        assert await sign_in(client, name.upper(), "Lilacs by the gate") == 201
        assert await sign_in(client, wide, "Ｌｉｌａｃｓ　ｂｙ　ｔｈｅ　ｇａｔｅ") == 201
        # A password from before they were normalised was hashed as it was typed.
        async with database.acquire() as connection:
            old = argon2.real.hash("Ｌｉｌａｃｓ")
            await connection.execute("update accounts set password_hash = $2 where account = $1", name.lower(), old)
        assert await sign_in(client, name, "Ｌｉｌａｃｓ") == 201 and await sign_in(client, name, "Lilacs") == 401


async def test_no_account_name_looks_like_another(app, town, argon2):
    taken = f"admin-{uuid.uuid4().hex[:6]}"
    owner, other = await town.person("staff"), await town.person("volunteer")
    assert (await owner.call("PUT", "/v1/me/credentials", json={"account": taken, "password": RIGHT})).status_code == 204
    for text in (
        taken.upper(), taken.replace("a", "ａ"), taken.replace("-", "－"), f" {taken} ", taken.replace("a", "𝐚"),
        taken.replace("a", "ⓐ"),
    ):  # fmt: skip
        refused = await other.call("PUT", "/v1/me/credentials", json={"account": text, "password": RIGHT})
        assert refused.status_code == 409, text
    for text in (
        taken.replace("a", "а"), taken.replace("i", "і"), "αβγδ", taken + "\u200b\u0301", "ad\u200dmin", "ad\u3164min", "ad\u2800min",
        taken.replace("m", "m\u0301"), "a b", "管理员\u202e", "ad\u00admin", "х" * 5, "ı-admin",
    ):  # fmt: skip
        refused = await other.call("PUT", "/v1/me/credentials", json={"account": text, "password": RIGHT})
        assert refused.status_code == 422 and refused.json()["errors"][0]["pointer"] == "/account", ascii(text)
    assert (
        await other.call("PUT", "/v1/me/credentials", json={"account": f"刘国庆{uuid.uuid4().hex[:4]}", "password": RIGHT})
    ).status_code == 204


async def test_a_name_that_was_chosen_before_stays_and_signs_in(app, database, town, argon2):
    person, old = await town.person("volunteer"), f"josé-{uuid.uuid4().hex[:6]}"
    async with database.acquire() as connection:
        await connection.execute("update accounts set account = $2 where id = $1", person.id, old)
    assert (await person.call("PUT", "/v1/me/credentials", json={"account": old.upper(), "password": RIGHT})).status_code == 204
    async with at(app, "198.51.100.9") as client:
        assert await sign_in(client, old.upper(), RIGHT) == 201


# --- invitations and their keys -----------------------------------------------------------------------------------------------
async def _invited(person, **wish):
    made = await person.call("POST", "/v1/invitations", json=wish)
    assert made.status_code == 201, made.text
    return f"/v1/invitations/{made.json()['code']}/accept"


async def test_a_key_brings_nobody_into_the_session_of_another(app, town, argon2):
    staff, other = await town.person("staff"), await town.person("volunteer")
    path = await _invited(staff, role="volunteer", cell=str(town.cells[1]), uses=5)
    key = {"idempotency-key": str(uuid.uuid4())}
    async with at(app, "198.51.100.10") as poster:
        first = (await poster.post(path, json={"name": "王", "device": "a"}, headers=key)).json()
        # The same phone again has its own session; another person behind the same poster has not.
        again = (await poster.post(path, json={"name": "王", "device": "a"}, headers=key)).json()
        assert again["token"] == first["token"]
        for wish in ({"name": "李", "device": "a"}, {"name": "王", "device": "b"}):
            refused = await poster.post(path, json=wish, headers=key)
            assert refused.status_code == 422 and refused.json()["type"] == "/problems/key-reused"
        # Who is signed in already, with the code and key of the first, stays themselves.
        joined = await other.call("POST", path, json={"name": "王", "device": "a"}, headers=key)
        assert joined.status_code == 201 and joined.json()["account"]["id"] == str(other.id)
        assert joined.json()["token"] != first["token"]
        me = await poster.get("/v1/me", headers={"authorization": f"Bearer {joined.json()['token']}"})
        assert me.json()["id"] == str(other.id)
        # A key that others guess would hand out sessions.
        weak = await poster.post(path, json={"name": "王"}, headers={"idempotency-key": "1"})
        assert weak.status_code == 422 and weak.json()["type"] == "/problems/key-weak"
        # And no key opens a session again that was ended.
        await poster.delete("/v1/sessions", headers={"authorization": f"Bearer {first['token']}"})
        assert (await poster.post(path, json={"name": "王", "device": "a"}, headers=key)).status_code == 422


async def test_what_is_kept_of_an_answer_tells_no_secret(database, town, argon2):
    staff, key = await town.person("staff"), str(uuid.uuid4())
    wish, header = {"role": "volunteer", "cell": str(town.cells[0])}, {"idempotency-key": key}
    first = await staff.call("POST", "/v1/invitations", json=wish, headers=header)
    again = await staff.call("POST", "/v1/invitations", json=wish, headers=header)
    assert again.json() == first.json() and again.headers["idempotent-replay"] == "true"
    code = first.json()["code"]
    async with database.acquire() as connection:
        row = await connection.fetchrow("select * from idempotency_keys where scope = $1", str(staff.id))
        for table in ("idempotency_keys", "invitations", "sessions", "throttles", "known_places", "procrastinate_jobs"):
            for kept in await connection.fetch(f"select t::text as text from {table} t"):  # bytes as hexadecimal
                for told in (code, key):
                    assert told not in kept["text"] and told.encode().hex() not in kept["text"], table
        # It is gone soon, while what a phone sends again after days is kept a week.
        assert (row["expires_at"] - row["created_at"]).total_seconds() < 3700
        await connection.execute(
            "update idempotency_keys set expires_at = now() - interval '1 second' where scope = $1", str(staff.id)
        )
    anew = await staff.call("POST", "/v1/invitations", json=wish, headers=header)
    assert anew.status_code == 201 and anew.json()["code"] != code
    # The same key of another account is another key.
    other = await town.person("staff")
    own = await other.call("POST", "/v1/invitations", json=wish, headers=header)
    assert own.status_code == 201 and own.json()["code"] not in (code, anew.json()["code"])


async def test_no_link_makes_many_people_powerful(town, argon2):
    admin, area = await town.person("admin"), {"area": str(town.area)}
    for role, target, most, hours in (
        ("admin", {}, 1, 72), ("staff", area, 1, 72), ("inspector", area, 1, 72), ("leader", {"cell": str(town.cells[0])}, 10, 168),
        ("worker", {"unit": str(town.unit)}, 10, 168), ("volunteer", area, 500, 2160),
    ):  # fmt: skip
        wish = {"role": role, **target}
        if most < 500:
            refused = await admin.call("POST", "/v1/invitations", json=wish | {"uses": most + 1, "expires_in_hours": hours + 1})
            assert refused.status_code == 422
            assert [e["pointer"] for e in refused.json()["errors"]] == ["/uses", "/expires_in_hours"]
            assert str(most) in refused.json()["errors"][0]["message"] and str(hours) in refused.json()["errors"][1]["message"]
        made = await admin.call("POST", "/v1/invitations", json=wish | {"uses": most, "expires_in_hours": hours})
        assert made.status_code == 201
        assert (await admin.call("POST", "/v1/invitations", json=wish)).status_code == 201


async def test_nobody_has_more_invitations_open_than_they_can_oversee(database, town, argon2, monkeypatch):
    from app.people import invitations

    monkeypatch.setattr(invitations, "_OPEN", 3)
    monkeypatch.setattr(invitations, "_IN_A_DAY", 6)
    leader, wish = await town.person("leader"), {"role": "volunteer", "cell": str(town.cells[0])}
    made = await asyncio.gather(*[leader.call("POST", "/v1/invitations", json=wish) for _ in range(6)])
    assert sorted(m.status_code for m in made) == [201] * 3 + [429] * 3
    full = next(m for m in made if m.status_code == 429)
    assert int(full.headers["retry-after"]) > 0 and "Take some of them back" in full.json()["detail"]
    for _ in range(3):
        for each in (await leader.get("/v1/invitations"))["items"]:
            await leader.call("DELETE", f"/v1/invitations/{each['id']}")
        last = [await leader.call("POST", "/v1/invitations", json=wish) for _ in range(3)]
    assert [m.status_code for m in last] == [429] * 3 and "24 hours" in last[0].json()["detail"]
    # Another inviter has a count of their own.
    assert (await (await town.person("leader")).call("POST", "/v1/invitations", json=wish)).status_code == 201
