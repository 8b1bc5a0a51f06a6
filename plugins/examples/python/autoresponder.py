"""Answers what customers write, as AI. Replace `answer`; the rest is the attach protocol of plugin.proto."""

import asyncio
import os
import pathlib
import signal

import grpc
from causeway.plugin.v1 import plugin_pb2 as pb, plugin_pb2_grpc
from google.rpc.error_details_pb2 import RetryInfo
from grpc_status import rpc_status

NAME, INSTANCE = "autoresponder", os.urandom(16).hex()  # each start is another instance
WINDOW = 16  # deliveries in hand at once
OPTIONS = [("grpc.keepalive_time_ms", 20_000), ("grpc.max_reconnect_backoff_ms", 5_000)]


async def answer(wrote: pb.CustomerWrote) -> str:
    """What to answer, up to 16 384 characters; nothing when empty. When it raises, the host asks again later."""
    return f"Hello {wrote.customer_name}, we got your “{wrote.text[:1_000]}”. A person will read it soon."


def reach(url: str, ca_file: str) -> grpc.aio.Channel:
    """The host at http://host:port, or at https://host:port, whose certificate one in a PEM file, or a public one, has signed."""
    scheme, address = url.rstrip("/").split("://")
    if scheme == "http":
        return grpc.aio.insecure_channel(address, OPTIONS)
    roots = pathlib.Path(ca_file).read_bytes() if ca_file else None
    return grpc.aio.secure_channel(address, grpc.ssl_channel_credentials(roots), OPTIONS)


class Autoresponder:
    def __init__(self):
        # Deliveries by (id, part), with what the host must yet hear of each, over however many streams: an event with
        # the answer, until that is settled, and a report, until that is recorded. A task while `answer` is at work.
        self.held, self.last, self.changed, self.stopping = {}, 0, asyncio.Event(), False

    async def run(self):
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self.hear, "stop", None)
        channel = reach(os.environ["CAUSEWAY_PLUGIN_HOST"], os.environ.get("CAUSEWAY_PLUGIN_CA_FILE", ""))
        while not self.stopping:
            named = RetryInfo()
            try:
                await self.attach(plugin_pb2_grpc.PluginHostStub(channel))
            except grpc.aio.AioRpcError as error:
                # A host that stops says UNAVAILABLE, the others are a broken connection. All else is for a person.
                if error.code().name not in ("UNAVAILABLE", "CANCELLED", "UNKNOWN", "INTERNAL"):
                    raise SystemExit(f"{error.code().name}: {error.details()}") from error
                any(detail.Unpack(named) for detail in getattr(rpc_status.from_call(error), "details", ()))
            # A second more: a write that meets the end of a stream has gRPC say INTERNAL, whatever it ended with.
            await asyncio.sleep(named.retry_delay.ToTimedelta().total_seconds() + 1)

    async def attach(self, host):
        """One stream, from Hello to its end. Fails at once while gRPC pauses, longer each time, before it connects."""
        hello = pb.Hello(name=NAME, version="1.0", protocol=1, instance=INSTANCE, kind=pb.PLUGIN_KIND_AGENT,
                         holding={delivery for delivery, _ in self.held})
        call = host.Attach(metadata=[("authorization", "Bearer " + os.environ["CAUSEWAY_PLUGIN_TOKEN"])])
        await call.write(pb.AttachRequest(hello=hello))
        welcome = (await call.read()).welcome
        self.said, self.credit, self.granted, self.ending = set(), welcome.credit, 0, self.stopping
        self.settle(range(1, welcome.resume_after + 1))
        speaking = asyncio.create_task(self.speak(call))
        try:
            while message := await call.read():
                self.hear(message.WhichOneof("message"), message)
        finally:
            speaking.cancel()
            await asyncio.gather(speaking, return_exceptions=True)  # it may have met the broken stream as well

    async def speak(self, call):
        """Says each thing once on a stream: events in order and within credit, and credit as there is room."""
        while self.held or not self.ending:
            self.changed.clear()
            for part, (message, *_) in [held for held in self.held.items() if isinstance(held[1], list)]:
                key = message.event.sequence or part
                if key not in self.said and (self.credit or message.HasField("report")):
                    self.said.add(key)
                    self.credit -= message.HasField("event")
                    await call.write(message)
            if (room := WINDOW - self.granted - len(self.held)) and not self.ending:
                self.granted += room
                await call.write(pb.AttachRequest(credit=pb.Credit(amount=room)))
            await self.changed.wait()
        await call.done_writing()

    def hear(self, what, message):
        if what == "delivery":
            self.granted -= 1
            part = (message.delivery.id, message.delivery.part)
            self.said.discard(part)  # one that comes again wants its report again
            if part not in self.held:
                self.held[part] = asyncio.create_task(self.work(part, message.delivery.customer_wrote))
        elif what == "recorded":
            self.held.pop((message.recorded.delivery_id, message.recorded.part), None)
        elif what == "outcome" and message.outcome.code == pb.OUTCOME_CODE_RETRY_AFTER:
            # No event of its partition is behind it: the next delivery there waits for the report of this one.
            wait, call_later = message.outcome.retry_after_ms / 1_000, asyncio.get_running_loop().call_later
            call_later(wait, self.said.discard, message.outcome.sequence)
            call_later(wait, self.changed.set)
        elif what == "outcome":
            self.settle([message.outcome.sequence])
        elif what == "credit":
            self.credit += message.credit.amount
        elif what in ("drain", "stop"):  # takes no more, finishes what is in hand, and ends this side of the stream
            self.ending, self.stopping = True, self.stopping or what == "stop"
        self.changed.set()

    def settle(self, sequences):
        """Answers are durable. Only now are their reports next: a crash before that must not lose them."""
        for messages in self.held.values():
            if isinstance(messages, list) and messages[0].event.sequence in sequences:
                del messages[0]

    async def work(self, part, wrote):
        messages, report = [], pb.DeliveryReport(delivery_id=part[0], part=part[1], state=pb.DELIVERY_STATE_SENT)
        try:
            if text := await answer(wrote):
                self.last += 1
                # A delivery may come again, even to another instance: by this provider_id its answer is taken once.
                messages = [pb.AttachRequest(event=pb.InboundEvent(
                    sequence=self.last, account=NAME, provider_id=f"answer/{wrote.message_id}",
                    partition=wrote.conversation_id, answer={"conversation_id": wrote.conversation_id, "text": text}))]
        except Exception as error:
            report.state, report.code, report.text = pb.DELIVERY_STATE_FAILED, "answer", repr(error)[:500]
        del self.held[part]  # and in again behind the others, so that events stay in order
        self.held[part] = [*messages, pb.AttachRequest(report=report)]
        self.changed.set()


asyncio.run(Autoresponder().run())
