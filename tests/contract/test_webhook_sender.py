"""Over real sockets: a message is signed, and goes nowhere but where it may."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from aiohttp import web
from standardwebhooks import Webhook

from connectors.webhooks.addresses import is_public
from connectors.webhooks.sender import HttpSender
from tests.webhook_receiver import OLD_SECRET, SECRET, Receiver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from connectors.webhooks.interface import Answer

PAYLOAD = '{"type":"batch.completed","data":{"batchId":"b","externalId":"caf\\u00e9"}}'
PRIVATE = "the host's address is not public"


@asynccontextmanager
async def sending(
    secrets: Sequence[str] = (SECRET,), *, allowed: Sequence[str] = ("127.0.0.1",), **options: float
) -> AsyncIterator[HttpSender]:
    sender = HttpSender(secrets, hosts_allowed=allowed, clock=time.time, **options)
    try:
        yield sender
    finally:
        await sender.close()


async def send(sender: HttpSender, url: str) -> Answer:
    return await sender.send(url=url, webhook_id="msg_1", payload=PAYLOAD)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver().serving() as receiver:
        yield receiver


async def test_a_message_is_signed_so_that_the_standard_library_accepts_it(
    receiver: Receiver,
) -> None:
    async with sending() as sender:
        assert await send(sender, receiver.url) == (200, "")
    (message,) = receiver.messages
    assert message.body.decode() == PAYLOAD
    assert message.headers["webhook-id"] == "msg_1"
    assert message.headers["Content-Type"] == "application/json"
    assert message.verified["data"]["externalId"] == "café"


async def test_a_message_is_signed_with_each_secret_while_they_are_changed(
    receiver: Receiver,
) -> None:
    async with sending([SECRET, OLD_SECRET]) as sender:
        await send(sender, receiver.url)
    (message,) = receiver.messages
    for secret in (SECRET, OLD_SECRET):
        assert Webhook(secret).verify(message.body, dict(message.headers))


async def test_a_redirect_is_an_answer_and_is_not_followed(receiver: Receiver) -> None:
    async with Receiver().serving() as other, sending() as sender:
        receiver.answers = [web.Response(status=307, headers={"Location": other.url})]
        assert await send(sender, receiver.url) == (307, "")
        assert other.messages == []


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"],  # noqa: S104 - a target
)
async def test_a_private_address_is_refused_however_it_is_named(
    receiver: Receiver, host: str
) -> None:
    async with sending(allowed=["other.example"]) as sender:
        answer = await send(sender, f"http://{host}:{receiver.port}/hook")
    assert answer.status is None
    assert answer.fault == PRIVATE
    assert receiver.connections == 0


@pytest.mark.parametrize("host", ["2130706433", "127.1", "0x7f.1", "017700000001", "localhost."])
async def test_a_private_address_is_not_reached_in_disguise(receiver: Receiver, host: str) -> None:
    async with sending(allowed=["other.example"]) as sender:
        assert (await send(sender, f"http://{host}:{receiver.port}/hook")).status is None
    assert receiver.connections == 0


async def test_what_a_name_means_is_judged_when_it_is_connected_to(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The resolver says another address each time, first a public one: as in DNS rebinding."""
    loop = asyncio.get_running_loop()
    said = ["93.184.215.14", "127.0.0.1"]
    there = socket.AF_INET, socket.SOCK_STREAM, 6, ""

    async def getaddrinfo(*_args: object, **_options: object) -> list[object]:
        return [(*there, (said[-1] if len(said) == 1 else said.pop(0), receiver.port))]

    async def sock_connect(_socket: socket.socket, address: tuple[str, int]) -> None:
        connected.append(address[0])
        raise ConnectionRefusedError

    connected: list[str] = []
    monkeypatch.setattr(loop, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(loop, "sock_connect", sock_connect)
    async with sending(allowed=[], timeout_s=1.0) as sender:
        url = f"http://rebinding.example:{receiver.port}/hook"
        assert (await send(sender, url)).fault == "no connection"
        for session in sender._sessions.values():
            assert session.connector
            session.connector.clear_dns_cache()  # type: ignore[attr-defined]  # of TCP's
        assert (await send(sender, url)).fault == PRIVATE
    assert connected == ["93.184.215.14"]


async def test_only_a_host_of_the_setting_may_be_private(receiver: Receiver) -> None:
    async with sending(allowed=["localhost"]) as sender:
        assert (await send(sender, f"http://LOCALHOST:{receiver.port}/hook")).status == 200
        assert (await send(sender, f"http://127.0.0.1:{receiver.port}/hook")).fault == PRIVATE


async def test_the_environments_proxy_is_not_asked(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Receiver().serving() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        async with sending() as sender:
            assert (await send(sender, receiver.url)).status == 200
        assert proxy.connections == 0


async def test_an_answer_that_does_not_come_is_given_up_in_time(receiver: Receiver) -> None:
    receiver.hangs = True
    async with sending(timeout_s=0.3) as sender, asyncio.timeout(10):
        assert await send(sender, receiver.url) == (None, "no answer in time")


async def test_of_an_answer_without_end_the_head_is_enough(receiver: Receiver) -> None:
    receiver.endless = True
    async with sending() as sender, asyncio.timeout(10):
        assert await send(sender, receiver.url) == (200, "")
    async with asyncio.timeout(10):
        while not receiver.hung_up:
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("http://127.0.0.1:1/hook", "no connection"),
        ("http://nobody.invalid/hook", "the host's name is not known"),
        ("http://127.0.0.1:99999/hook", "no valid answer"),
        ("http://", "no valid answer"),
        ("ftp://127.0.0.1/hook", "no valid answer"),
    ],
)
async def test_what_goes_wrong_is_told_in_words_of_ours(url: str, fault: str) -> None:
    async with sending() as sender:
        assert await send(sender, url) == (None, fault)


async def test_what_is_no_http_is_told() -> None:
    async def garbage(_reader: object, writer: asyncio.StreamWriter) -> None:
        writer.write(b"what?\r\n" * 100_000)
        writer.close()

    server = await asyncio.start_server(garbage, "127.0.0.1", 0)
    async with server, sending() as sender:
        port = server.sockets[0].getsockname()[1]
        answer = await send(sender, f"http://127.0.0.1:{port}/")
    assert answer == (None, "no valid answer")


async def test_a_certificate_that_nobody_vouches_for_is_refused() -> None:
    async with Receiver().serving(tls=True) as receiver, sending() as sender:
        assert (await send(sender, receiver.url)).fault == "no trusted TLS connection"
        assert receiver.messages == []


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.1", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254"),
        *("172.16.0.1", "172.31.255.255", "192.168.1.1", "192.0.2.1", "198.18.0.1", "224.0.0.1"),
        *("240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fe80::1%1", "fc00::1"),
        *("fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1", "::ffff:10.0.0.1"),
        *("::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::"),
        *("2002:a00:1::1", "::127.0.0.1", "2001:0:7f00:1::", "2001::80ff:fffe", "64:ff9b:1::1"),
    ],
)
def test_an_address_that_is_not_public_is_known(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("1.1.1.1", "93.184.215.14", "172.32.0.1", "2606:4700:4700::1111"),
        *("::ffff:1.1.1.1", "64:ff9b::101:101"),
    ],
)
def test_a_public_address_is_known(address: str) -> None:
    assert is_public(address)
