"""nginx and Caddy in front of two real bridges. Clients speak two dialects through them, lose a bridge, and come back with
`since`.
"""

import json
import pathlib
import re
import tempfile
import threading
from types import SimpleNamespace

from websockets.exceptions import ConnectionClosed, InvalidStatus

from fronts import HOSTS, Caddy, Nginx, takes_compose
from stage import Stage, wait_for
from tree import DEPLOY, PRODUCTION, program, seconds, setting, well
from visitors import Reader, Socket, Visitor, Witness, closed_with, refusal

# One dialect at a host and below a prefix, beside those at the root.
HOST = HOSTS[1]
MOUNTS = f'[{{dialect="rooms"}}, {{dialect="jobs"}}, {{dialect="rooms", host="{HOST}", prefix="/desk"}}]'


class Scene:
    """Two bridges behind a proxy, and a conversation, 7, of users 1 and 2."""

    def __init__(self, kind):
        program(kind.name)
        self._stage = Stage(CAUSEWAY_BRIDGE__MOUNTS=MOUNTS)
        try:
            self.proxy = kind(self._stage)
            self._stage.group("7", "1", "2")
        except BaseException:
            self._stage.__exit__()
            raise

    def __enter__(self):
        return self._stage, self.proxy

    def __exit__(self, *_):
        self.proxy.process.__exit__()
        self._stage.__exit__()


def a_killed_bridge_costs_nothing(kind) -> None:
    """Sends without a pause while a bridge is killed; whoever was on it comes back to the other, and has missed nothing."""
    with Scene(kind) as (stage, proxy):
        readers = [Reader(proxy, stage, dialect, "1") for dialect in ("rooms", "jobs") for _ in range(2)]
        spread_evenly(stage)
        stage.send("7", "2", "0")
        for reader in readers:
            reader.reads_until("0")

        def send_many() -> None:
            for number in range(1, 25):
                stage.send("7", "2", str(number))

        writer = threading.Thread(target=send_many)
        writer.start()
        for reader in readers:
            reader.reads_until("4")
        stage.bridges[0].process.kill()
        lost = 0
        for reader in readers:
            try:
                reader.reads_until("24")
            except ConnectionClosed:
                lost += 1
                reader.comes_back()
                reader.reads_until("24")
        writer.join()
        assert lost == 2
        wait_for("all are on the other", lambda: stage.bridges[1].sockets() == 4)
        for reader in readers:
            assert reader.read == [str(number) for number in range(25)], reader.read
        nothing_secret_in(proxy, readers)
        the_bridge_that_is_back_is_used(stage, proxy)


def spread_evenly(stage: Stage) -> None:
    """Of four sockets each bridge has two: the one with fewer gets the next."""
    counts = [2, 2]
    wait_for("two sockets on each", lambda: [bridge.sockets() for bridge in stage.bridges] == counts)


def the_bridge_that_is_back_is_used(stage: Stage, proxy) -> None:
    """A bridge that was started again gets what comes next."""
    stage.bridges[0].process.start()
    wait_for("the bridge is ready again", stage.bridges[0].is_ready)
    sockets = []

    def is_used() -> bool:
        sockets.append(Socket(proxy, f"/ws/group/7/?token={stage.token('1')}"))
        return stage.bridges[0].sockets() > 0

    wait_for("the bridge is used again", is_used)
    for opened in sockets:
        opened.close()


def nothing_secret_in(proxy, readers: list[Reader]) -> None:
    """Tokens stand in the query of every request, and in no log."""
    log = proxy.log()
    for secret in {reader.token for reader in readers}:
        assert secret not in log and secret.split(".")[2] not in log, "a token is in the log"
    assert "/ws/" in log, "requests are in the log"


def a_drained_bridge_says_so_and_is_left_out(kind) -> None:
    """A bridge is asked to stop: its sockets close with 1012, and no connection fails in the meantime."""
    with Scene(kind) as (stage, proxy):
        readers = [Reader(proxy, stage, dialect, "1") for dialect in ("rooms", "jobs", "rooms", "jobs")]
        spread_evenly(stage)
        with Visitor(proxy, stage.token("2")) as visitor:
            stage.bridges[1].process.terminate()
            codes: dict[int, int] = {}

            def two_are_closed() -> bool:
                for number, reader in enumerate(readers):
                    if number not in codes and (code := reader.closed()):
                        codes[number] = code
                        reader.comes_back()
                return len(codes) == 2

            wait_for("two sockets are closed", two_are_closed)
            exit_code = stage.bridges[1].process.ended()
        assert list(codes.values()) == [1012, 1012] and exit_code == 0, (codes, exit_code)
        assert visitor.came > 0 and not visitor.refused, visitor.refused[:3]
        stage.send("7", "2", "to all")
        for reader in readers:
            reader.reads_until("to all")
        wait_for("all are on the other", lambda: stage.bridges[0].sockets() == 4)


def hosts_prefixes_subprotocols_and_refusals_pass(kind) -> None:
    """What a mount, a token outside the URL and a refusal need goes through as it is."""
    with Scene(kind) as (stage, proxy):
        token = stage.token("1")
        with Socket(proxy, "/desk/ws/group/7/", HOST, subprotocols=["bearer", token]) as socket:
            assert socket.subprotocol == "bearer"
        with Socket(proxy, "/ws/group/7/", additional_headers={"Authorization": f"Bearer {token}"}):
            pass
        for path, host in (("/desk/ws/group/7/", HOSTS[0]), ("/ws/elsewhere/", HOST)):
            assert refusal(proxy, f"{path}?token={token}", host)[0] == 404, path
        status, body = refusal(proxy, "/ws/group/7/", HOSTS[0])
        assert status == 403 and "detail" in json.loads(body)
        foreign = {"origin": "https://elsewhere.example.com"}
        assert refusal(proxy, f"/ws/group/7/?token={token}", HOSTS[0], **foreign)[0] == 403
        with Socket(proxy, f"/ws/chat/7/?token={token}") as silent:
            silent.send("x" * 70_000)
            assert closed_with(silent) == 1009
        assert token not in proxy.log()


