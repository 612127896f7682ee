"""Channels as an attacker would use them: to call what a server must not call, to write mail to strangers, to hold up others."""

# ruff: noqa: F401, F811 (fixtures of other modules)
import asyncio
import socket
import ssl
import uuid
from email import message_from_bytes, policy
from email.utils import parsedate_to_datetime
from types import SimpleNamespace

import pytest
import structlog

from app.kit.language import say
from app.kit.own_threads import Full, OwnThreads
from app.notices import channels, targets
from app.notices.channels import send_mail
from app.notices.targets import NotNow, Undeliverable, is_public, post
from app.settings import settings
from tests.test_mail import Server, smtp
from tests.test_notices import add, again, receiver
from tests.test_worker import Slow, listen, until

_PUBLIC = ["1.1.1.1", "8.8.8.8", "223.5.5.5", "2400:3200::1", "2606:4700::1111", "2003::1"]
_NOT_PUBLIC = [
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1",  # NAT64
    "2002:7f00:1::", "2002:a9fe:a9fe::1", "192.88.99.1",  # 6to4
    "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2",  # Teredo
    "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::7f00:1", "::ffff:0:127.0.0.1",  # IPv4 in IPv6
    "224.0.0.1", "239.1.1.1", "ff02::1", "ff0e::1",  # multicast
    "192.0.2.1", "198.51.100.7", "203.0.113.9", "2001:db8::1", "3fff::1",  # documentation
    "100.64.0.1", "100.127.255.255", "0.0.0.0", "::", "::1", "127.0.0.1", "10.1.1.1", "172.16.0.1", "172.31.9.9", "192.168.0.1",
    "169.254.169.254", "fe80::1", "fe80::1%eth0", "2606:4700::1111%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "198.18.0.1",
    "240.0.0.1", "255.255.255.255", "192.0.0.8", "100::1", "2001:2::1", "2001:10::1", "2001:20::1", "5f00::1", "4000::1",
]  # fmt: skip


def test_which_addresses_are_public():
    assert [address for address in _PUBLIC if not is_public(address)] == []
    assert [address for address in _NOT_PUBLIC if is_public(address)] == []


class Names:
    """A name server under somebody's control: each time a name is asked for, it tells the next of the answers, and then the last one."""

    def __init__(self, monkeypatch, *answers):
        self.answers, self.asked = list(answers), 0
        monkeypatch.setattr(targets.socket, "getaddrinfo", self)
        self.real = asyncio.base_events.socket.getaddrinfo

    def __call__(self, host, port, *rest, **options):
        addresses = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        return [(2, 1, 6, "", (address, port)) for address in addresses]


@pytest.mark.parametrize("address", ["64:ff9b::7f00:1", "2002:7f00:1::", "224.0.0.1", "::ffff:127.0.0.1"])
async def test_a_name_that_leads_within_is_refused_also_beside_a_public_address(town, monkeypatch, address):
    Names(monkeypatch, ["1.1.1.1", address])
    refused = await add(await town.person("volunteer"), 422, kind="wecom", address="https://robot.example/x")
    assert refused["errors"] == [{"pointer": "/address", "code": "target-private", "message": say("target-private", "en")}]


async def test_what_is_called_is_the_address_that_was_looked_at(monkeypatch):
    """DNS rebinding: the second answer leads to this machine, where a service waits that must not be reached."""
    inner = Slow()
    server, url = await listen(inner)
    port = int(url.rpartition(":")[2])
    inner.release.set()
    monkeypatch.setattr(targets, "_CONNECT_S", 0.2)
    names = Names(monkeypatch, ["203.0.113.1"], ["127.0.0.1"])
    monkeypatch.setattr(targets, "is_public", lambda address: address == "203.0.113.1")
    try:
        with pytest.raises(NotNow):
            await post(f"https://rebound.example:{port}/", "somebody", json={})
        assert inner.called == [] and names.asked == 1
    finally:
        server.close()


