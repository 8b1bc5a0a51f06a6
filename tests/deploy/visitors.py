"""Who is on either side of a proxy: a reader who comes back with `since`, somebody who keeps connecting, and a witness."""

import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from fronts import HOSTS
from stage import Stage, wait_for

PATIENCE = 20
# Where conversation 7 is, and the type of its messages.
DIALECTS = {"rooms": ("/ws/group/7/", "message"), "jobs": ("/ws/chat/7/", "chat_message")}


# One thread carries every socket: TLS is not for a thread that reads and another that writes.
_LOOP = asyncio.new_event_loop()
threading.Thread(target=_LOOP.run_forever, daemon=True).start()


def _done(work, patience: float = PATIENCE):
    """Carries a coroutine out in the thread of the sockets, and returns what it returns."""
    async def in_time():
        return await asyncio.wait_for(work, patience)

    return asyncio.run_coroutine_threadsafe(in_time(), _LOOP).result()


class Socket:
    """A WebSocket to a host through a proxy, which is where that host is."""

    def __init__(self, proxy, path: str, host: str = HOSTS[0], **options):
        async def opened():
            tls = {"ssl": proxy.tls, "server_hostname": host} if proxy.tls else {}
            there = {"host": "127.0.0.1", "port": proxy.port, "open_timeout": PATIENCE, "proxy": None}
            return await connect(f"{proxy.scheme}://{host}{path}", **there, **tls, **options)

        self._socket = _done(opened(), 2 * PATIENCE)
        self.subprotocol = self._socket.subprotocol

    def receive(self, patience: float = PATIENCE) -> str:
        """The next frame."""
        return _done(self._socket.recv(), patience)

    def send(self, text: str) -> None:
        """Sends a frame."""
        _done(self._socket.send(text))

    def close(self) -> None:
        """Closes it in order."""
        _done(self._socket.close())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Reader:
    """A client of a conversation that keeps what it reads, and can come back to what it has not read."""

    def __init__(self, proxy, stage: Stage, dialect: str, user: str):
        self._proxy = proxy
        self._path, self._type = DIALECTS[dialect]
        self.token = stage.token(user)
        self.read: list[str] = []
        self._since = ""
        self.socket = self._connect()

    def _connect(self):
        return Socket(self._proxy, f"{self._path}?token={self.token}&since={self._since}")

    def reads_until(self, text: str) -> None:
        """Reads until a message comes."""
        while text not in self.read:
            frame = json.loads(self.socket.receive())
            if frame["type"] == self._type:
                self.read.append(frame["message"]["content"])
                self._since = frame["event_id"]

    def closed(self) -> int | None:
        """The code of the close frame, when one has come."""
        try:
            self.socket.receive(0.02)
        except TimeoutError:
            return None
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006
        return None

    def comes_back(self) -> None:
        """Connects again at once, as often as it takes, with what was read last."""
        def again():
            try:
                return self._connect()
            except (OSError, InvalidHandshake):
                return None

        self.socket = wait_for("the reader comes back", again)


class Visitor:
    """Somebody who connects again and again, in a thread, and notes when that fails."""

    def __init__(self, proxy, token: str):
        self.came, self.refused = 0, []
        self._proxy, self._path = proxy, f"/ws/group/7/?token={token}"
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep_connecting)

    def _keep_connecting(self) -> None:
        while not self._over.is_set():
            try:
                Socket(self._proxy, self._path).close()
                self.came += 1
            except (OSError, InvalidHandshake, ConnectionClosed) as error:
                self.refused.append(error)
                self._over.wait(0.1)

    def __enter__(self):
        self._thread.start()
        wait_for("the visitor has come", lambda: self.came or self.refused)
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()


class Witness:
    """Stands where a bridge would be, and notes the request that comes through: its path and its headers."""

    def __init__(self):
        self.seen = None
        witness = self

        class Answer(BaseHTTPRequestHandler):
            """Ready, and otherwise not found."""

            def do_GET(self):  # pylint: disable=invalid-name
                asks_whether_ready = self.path == "/readyz"
                if not asks_whether_ready:
                    witness.seen = self.path, {name.lower(): value for name, value in self.headers.items()}
                self.send_response(200 if asks_whether_ready else 404)
                self.end_headers()

            def log_message(self, *_):  # pylint: disable=arguments-differ
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.address = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def refusal(proxy, path: str, host: str, **options) -> tuple[int, str]:
    """How an upgrade is refused: status and body."""
    try:
        Socket(proxy, path, host, **options).close()
    except InvalidStatus as refused:
        return refused.response.status_code, refused.response.body.decode()
    raise AssertionError(f"{host}{path} is not refused")


def closed_with(socket: Socket) -> int | None:
    """The code that a socket is closed with."""
    try:
        while True:
            socket.receive()
    except ConnectionClosed as closed:
        return closed.rcvd and closed.rcvd.code
