"""Mail over a real SMTP server on the loopback: what its head says, who is never written to again, and who is told of it."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.utils import parsedate_to_datetime

import pytest

from app.kit.language import say
from app.notices.telling import follow
from app.settings import settings
from tests.test_notices import add, again, inbox


class Server:
    """Takes mail; `answers` maps a command of SMTP to what it answers instead of 250."""

    def __init__(self):
        self.letters, self.recipients, self.answers = [], [], {}
        self.said, self.silent = [], None

    async def __call__(self, reader, writer):
        async def tell(line):
            writer.write(line.encode() + b"\r\n")
            await writer.drain()

        await tell("220 test")
        while line := (await reader.readline()).strip().decode():
            word = line[:4].upper()
            self.said.append(line)
            if word == "DATA" and "DATA" not in self.answers:
                await tell("354 go on")
                self.letters.append(await reader.readuntil(b"\r\n.\r\n"))
                if self.silent:
                    await self.silent.wait()
                await tell(self.answers.get("END", "250 kept"))
            elif word == "QUIT":
                await tell("221 bye")
                break
            else:
                if word == "RCPT":
                    self.recipients.append(line)
                await tell(self.answers.get(word, "250 ok"))
        writer.close()

    def letter(self):
        return message_from_bytes(self.letters[-1], policy=policy.default)


async def agree(database, person):
    """Whoever reads this account's mail has entered the code (tests/test_channels.py plays that); and nobody has had any code today."""
    async with database.acquire() as connection:
        await connection.execute("update channels set confirmed_at = now() where account_id = $1", person.id)
        await connection.execute("delete from throttles where subject like 'code %'")


@pytest.fixture
def smtp(run, monkeypatch):
    server = Server()
    listening = run(asyncio.start_server(server, "127.0.0.1", 0))
    port = listening.sockets[0].getsockname()[1]
    monkeypatch.setattr(settings(), "smtp_url", f"smtp://127.0.0.1:{port}")
    monkeypatch.setattr(settings(), "mail_from", "网格巡查 <patrol@office.example>")
    yield server
    listening.close()


async def told(town, database, do_jobs, leader, address="leader@example.org", **channel):
    """A channel, and a notice that is sent over it."""
    made = await add(leader, kind="mail", address=address, language="zh-CN", **channel)
    await agree(database, leader)
    issue = (await (await town.person("volunteer")).report(**town.body(place="东浦巷")))["issue"]
    await follow(database)
    await do_jobs()
    return made, issue


async def failure(leader):
    return (await leader.get("/v1/channels"))["items"][0]["failure"]


async def test_the_head_says_when_which_and_that_a_program_wrote(town, database, do_jobs, smtp):
    leader = await town.person("leader")
    _, issue = await told(town, database, do_jobs, leader)
    letter = smtp.letter()
    assert abs(parsedate_to_datetime(letter["Date"]) - datetime.now(UTC)) < timedelta(minutes=1)
    assert letter["Message-ID"].startswith("<") and letter["Message-ID"].endswith("@office.example>")
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["From"].addresses[0].display_name == "网格巡查"
    assert letter["To"] == "leader@example.org" and issue["number"] in letter["Subject"]
    assert issue["number"] in letter.get_content()
    # Nothing of it needs a server that takes more than ASCII.
    assert smtp.letters[-1].isascii() and max(map(len, smtp.letters[-1].splitlines())) < 998


async def test_two_letters_have_names_of_their_own(town, database, do_jobs, smtp):
    leader = await town.person("leader")
    await told(town, database, do_jobs, leader)
    first = smtp.letter()["Message-ID"]
    volunteer = await town.person("volunteer")
    issue = (await volunteer.report(**town.body()))["issue"]
    for n in range(5):
        await volunteer.act(issue["id"], "comment", note=f"{n}")
        await follow(database)
        await do_jobs()

    def about():  # other channels may be due as well
        told = [message_from_bytes(letter, policy=policy.default) for letter in smtp.letters]
        return [letter for letter in told if issue["number"] in letter.get_content()]

    assert about() == []  # whoever comments again and again fills no mail box
    await again(database, do_jobs)
    (second,) = about()
    assert second["Message-ID"] != first


async def test_a_domain_of_any_script_is_written_to_in_ascii(town, database, do_jobs, smtp):
    leader = await town.person("leader")
    made, _ = await told(town, database, do_jobs, leader, "zhangsan@例子.中国")
    assert made["address"] == "zhangsan@例子.中国"
    assert "<zhangsan@xn--fsqu00a.xn--fiqs8s>" in smtp.recipients[0] and await failure(leader) is None


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("张三@例子.中国", "mail-address-ascii"),
        ("é@example.org", "mail-address-ascii"),
        ("a\u200bb@example.org", "mail-address-ascii"),
        ("not a mail", "mail-address"),
        ("a@b", "mail-address"),
        ("@example.org", "mail-address"),
        ("abc@", "mail-address"),
        ("a@@example.org", "mail-address"),
        ("a@b@example.org", "mail-address"),
        ("a b@example.org", "mail-address"),
        ("a@exa mple.org", "mail-address"),
        ("a@example..org", "mail-address"),
        ("a@.example.org", "mail-address"),
        ("a@-example.org", "mail-address"),
        ("a@example.org.", "mail-address"),
        ("a@exa_mple.org", "mail-address"),
        (f"a@{'x' * 64}.org", "mail-address"),
        (f"a@{'x.' * 130}org", "mail-address"),
        (f"{'x' * 65}@example.org", "mail-address"),
        (".a@example.org", "mail-address"),
        ("a..b@example.org", "mail-address"),
        ("a@127.0.0.1", "mail-address"),
        ("a@[127.0.0.1]", "mail-address"),
        ("<a@example.org>", "mail-address"),
        ("a,b@example.org", "mail-address"),
        ('"a"@example.org', "mail-address"),
        ("a@example.org\r\nBcc: b@example.org", "mail-address"),
        ("a\r\n@example.org", "mail-address"),
        ("a@straße.de", "mail-address"),
    ],
)
async def test_addresses_that_no_server_delivers_to_are_refused_with_the_reason(town, address, key):
    leader = await town.person("leader")
    refused = await add(leader, 422, kind="mail", address=address)
    assert refused["errors"] == [{"pointer": "/address", "code": key, "message": say(key, "en")}]


