"""Frontends by `websockets`, which is stricter about the protocol than most."""

import asyncio
import json
import re

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from causeway import URL, group, token, user

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00")


async def of_type(socket, kind: str) -> dict:
    """The next frame of a type; others are passed over."""
    while True:
        frame = json.loads(await asyncio.wait_for(socket.recv(), 10))
        if frame["type"] == kind:
            return frame


async def close_code(path: str) -> int:
    """The code by which a socket is closed at once."""
    async with connect(URL + path) as socket:
        try:
            await asyncio.wait_for(socket.recv(), 10)
        except ConnectionClosed as closed:
            return closed.rcvd.code
    raise AssertionError("the socket stays open")


async def two_people_talk() -> None:
    alice, bob = user("Alice"), user("Bob")
    path = f"{URL}/ws/group/{group(alice, bob)}/?token="
    async with connect(path + token(alice)) as here, connect(path + token(bob)) as there:
        await here.send(json.dumps({"type": "message", "content": "hello 🌉"}))
        message = (await of_type(there, "message"))["message"]
        assert message["content"] == "hello 🌉"
        assert TIME.fullmatch(message["timestamp"]), message
        await there.send(json.dumps({"type": "read", "message_id": message["id"]}))
        assert (await of_type(here, "read_receipt"))["user_id"] == bob


async def refusals_come_before_or_after_the_upgrade() -> None:
    alice = user("Alice")
    room = group(alice)
    try:
        async with connect(f"{URL}/ws/group/{room}/"):
            raise AssertionError("rooms are open to everybody")
    except InvalidStatus as refused:
        assert refused.response.status_code == 403
        assert "detail" in json.loads(refused.response.body)
    assert await close_code(f"/ws/chat/{room}/") == 4003
    assert await close_code(f"/api/v1/ws/chat/{room}?token=nonsense") == 1008


async def a_token_in_the_subprotocol_is_answered_with_bearer() -> None:
    alice = user("Alice")
    protocols = ["bearer", token(alice)]
    async with connect(f"{URL}/ws/chat/", subprotocols=protocols) as socket:
        assert socket.subprotocol == "bearer"


async def fragments_and_pings_are_part_of_the_protocol() -> None:
    alice = user("Alice")
    async with connect(f"{URL}/ws/group/{group(alice)}/?token={token(alice)}") as socket:
        await socket.send(['{"type":"mess', 'age","cont', 'ent":"in pieces"}'])
        assert (await of_type(socket, "message"))["message"]["content"] == "in pieces"
        await asyncio.wait_for(await socket.ping(b"are you there?"), 10)


async def what_is_too_much_closes_the_socket() -> None:
    alice = user("Alice")
    path = f"{URL}/ws/group/{group(alice)}/?token={token(alice)}"
    for data, code in ((b"binary", 1003), ("x" * 70_000, 1009)):
        async with connect(path) as socket:
            try:
                await socket.send(data)
                while True:
                    await asyncio.wait_for(socket.recv(), 10)
            except ConnectionClosed as closed:
                assert closed.rcvd.code == code, closed


CHECKS = [
    two_people_talk,
    refusals_come_before_or_after_the_upgrade,
    a_token_in_the_subprotocol_is_answered_with_bearer,
    fragments_and_pings_are_part_of_the_protocol,
    what_is_too_much_closes_the_socket,
]
