"""A backend that knows the services by reflection only: no generated code."""

import asyncio
import json

import grpc
from google.protobuf import descriptor_pool, json_format, message_factory
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from websockets.asyncio.client import connect

from causeway import GRPC, URL, group, service_token, token, user

SERVICES = {
    "causeway.chat.v1.Chat",
    "causeway.chat.v1.Directory",
    "causeway.notification.v1.Notifications",
    "causeway.presence.v1.Presence",
    "causeway.event.v1.Events",
}


class Backend:
    """The services, as their descriptors say."""

    def __init__(self, credential: str | None) -> None:
        self.channel = grpc.insecure_channel(GRPC)
        self.database = ProtoReflectionDescriptorDatabase(self.channel)
        self.pool = descriptor_pool.DescriptorPool(self.database)
        self.metadata = [("authorization", f"Bearer {credential}")] if credential else []

    def call(self, service: str, method: str, request: dict) -> dict:
        """Calls a unary method; requests and answers are JSON."""
        found = self.pool.FindServiceByName(service).FindMethodByName(method)
        request_class = message_factory.GetMessageClass(found.input_type)
        response_class = message_factory.GetMessageClass(found.output_type)
        call = self.channel.unary_unary(
            f"/{service}/{method}",
            request_serializer=request_class.SerializeToString,
            response_deserializer=response_class.FromString,
        )
        answer = call(json_format.ParseDict(request, request_class()), metadata=self.metadata, timeout=10)
        return json_format.MessageToDict(answer, preserving_proto_field_name=True)


def refused(backend: Backend, service: str, method: str, request: dict) -> grpc.RpcError:
    """A call that must fail."""
    try:
        answer = backend.call(service, method, request)
    except grpc.RpcError as error:
        return error
    raise AssertionError(f"{method} is answered {answer}")


async def reflection_names_every_service() -> None:
    found = set(Backend(None).database.get_services())
    assert SERVICES <= found, found


async def without_a_credential_a_call_is_unauthenticated() -> None:
    for credential in (None, "wrong"):
        backend = Backend(credential)
        for service, method in (
            ("causeway.chat.v1.Chat", "SendMessage"),
            ("causeway.chat.v1.Directory", "GetUser"),
            ("causeway.notification.v1.Notifications", "Notify"),
            ("causeway.presence.v1.Presence", "GetPresence"),
        ):
            error = refused(backend, service, method, {})
            assert error.code() == grpc.StatusCode.UNAUTHENTICATED, (method, error.code())


async def a_bad_request_names_its_field() -> None:
    request = {"conversation_id": "1", "sender_id": "1", "content": "x" * 16_385}
    error = refused(Backend(service_token()), "causeway.chat.v1.Chat", "SendMessage", request)
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT, error.code()
    details = dict(error.trailing_metadata()).get("grpc-status-details-bin", b"")
    assert b"content" in details, details


async def a_message_that_a_backend_sends_is_seen_on_the_socket() -> None:
    alice, bob = user("Alice"), user("Bob")
    room = group(alice, bob)
    backend = Backend(service_token())
    async with connect(f"{URL}/ws/chat/{room}/?token={token(bob)}") as socket:
        request = {"conversation_id": room, "sender_id": alice, "content": "from Python"}
        sent = await asyncio.to_thread(backend.call, "causeway.chat.v1.Chat", "SendMessage", request)
        while True:
            frame = json.loads(await asyncio.wait_for(socket.recv(), 10))
            if frame["type"] == "chat_message":
                break
    assert frame["message"]["content"] == "from Python"
    assert str(frame["message"]["id"]) == sent["message"]["id"]


async def a_notification_that_a_backend_makes_is_seen_on_the_socket() -> None:
    bob = user("Bob")
    backend = Backend(service_token())
    async with connect(f"{URL}/ws/notifications/?token={token(bob)}") as socket:
        request = {"user_id": bob, "content": {"title": "Alert", "message": "Approved"}}
        await asyncio.to_thread(backend.call, "causeway.notification.v1.Notifications", "Notify", request)
        frame = json.loads(await asyncio.wait_for(socket.recv(), 10))
    assert (frame["type"], frame["title"]) == ("notify", "Alert"), frame


async def health_is_told_to_anybody() -> None:
    backend = Backend(None)
    answer = backend.call("grpc.health.v1.Health", "Check", {})
    assert answer["status"] == "SERVING", answer


CHECKS = [
    reflection_names_every_service,
    without_a_credential_a_call_is_unauthenticated,
    a_bad_request_names_its_field,
    a_message_that_a_backend_sends_is_seen_on_the_socket,
    a_notification_that_a_backend_makes_is_seen_on_the_socket,
    health_is_told_to_anybody,
]