@pytest.mark.parametrize("address", ["o'brien+patrol@mail.example.org", "A.B_c@例子。中国", "1@xn--fiqs8s.cn", "a@b-c.co"])
async def test_addresses_that_servers_deliver_to(town, address):
    assert (await add(await town.person("leader"), kind="mail", address=address))["address"] == address


@pytest.mark.parametrize(("word", "answer"), [("RCPT", "550 no such mailbox"), ("DATA", "554 no"), ("END", "554 spam")])
async def test_a_refusal_for_good_ends_the_channel_and_is_told(town, database, do_jobs, smtp, word, answer):
    leader = await town.person("leader")
    smtp.answers[word] = answer
    await told(town, database, do_jobs, leader)
    assert await failure(leader) == "mail-refused"
    kind, text = (await inbox(leader))[-1]
    assert kind == "channel_failed" and "leader@example.org" in text and say("mail-refused", "en") in text


@pytest.mark.parametrize(
    ("word", "answer"),
    [
        ("RCPT", "450 come again (greylisted)"),
        ("DATA", "451 busy"),
        ("END", "452 full"),
        ("MAIL", "550 not from here"),
        ("MAIL", "421 bye"),
    ],
)
async def test_a_refusal_for_now_is_tried_again_and_in_the_end_told(town, database, do_jobs, smtp, word, answer):
    leader = await town.person("leader")
    smtp.answers[word] = answer
    made, _ = await told(town, database, do_jobs, leader)
    assert await failure(leader) is None
    assert [kind for kind, _ in await inbox(leader)] == ["new"]

    await again(database, do_jobs)
    assert await failure(leader) is None
    async with database.acquire() as connection:
        await connection.execute(
            "update channels set failing_since = failing_since - interval '13 hours' where id = $1", uuid.UUID(made["id"])
        )
    await again(database, do_jobs)
    assert await failure(leader) == "not-reached"
    assert [kind for kind, _ in await inbox(leader)] == ["new", "channel_failed"]


async def test_a_channel_that_is_reached_again_goes_on(town, database, do_jobs, smtp):
    leader = await town.person("leader")
    smtp.answers["RCPT"] = "450 come again"
    made, _ = await told(town, database, do_jobs, leader)
    del smtp.answers["RCPT"]
    await again(database, do_jobs)
    async with database.acquire() as connection:
        since = await connection.fetchval("select failing_since from channels where id = $1", uuid.UUID(made["id"]))
    assert len(smtp.letters) == 1 and since is None and await failure(leader) is None


async def test_an_address_that_was_taken_before_is_given_up_with_its_reason(town, database, do_jobs, smtp):
    leader = await town.person("leader")
    made = await add(leader, kind="mail", address="a@example.org")
    await agree(database, leader)
    async with database.acquire() as connection:
        await connection.execute("update channels set address = '张三@例子.中国' where id = $1", uuid.UUID(made["id"]))
    await (await town.person("volunteer")).report(**town.body())
    await follow(database)
    await do_jobs()
    assert await failure(leader) == "mail-address-ascii" and smtp.letters == []
    assert (await inbox(leader))[-1][0] == "channel_failed"


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("https://example.org:99999/x", "target-url"),
        ("https://example.org:-1/x", "target-url"),
        ("https://example.org:x/", "target-url"),
        ("https://[::1", "target-url"),
        ("https://[::1]x/", "target-url"),
        ("https://a..b/x", "target-url"),
        (f"https://{'x' * 300}.org/x", "target-url"),
        (f"https://{'x' * 64}.org/x", "target-url"),
        ("https://exa\nmple.org/x", "target-url"),
        ("https://exa mple.org/x", "target-url"),
        ("https://example.org/\u202e", "target-url"),
        ("https://", "target-https"),
        ("https:", "target-https"),
        ("//example.org/x", "target-https"),
        ("javascript:alert(1)", "target-https"),
        ("https://0x7f.1/x", "target-private"),
    ],
)
@pytest.mark.parametrize("kind", ["wecom", "push"])
async def test_robots_at_addresses_that_are_none(town, kind, address, key):
    leader = await town.person("leader")
    refused = await add(leader, 422, kind=kind, address=address)
    assert refused["errors"][0] == {"pointer": "/address", "code": key, "message": say(key, "en")}