def when_no_bridge_can_clients_hear_it_as_from_a_bridge(kind) -> None:
    """A service is away, then every bridge: both are 503 with the same body, and both are over soon after they end."""
    with Scene(kind) as (stage, proxy):
        path = f"/ws/group/7/?token={stage.token('1')}"

        def refused_as_by_a_bridge() -> bool:
            status, body = refusal(proxy, path, HOSTS[0])
            return status == 503 and json.loads(body) == {"detail": "not available now, try again"}

        def is_open() -> bool:
            try:
                Socket(proxy, path).close()
                return True
            except InvalidStatus as refused:
                assert refused.response.status_code == 503
                return False

        for away in ([stage.services["chat"]], [bridge.process for bridge in stage.bridges]):
            for process in away:
                process.kill()
            assert all(refused_as_by_a_bridge() for _ in range(4)), "not once anything else"
            for process in away:
                process.start()
            for bridge in stage.bridges:
                wait_for("the bridges are ready again", bridge.is_ready)
            wait_for("clients can connect again", is_open, 5)


def what_a_client_claims_to_be_ends_at_the_proxy(kind) -> None:
    """A bridge's place is taken by something that notes what comes to it."""
    program(kind.name)
    with tempfile.TemporaryDirectory() as place, Witness() as witness:
        proxy = kind(SimpleNamespace(place=pathlib.Path(place), bridges=[witness, witness]))
        with proxy.process:
            claims = {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "gopher"}
            assert refusal(proxy, "/ws/1/?a=%2F", HOST, additional_headers=claims)[0] == 404
    path, headers = witness.seen
    assert path == "/ws/1/?a=%2F" and headers["host"].partition(":")[0] == HOST
    assert headers["x-forwarded-for"] == "127.0.0.1", headers
    assert headers["x-forwarded-proto"] == {"wss": "https", "ws": "http"}[proxy.scheme]
    assert headers["upgrade"] == "websocket" and headers["connection"].lower() == "upgrade"


def through_nginx_a_killed_bridge_costs_nothing() -> None:
    a_killed_bridge_costs_nothing(Nginx)


def through_nginx_a_drained_bridge_says_so_and_is_left_out() -> None:
    a_drained_bridge_says_so_and_is_left_out(Nginx)


def through_nginx_clients_hear_that_no_bridge_can_as_from_a_bridge() -> None:
    when_no_bridge_can_clients_hear_it_as_from_a_bridge(Nginx)


def through_nginx_no_client_says_where_it_is_from() -> None:
    what_a_client_claims_to_be_ends_at_the_proxy(Nginx)


def through_nginx_hosts_prefixes_subprotocols_and_refusals_pass() -> None:
    hosts_prefixes_subprotocols_and_refusals_pass(Nginx)


def through_caddy_a_killed_bridge_costs_nothing() -> None:
    a_killed_bridge_costs_nothing(Caddy)


def through_caddy_a_drained_bridge_says_so_and_is_left_out() -> None:
    a_drained_bridge_says_so_and_is_left_out(Caddy)


def through_caddy_clients_hear_that_no_bridge_can_as_from_a_bridge() -> None:
    when_no_bridge_can_clients_hear_it_as_from_a_bridge(Caddy)


def through_caddy_no_client_says_where_it_is_from() -> None:
    what_a_client_claims_to_be_ends_at_the_proxy(Caddy)


def through_caddy_hosts_prefixes_subprotocols_and_refusals_pass() -> None:
    hosts_prefixes_subprotocols_and_refusals_pass(Caddy)


def caddy_takes_the_file_as_it_is() -> None:
    caddy = program("caddy")
    with tempfile.TemporaryDirectory() as place:
        file = DEPLOY / "caddy" / "Caddyfile"
        well(caddy, "validate", "--adapter", "caddyfile", "--config", file, environment={"HOME": place})
        well(caddy, "fmt", file)


def nginx_takes_the_files_of_compose() -> None:
    with tempfile.TemporaryDirectory() as place:
        takes_compose(pathlib.Path(place))


def nginx_waits_longer_than_a_bridge_is_silent() -> None:
    proxy = (DEPLOY / "nginx" / "proxy.conf").read_text()
    for name in ("proxy_read_timeout", "proxy_send_timeout"):
        given = re.search(rf"^{name} (\S+);", proxy, re.MULTILINE)
        assert given and seconds(given[1]) >= 3 * seconds(setting(PRODUCTION, "bridge.ping_interval")), name


CHECKS = [
    nginx_takes_the_files_of_compose,
    nginx_waits_longer_than_a_bridge_is_silent,
    through_nginx_a_killed_bridge_costs_nothing,
    through_nginx_a_drained_bridge_says_so_and_is_left_out,
    through_nginx_clients_hear_that_no_bridge_can_as_from_a_bridge,
    through_nginx_no_client_says_where_it_is_from,
    through_nginx_hosts_prefixes_subprotocols_and_refusals_pass,
    caddy_takes_the_file_as_it_is,
    through_caddy_a_killed_bridge_costs_nothing,
    through_caddy_a_drained_bridge_says_so_and_is_left_out,
    through_caddy_clients_hear_that_no_bridge_can_as_from_a_bridge,
    through_caddy_no_client_says_where_it_is_from,
    through_caddy_hosts_prefixes_subprotocols_and_refusals_pass,
]
