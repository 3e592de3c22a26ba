"""A photo by its address: fetched from hosts that the deployment names, and from nowhere else.

Who can make a server fetch an address can make it look where he cannot (server-side request
forgery). So nothing is fetched unless ``SLUICE_IMAGE_HOSTS`` names its host; a name must not lead
into a private network, and the connection goes to the very address that was looked at; a redirect
must stay on the host; bytes and time are bounded.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import SplitResult, urljoin, urlsplit

from models.runtime.tables.cells import BadInput, shown

HOSTS = "SLUICE_IMAGE_HOSTS"
"""Environment variable of the serving program: hosts, or host:port, comma-separated."""
MOST_BYTES = 10 * 1024 * 1024
SECONDS = 5.0
"""Longest a photo may take from the first byte sent to the last one read."""
REDIRECTS = 3
CHUNK = 1 << 16
PORTS: Mapping[str, int] = {"http": 80, "https": 443}
MOVED = frozenset({301, 302, 303, 307, 308})


class Unreachable(BadInput):
    """Another server did not give the photo: no fault of the model, and not quite the client's."""

    status = 424


@dataclass(frozen=True)
class PhotoHosts:
    """The hosts that photos may be fetched from.

    Args:
        hosts: Names or addresses in small letters; one with ``:port`` is meant on that port alone,
            one without on 80 (http) and 443 (https).
        seconds: Longest a photo may take.
        most: Bytes of the largest.
    """

    hosts: frozenset[str] = frozenset()
    seconds: float = SECONDS
    most: int = MOST_BYTES

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> PhotoHosts:
        """Those that the environment names; none by default."""
        named = environment.get(HOSTS, "").lower().split(",")
        return cls(frozenset(host.strip() for host in named if host.strip()))

    def fetch(self, url: str) -> bytes:
        """The bytes behind an address, whatever they are.

        Raises:
            BadInput: the address is none that may be fetched, leads elsewhere, or to nothing.
            Unreachable: its server failed, was too slow, or sent too much.
        """
        end = time.monotonic() + self.seconds
        for _ in range(REDIRECTS + 1):
            parts = self.allowed(url)
            answer = self._asked(parts, end)
            if isinstance(answer, bytes):
                return answer
            url = urljoin(url, answer)
            if urlsplit(url).netloc.lower() != parts.netloc.lower():
                raise BadInput(
                    f"image_url: {shown(parts.hostname)} sends on to another host; give the "
                    "address that the photo has there"
                )
        raise BadInput(f"image_url: {shown(parts.hostname)} sends on more than {REDIRECTS} times")

    def allowed(self, url: str) -> SplitResult:
        """The parts of an address that may be fetched.

        Raises:
            BadInput: it is no such address; the setting that decides is named.
        """
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").lower(), parts.port
        except ValueError as error:
            raise BadInput(f"image_url: {shown(url)} is no address: {error}") from error
        usual = PORTS.get(parts.scheme)
        plain = url.isascii() and url.isprintable() and " " not in url
        if usual is None or not host or not plain or "@" in parts.netloc:
            raise BadInput(
                f"image_url: {shown(url)} is no http or https address of a host, without a name or "
                "a password in it"
            )
        names = {f"{host}:{port or usual}", *([host] if port in {None, usual} else [])}
        if not names & self.hosts:
            raise BadInput(
                f"image_url: {shown(parts.netloc)} is none of the hosts that photos are fetched "
                f"from; the deployment names them in {HOSTS} (now: "
                f"{', '.join(sorted(self.hosts)) or 'none'})"
            )
        return parts

    def _asked(self, parts: SplitResult, end: float) -> bytes | str:
        """What one request gave: the photo's bytes, or where it lies."""
        host = str(parts.hostname)
        port = parts.port or PORTS[parts.scheme]
        connection = _connection(parts.scheme, host, port, _address(host, port), end)
        # A socket's own time-out begins anew with each byte: a slow server could hold it for long.
        watch = threading.Timer(max(end - time.monotonic(), 0.0), connection.give_up)
        watch.daemon = True
        watch.start()
        try:
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("GET", target, headers={"Accept": "image/*", "User-Agent": "Sluice"})
            with connection.getresponse() as response:
                answer = self._answer(response, host)
        except (OSError, http.client.HTTPException) as error:
            if connection.late:
                raise self._too_slow(host) from error
            raise Unreachable(
                f"image_url: {host} did not give the photo: {type(error).__name__}: {error}"
            ) from error
        finally:
            watch.cancel()
            connection.close()
        if connection.late:
            raise self._too_slow(host)
        return answer

    def _answer(self, response: http.client.HTTPResponse, host: str) -> bytes | str:
        location = response.getheader("Location")
        if response.status in MOVED and location:
            return location
        if 400 <= response.status < 500:
            raise BadInput(f"image_url: {host} answers {response.status}: it has no such photo")
        if response.status != 200:
            raise Unreachable(f"image_url: {host} answers {response.status}")
        body = bytearray()
        while part := response.read(CHUNK):
            body += part
            if len(body) > self.most:
                raise Unreachable(f"image_url: {host} sends more than {self.most:,} bytes")
        return bytes(body)

    def _too_slow(self, host: str) -> Unreachable:
        return Unreachable(f"image_url: {host} took longer than {self.seconds:g} s")


class _Pinned(http.client.HTTPConnection):
    """A connection to an address that was looked at, whatever the name leads to by now."""

    address = ""
    context: ssl.SSLContext | None = None
    late = False
    held: socket.socket | None = None
    """The socket; ``sock`` is let go when the answer begins."""

    def connect(self) -> None:
        """Connect to the address; a certificate is held to the name."""
        self.sock = self.held = socket.create_connection((self.address, self.port), self.timeout)
        if self.context is not None:
            self.sock = self.held = self.context.wrap_socket(self.sock, server_hostname=self.host)

    def give_up(self) -> None:
        """End it from another thread, also while the answer is read."""
        self.late = True
        if self.held is not None:
            with suppress(OSError):
                self.held.shutdown(socket.SHUT_RDWR)


def _connection(scheme: str, host: str, port: int, address: str, end: float) -> _Pinned:
    connection = _Pinned(host, port, timeout=max(end - time.monotonic(), 0.001))
    connection.address = address
    connection.context = ssl.create_default_context() if scheme == "https" else None
    return connection


def _address(host: str, port: int) -> str:
    """The address of a host that may be asked.

    A private one only where the host is that address itself, so that whoever named it meant it.

    Raises:
        BadInput: the name leads into a private network.
        Unreachable: it leads nowhere.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Unreachable(f"image_url: {host} has no address: {error}") from error
    addresses = [str(entry[4][0]) for entry in found]
    if addresses != [host] and not all(map(_public, addresses)):
        raise BadInput(
            f"image_url: {host} leads to {', '.join(sorted(set(addresses)))}, in no public "
            f"network; {HOSTS} can name that address itself"
        )
    return addresses[0]


def _public(address: str) -> bool:
    parsed = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(parsed, "ipv4_mapped", None)
    parsed = parsed if mapped is None else mapped
    return parsed.is_global and not parsed.is_multicast