async def test_a_pinned_call_is_made_in_the_names_name(monkeypatch, tmp_path):
    """Host, SNI and certificate are those of the name, while the connection goes to the address."""
    key, certificate = _certificate("robot.example", tmp_path)
    seen = []

    async def robot(reader, writer):
        seen.append((await reader.readuntil(b"\r\n\r\n")).decode().lower())
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
        await writer.drain()
        writer.close()

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    names = []
    context.sni_callback = lambda socket, name, context: names.append(name)
    server = await asyncio.start_server(robot, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    Names(monkeypatch, ["127.0.0.1"])
    monkeypatch.setattr(settings(), "private_targets", True)
    trusted = ssl.create_default_context(cafile=certificate)
    monkeypatch.setattr(targets, "_tls", lambda: trusted)
    try:
        answer = await post(f"https://robot.example:{port}/x?key=1", "somebody", json={})
        assert answer.is_success and names == ["robot.example"]
        assert f"host: robot.example:{port}" in seen[0] and seen[0].startswith("post /x?key=1 ")
        # Another name's certificate is not taken, though the address is the same.
        with pytest.raises(NotNow):
            await post(f"https://other.example:{port}/x", "somebody", json={})
    finally:
        server.close()


def _certificate(name, folder):
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key()).serial_number(1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1)).not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), False)
        .add_extension(x509.BasicConstraints(True, None), True).sign(key, hashes.SHA256())
    )  # fmt: skip
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "key").write_bytes(key.private_bytes(serialization.Encoding.PEM, *plain))
    (folder / "certificate").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return folder / "key", folder / "certificate"


