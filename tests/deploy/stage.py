"""Processes of a check's own: any program, and a Causeway in parts as the units start it."""

import os
import pathlib
import random
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

from tree import COMMAND, PRODUCTION, installed, key_pair, well

# How long anything may take that should take a moment.
PATIENCE = 30


def free_port() -> int:
    """A port that nobody listens on, below those that the system gives to outgoing connections."""
    while True:
        port = random.randrange(12000, 20000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


def wait_for(what: str, happened, patience: float = PATIENCE):
    """Waits until `happened` answers something true, and returns it."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        if answer := happened():
            return answer
        time.sleep(0.02)
    raise AssertionError(f"{what}: not within {patience} s")


class Process:
    """A program that runs, with its log in a file. It is killed at the end."""

    def __init__(self, command, environment: dict[str, str], place: pathlib.Path):
        self._command = [str(word) for word in command]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CAUSEWAY_")}
        self._environment = kept | environment
        self._place = place
        handle, name = tempfile.mkstemp(suffix=".log", dir=place)
        os.close(handle)
        self._log = pathlib.Path(name)
        self._process = None
        self.start()

    def start(self) -> None:
        """Starts it, again after it has ended."""
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(  # pylint: disable=consider-using-with
                self._command, env=self._environment, cwd=self._place, stdout=log, stderr=log
            )

    def runs(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def log(self) -> str:
        """What it has said."""
        return self._log.read_text(errors="replace")

    def kill(self) -> None:
        """Ends it without a word."""
        self._process.kill()
        self._process.wait()

    def terminate(self) -> None:
        """Asks it to end."""
        self._process.terminate()

    def ended(self) -> int:
        """Waits for its end, and returns its exit code."""
        return self._process.wait(PATIENCE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()


class Http:
    """Where something answers HTTP."""

    def __init__(self, address: str):
        self.address = address

    def get(self, path: str) -> int:
        """The status of an answer; 0 where nobody answers."""
        try:
            with urllib.request.urlopen(f"http://{self.address}{path}", timeout=5) as answer:
                return answer.status
        except urllib.error.HTTPError as refused:
            return refused.code
        except (urllib.error.URLError, OSError):
            return 0


class Bridge(Http):
    """One of the bridges."""

    def __init__(self, stage: "Stage", number: int):
        super().__init__(f"127.0.0.1:{free_port()}")
        self._admin = f"127.0.0.1:{free_port()}"
        listens = {"CAUSEWAY_BRIDGE__LISTEN": self.address, "CAUSEWAY_ADMIN__LISTEN": self._admin}
        self.process = stage.start(["bridge"], listens)
        self.number = number

    def is_ready(self) -> bool:
        """Whether it can do its job."""
        assert self.process.runs(), self.process.log()
        return self.get("/readyz") == 200

    def metrics(self) -> str:
        """What Prometheus would scrape."""
        with urllib.request.urlopen(f"http://{self._admin}/metrics", timeout=5) as answer:
            return answer.read().decode()

    def sockets(self) -> int:
        """How many are open, over all dialects."""
        lines = [line for line in self.metrics().splitlines() if line.startswith("causeway_bridge_connections{")]
        return sum(int(line.rpartition(" ")[2]) for line in lines)


class Stage:
    """One of each service and two bridges, each a process of its own, set by production.toml."""

    PARTS = ("presence", "notification", "chat")

    def __init__(self, **settings: str):
        self._dir = tempfile.TemporaryDirectory()  # pylint: disable=consider-using-with
        self.place = pathlib.Path(self._dir.name)
        private, public = key_pair(self.place)
        # `causeway token` signs with the private key, which no server has.
        signing = f'[{{id="2026", algorithm="ES256", public_key_file="{public}", private_key_file="{private}"}}]'
        self._signing = {"CAUSEWAY_AUTH__KEYS": signing}
        self._shared = {
            "CAUSEWAY_CONFIG": str(installed(PRODUCTION, self.place)),
            "CAUSEWAY_DATA_DIR": str(self.place / "data"),
            "CAUSEWAY_BRIDGE__DRAIN": "1s",
        } | settings
        self.ports = {part: free_port() for part in self.PARTS}
        for part, port in self.ports.items():
            self._shared[f"CAUSEWAY_SERVICES__{part.upper()}__URL"] = f"http://127.0.0.1:{port}"
        self._admins = {part: Http(f"127.0.0.1:{free_port()}") for part in self.PARTS}
        self._running: list[Process] = []
        self.services = {part: self._service(part) for part in self.PARTS}
        self.bridges = [Bridge(self, number) for number in (0, 1)]
        try:
            for bridge in self.bridges:
                wait_for(f"bridge {bridge.number} is ready", bridge.is_ready)
        except AssertionError as error:
            logs = "\n".join(process.log() for process in self._running)
            self.__exit__()
            raise AssertionError(f"{error}\n{logs}") from error

    def _service(self, part: str) -> Process:
        name = f"CAUSEWAY_SERVICES__{part.upper()}"
        addresses = {
            f"{name}__LISTEN": f"127.0.0.1:{self.ports[part]}",
            f"{name}__ADMIN": self._admins[part].address,
        }
        return self.start([part], addresses)

    def admin_of(self, part: str) -> Http:
        """The operators' listener of a service."""
        return self._admins[part]

    def start(self, arguments: list[str], environment: dict[str, str]) -> Process:
        """Starts a part."""
        process = Process([COMMAND, *arguments], self._shared | environment, self.place)
        self._running.append(process)
        return process

    def causeway(self, *arguments: str) -> str:
        """A call of the command line; returns what it prints."""
        return well(COMMAND, *arguments, environment=self._shared | self._signing, cwd=self.place).strip()

    def token(self, user: str) -> str:
        """A token of a user, as whoever has the private key signs it."""
        claims = ["--claim", "aud=causeway", "--claim", "iss=https://id.example.com"]
        return self.causeway("token", "--user", user, *claims)

    def group(self, id_: str, *users: str) -> None:
        """Makes users, and a conversation of them."""
        for user in users:
            self.causeway("user", "put", user, "--first-name", f"User {user}")
        people = [part for user in users for part in ("--participant", user)]
        self.causeway("conversation", "create", "--kind", "group", "--id", id_, *people)

    def send(self, id_: str, user: str, text: str) -> None:
        """Sends a message as a backend does; it is stored when this returns."""
        self.causeway("send", "--conversation", id_, "--as", user, text)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # An orderly end would only take its time.
        for process in self._running:
            process.kill()
        self._dir.cleanup()
