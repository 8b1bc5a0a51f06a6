"""nginx and Caddy, each from the file that is shipped; only addresses, certificates and logs are the test's own."""

import pathlib
import re
import socket
import ssl

from stage import Http, Process, Stage, free_port, wait_for
from tree import DEPLOY, LeftOut, program, run, well

# The hosts of site.conf.
HOSTS = ("chat.example.com", "support.example.com")


class Nginx:
    """nginx on nginx.conf, proxy.conf, bridges.conf and site.conf as they are shipped, but for addresses."""

    name = "nginx"

    def __init__(self, stage: Stage):
        self._place = stage.place / "nginx"
        self._place.mkdir()
        self.port, plain = free_port(), free_port()
        self.address = f"127.0.0.1:{self.port}"
        certificate, key = self_signed(self._place)
        self.tls = ssl.create_default_context(cafile=str(certificate))
        self.scheme = "wss"
        shipped = DEPLOY / "nginx"
        for name in ("nginx.conf", "proxy.conf"):
            (self._place / name).write_text((shipped / name).read_text())
        bridges = (shipped / "bridges.conf").read_text()
        for number, bridge in enumerate(stage.bridges, start=1):
            assert f"127.0.0.1:810{number} " in bridges
            bridges = bridges.replace(f"127.0.0.1:810{number} ", f"{bridge.address} ")
        (self._place / "bridges.conf").write_text(bridges)
        site = (shipped / "site.conf").read_text()
        site = re.sub(r"listen ((?:\[::\]:)?)443", rf"listen \g<1>{self.port}", site)
        site = re.sub(r"listen ((?:\[::\]:)?)80;", rf"listen \g<1>{plain};", site)
        site = site.replace("/etc/nginx/tls/fullchain.pem", str(certificate))
        site = site.replace("/etc/nginx/tls/privkey.pem", str(key))
        site = site.replace("/var/log/nginx/causeway.log", str(self._place / "access.log"))
        if not has_ipv6():
            site = "\n".join(line for line in site.splitlines() if "[::]" not in line)
        (self._place / "site.conf").write_text(site)
        self.plain = Http(f"127.0.0.1:{plain}")
        command = [program("nginx"), "-p", self._place, "-c", self._place / "nginx.conf", "-e", "stderr"]
        tested(run(*command, "-t", "-g", f"pid {self._place}/nginx.pid;"))
        self.process = Process([*command, "-g", f"pid {self._place}/nginx.pid; daemon off;"], {}, self._place)
        wait_for_port(self)

    def log(self) -> str:
        """All that it has written."""
        return self.process.log() + (self._place / "access.log").read_text()


class Caddy:
    """Caddy on the Caddyfile that is shipped, told its addresses by its variables."""

    name = "caddy"
    scheme, tls = "ws", None

    def __init__(self, stage: Stage):
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        environment = {
            "CAUSEWAY_SITES": f"http://:{self.port}",
            "CAUSEWAY_BRIDGES": " ".join(bridge.address for bridge in stage.bridges),
            "CAUSEWAY_CADDY_ADMIN": f"localhost:{free_port()}",
            "HOME": str(stage.place),
        }
        caddy = [program("caddy"), "run", "--config", DEPLOY / "caddy" / "Caddyfile", "--adapter", "caddyfile"]
        self.process = Process(caddy, environment, stage.place)
        wait_for_port(self)

    def log(self) -> str:
        """All that it has written."""
        return self.process.log()


def takes_compose(place: pathlib.Path) -> None:
    """Fails unless nginx takes the files that Compose mounts, but for names and ports of the network in it."""
    for name in ("nginx/nginx.conf", "nginx/proxy.conf", "compose/bridges.conf", "compose/site.conf"):
        text = (DEPLOY / name).read_text()
        text = re.sub(r"^server bridge-\d:", "server 127.0.0.1:", text, flags=re.MULTILINE)
        text = text.replace("listen 80 ", f"listen 127.0.0.1:{free_port()} ")
        (place / pathlib.Path(name).name).write_text(text)
    command = [program("nginx"), "-t", "-p", place, "-c", place / "nginx.conf", "-e", "stderr"]
    tested(run(*command, "-g", f"pid {place}/nginx.pid;"))


def tested(done) -> None:
    """Fails unless nginx has found a configuration to be good."""
    if "Permission denied" in done.stderr:
        raise LeftOut("this nginx wants to be started as root")
    assert done.returncode == 0, done.stderr


def self_signed(place: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
    """A certificate for the hosts of site.conf and its key."""
    program("openssl")
    certificate, key = place / "fullchain.pem", place / "privkey.pem"
    names = "subjectAltName=" + ",".join(f"DNS:{name}" for name in HOSTS)
    request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=chat.example.com"]
    well("openssl", *request, "-addext", names, "-keyout", key, "-out", certificate)
    return certificate, key


def has_ipv6() -> bool:
    """Whether one can listen on IPv6 here."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::", 0))
        return True
    except OSError:
        return False


def wait_for_port(proxy) -> None:
    """Waits until a proxy takes connections."""
    def connects() -> bool:
        assert proxy.process.runs(), proxy.process.log()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", proxy.port)) == 0

    wait_for(f"{proxy.name} listens", connects)