async def test_a_robot_that_drips_is_cut_off_and_one_that_floods_is_not_read(monkeypatch):
    monkeypatch.setattr(settings(), "private_targets", True)
    monkeypatch.setattr(targets, "PATIENCE_S", 0.4)
    sent = 0

    async def drip(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while not writer.is_closing():
            writer.write(b"x: y\r\n")
            await writer.drain()
            await asyncio.sleep(0.05)

    async def flood(reader, writer):
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while sent < 2**28:
            writer.write(b"x" * 2**16)
            sent += 2**16
            await writer.drain()

    for robot, ends in ((drip, NotNow), (flood, None)):
        server, url = await listen(robot)
        try:
            if ends:
                with pytest.raises(ends):
                    await post(url, "somebody", json={})
            else:
                assert len((await post(url, "somebody", json={})).told) == 4096 and sent < 2**25
        finally:
            server.close()


async def test_nobody_can_have_a_host_of_others_left_alone(town, database, do_jobs, receiver, monkeypatch):
    """An attacker's robots fail at another port of the host, and at names that are not looked up: others' robots there are called on."""
    from app.notices.telling import follow

    attacker, leader, volunteer = [await town.person(role) for role in ("volunteer", "leader", "volunteer")]
    host = receiver.url.split("//")[1].split("/")[0].split(":")[0]
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        await add(attacker, kind="wecom", address=f"http://{host}:{closed.getsockname()[1]}/")
    await add(attacker, kind="wecom", address=receiver.url + "&of=attacker")
    await add(leader, kind="wecom", address=receiver.url)
    real, hung = targets._names, OwnThreads("hung", most=9, most_for_one=0)
    open_port = int(receiver.url.split(":")[2].split("/")[0])

    def names(owner, port):
        return hung if owner == attacker.id and port == open_port else real

    run = lambda owner, patience, call, host, port: names(owner, port).run(owner, patience, call, host, port)  # noqa: E731
    monkeypatch.setattr(targets, "_names", SimpleNamespace(run=run))
    issue = (await attacker.report(**town.body()))["issue"]["id"]
    await leader.act(issue, "accept")
    await follow(database)
    for _ in range(4):
        async with database.acquire() as connection:
            await connection.execute("update channels set not_before = null where account_id = $1", attacker.id)
            await connection.execute("update procrastinate_jobs set scheduled_at = now() where status = 'todo'")
        await do_jobs()
    receiver.bodies.clear()
    await volunteer.report(**town.body())
    await follow(database)
    await do_jobs()
    assert len(receiver.bodies) == 1


async def test_names_that_take_long_hold_up_nobody_else():
    import threading

    release = threading.Event()
    threads = OwnThreads("test", most=6, most_for_one=2)
    try:
        for _ in range(2):
            with pytest.raises(TimeoutError):
                await threads.run("attacker", 0.02, release.wait)
        # Both hang still, though nobody waits for them any more: the attacker has no third one, and others have theirs.
        with pytest.raises(Full):
            await threads.run("attacker", 1, release.wait)
        assert await threads.run("other", 1, lambda: 7) == 7
        with pytest.raises(ZeroDivisionError):
            await threads.run("other", 1, lambda: 1 / 0)
    finally:
        release.set()

    async def ended():
        return not threads.running

    await until(ended)


async def test_an_account_has_few_channels_of_each_kind(town, receiver):
    volunteer = await town.person("volunteer")
    made = [await add(volunteer, kind="wecom", address=f"{receiver.url}&n={n}") for n in range(5)]
    assert (await add(volunteer, 409, kind="feishu", address=receiver.url))["type"] == "/problems/channels-full"
    for n in range(3):
        await add(volunteer, kind="mail", address=f"{volunteer.account}.{n}@example.org")
    assert (await add(volunteer, 409, kind="mail", address=f"{volunteer.account}.3@example.org"))[
        "type"
    ] == "/problems/channels-full"
    # What there is may be changed, but not into one too many of another kind.
    same = f"/v1/channels/{made[0]['id']}"
    assert (await volunteer.call("PUT", same, json={"kind": "dingtalk", "address": receiver.url})).status_code == 200
    other = {"kind": "mail", "address": f"{volunteer.account}.4@example.org"}
    assert (await volunteer.call("PUT", same, json=other)).status_code == 409
    # Ten asked for at once are not more.
    another = await town.person("volunteer")
    wanted = [{"kind": "wecom", "address": f"{receiver.url}&m={n}"} for n in range(10)]
    answers = await asyncio.gather(*(another.call("PUT", f"/v1/channels/{uuid.uuid4()}", json=wish) for wish in wanted))
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [409] * 5


def words(letter):
    return message_from_bytes(letter, policy=policy.default)


def letters_to(smtp, address):
    return [letter for letter in smtp.letters if words(letter)["To"] == address]


def code_in(letter):
    return next(word for word in words(letter).get_content().replace("：", " ").replace("（", " ").split() if word[:8].isdigit())[
        :8
    ]


async def test_a_mail_address_is_asked_first_in_words_that_are_nobodys(town, database, do_jobs, smtp):
    """The attacker calls themselves by what they want a stranger to read, and reports it."""
    lure = "CLICK https://evil.example NOW"
    attacker, leader = await town.person("volunteer"), await town.person("leader")
    async with database.transaction() as connection:
        await connection.execute("update accounts set name = $2 where id = $1", attacker.id, lure)
    made = await add(attacker, kind="mail", address=f"{attacker.account}@victim.example", language="en", secret=lure)
    assert made["confirmed_at"] is None
    issue = (await attacker.report(**town.body(place=lure, note=lure)))["issue"]["id"]
    await leader.act(issue, "reject", reason=lure)
    from app.notices.telling import follow

    await follow(database)
    await do_jobs()
    (asked,) = letters_to(smtp, made["address"])
    head = words(asked)
    assert head["Auto-Submitted"] == "auto-generated" and head["Message-ID"] and parsedate_to_datetime(head["Date"])
    assert "evil" not in str(head) and "evil" not in head.get_content() and head["Subject"] == say("channel-code-subject", "en")
    # Guesses are few, and what is wrong is counted though it is refused.
    confirm = f"/v1/channels/{made['id']}/confirm"
    right = code_in(asked)
    wrong = f"{(int(right) + 1) % 10**8:08}"
    stranger = await town.person("volunteer")
    assert (await stranger.call("POST", confirm, json={"code": right})).status_code == 404
    guesses = await asyncio.gather(*(attacker.call("POST", confirm, json={"code": wrong}) for _ in range(8)))
    told = [guess.json()["errors"][0]["message"] for guess in guesses]
    assert sorted(told) == sorted([say("code-wrong", "en")] * 5 + [say("code-over", "en")] * 3)
    assert (await attacker.call("POST", confirm, json={"code": right})).status_code == 422
    await leader.act((await attacker.report(**town.body()))["issue"]["id"], "accept")
    await follow(database)
    await do_jobs()
    assert letters_to(smtp, made["address"]) == [asked]


async def test_a_code_that_is_entered_begins_the_mail_and_another_address_needs_another(
    town,
    database,
    do_jobs,
    smtp,
    monkeypatch,
):
    from app.notices.telling import follow

    monkeypatch.setattr(settings(), "public_url", "https://patrol.example/")
    monkeypatch.setattr(settings(), "hosts", "test")
    leader, volunteer = await town.person("leader"), await town.person("volunteer")
    wish = {"kind": "mail", "address": f"{leader.account}@example.org", "language": "zh-CN"}
    made = await add(leader, **wish)
    await volunteer.report(**town.body())
    await follow(database)
    await do_jobs()
    given = code_in(smtp.letters[0])
    assert f"https://patrol.example/app/me?channel={made['id']}&code={given}" in words(smtp.letters[0]).get_content()
    # As somebody types it: in full width, with a blank.
    typed = "".join(chr(ord(digit) + 0xFEE0) for digit in given[:4]) + " " + given[4:]
    confirm = f"/v1/channels/{made['id']}/confirm"
    for _ in range(2):
        answer = await leader.call("POST", confirm, json={"code": typed})
        assert answer.status_code == 200 and answer.json()["confirmed_at"]
    # What happened before is not kept for it.
    await do_jobs()
    async with database.acquire() as connection:
        assert await connection.fetchval("select count(*) from deliveries where channel_id = $1", uuid.UUID(made["id"])) == 0
    # Put again as it is, it stays; at another address it is asked again, and what waited is not sent there.
    assert (await leader.call("PUT", f"/v1/channels/{made['id']}", json=wish)).json()["confirmed_at"]
    await volunteer.report(**town.body())
    await follow(database)
    elsewhere = wish | {"address": f"{leader.account}@elsewhere.example"}
    assert (await leader.call("PUT", f"/v1/channels/{made['id']}", json=elsewhere)).json()["confirmed_at"] is None
    await do_jobs()
    assert [words(letter)["Subject"] for letter in smtp.letters] == [say("channel-code-subject", "zh-CN")] * 2
    # The old code is no longer right.
    assert (await leader.call("POST", confirm, json={"code": given})).status_code == 422
    await leader.call("POST", confirm, json={"code": code_in(smtp.letters[1])})
    await volunteer.report(**town.body())
    await follow(database)
    await do_jobs()
    assert len(smtp.letters) == 3 and words(smtp.letters[2])["To"] == elsewhere["address"]


async def test_nobody_is_flooded_with_codes(town, do_jobs, smtp):
    """One mailbox under many names, and from many accounts; then one account to many mailboxes."""
    victim = f"v{uuid.uuid4().hex[:8]}"
    statuses = []
    for n in range(5):
        attacker = await town.person("volunteer")
        wish = {"kind": "mail", "address": f"{victim.upper() if n % 2 else victim}+{n}@Victim.example"}
        statuses.append((await attacker.call("PUT", f"/v1/channels/{uuid.uuid4()}", json=wish)).status_code)
    assert statuses == [200, 200, 200, 429, 429]
    attacker, id, statuses = await town.person("volunteer"), uuid.uuid4(), []
    for n in range(8):
        wish = {"kind": "mail", "address": f"{victim}{n}@other.example"}
        statuses.append((await attacker.call("PUT", f"/v1/channels/{id}", json=wish)).status_code)
    assert statuses == [200] * 6 + [429] * 2
    await do_jobs()
    sent = [words(letter)["To"] for letter in smtp.letters if victim in words(letter)["To"].lower()]
    assert len(sent) == 4  # of what one channel asked for, the last code alone is sent


@pytest.mark.parametrize("offers", [b"", b"250-STARTTLS\r\n"])
async def test_no_password_and_no_mail_without_tls_unless_told_so(monkeypatch, offers):
    """Somebody between takes STARTTLS out of what the mail server offers; or the server offers it and then refuses."""
    server = Server()
    server.answers = {"EHLO": (b"250-test\r\n" + offers + b"250 AUTH PLAIN").decode(), "STAR": "454 not now", "AUTH": "235 ok"}
    listening = await asyncio.start_server(server, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    try:
        # 127.1 is this machine too, but not by a name that is known for it.
        monkeypatch.setattr(settings(), "smtp_url", f"smtp://me:secret@127.1:{port}")
        with structlog.testing.capture_logs() as logs, pytest.raises(NotNow):
            await send_mail("a@example.org", "s", "t", "k")
        assert not [line for line in server.said if line[:4].upper() in ("AUTH", "MAIL", "DATA")] and server.letters == []
        if not offers:
            assert "STARTTLS" in logs[0]["event"] and logs[0]["log_level"] == "error" and "secret" not in str(logs)
            monkeypatch.setattr(settings(), "smtp_url", f"smtp+plain://me:secret@127.1:{port}")
            await send_mail("a@example.org", "s", "t", "k")
            monkeypatch.setattr(settings(), "smtp_url", f"smtp://127.0.0.1:{port}")
            await send_mail("a@example.org", "s", "t", "k")
            assert len(server.letters) == 2
    finally:
        listening.close()


async def test_a_mail_server_that_drips_is_cut_off(monkeypatch):
    async def drip(reader, writer):
        while not writer.is_closing():
            writer.write(b"220-x\r\n")
            await writer.drain()
            await asyncio.sleep(0.02)

    server, url = await listen(drip)
    monkeypatch.setattr(settings(), "smtp_url", url.replace("http", "smtp"))
    monkeypatch.setattr(channels, "MAIL_PATIENCE_S", 0.3)
    try:
        with pytest.raises(NotNow):
            await send_mail("a@example.org", "s", "t", "k")

        async def ended():
            return not channels._posting.running

        await until(ended)
    finally:
        server.close()


@pytest.mark.parametrize("url", ["http://mail.example", "smtp://", "mail.example:25", "smtp://mail.example:99999"])
def test_a_mail_server_that_is_none_is_refused_without_its_password(url, monkeypatch):
    from app.settings import Settings

    monkeypatch.setenv("GRIDPATROL_SMTP_URL", url.replace("//", "//me:secret@"))
    with pytest.raises(ValueError) as refused:
        Settings()
    assert "secret" not in str(refused.value)


async def test_a_message_holds_no_more_than_its_robot_takes(town, database, do_jobs, receiver):
    """Forty notices that wait, each with a long reason: several messages, every notice once."""
    from app.notices.telling import tell

    volunteer = await town.person("volunteer")
    await add(volunteer, kind="wecom", address=receiver.url, language="zh-CN")
    async with database.transaction() as connection:
        for n in range(40):
            data = {"number": f"2026-{n:06}", "category": "litter", "place": "巷", "reason": "长" * 150}
            await tell(connection, [volunteer.id], "rejected", f"{volunteer.id} {n}", None, data)
    for _ in range(9):
        await again(database, do_jobs)
    texts = [body["text"]["content"] for body in receiver.bodies]
    assert all(len(text.encode()) <= 2048 for text in texts) and 1 < len(texts) < 15
    assert [line[:60].count("2026-") for text in texts for line in text.splitlines()] == [1] * 40


_ = Undeliverable
