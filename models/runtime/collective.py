"""What the hosts of one training job say to each other: sums, and the leader's word.

A star, as a parameter server is one: each host sends its vector to the leader, which adds them in
the order of the hosts and sends the sum back. The order makes the sum, and so the model, the same
on every run. Small models on a few hosts gain nothing from a ring of them.

Frames are a length and bytes; nothing is unpickled. Who joins proves that it prepared the same fit:
on SageMaker the job's own network keeps strangers out, on one machine this does.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import socket
import struct
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from models.runtime.script_mode import Job

Vector = NDArray[np.float32]

TOGETHER_SECONDS = 900.0
"""How long the hosts wait for each other to come: each loads its channels first."""
SILENCE_SECONDS = 900.0
"""How long a host may say nothing; the leader measures the model between two epochs."""
GREETING_SECONDS = 10.0
LONGEST_WORD = 2**32
_GREETING = struct.Struct("!I32s")
_LENGTH = struct.Struct("!Q")


class HostLost(Exception):
    """Another host of the job is gone, says nothing, or fits something else."""


class Collective(ABC):
    """The hosts of a job, as one of them sees them.

    Args:
        rank: This host's place; 0 leads.
        size: How many there are.
    """

    def __init__(self, rank: int, size: int) -> None:
        self.rank = rank
        self.size = size

    @property
    def leads(self) -> bool:
        """Whether this host measures, keeps checkpoints and saves the model."""
        return self.rank == 0

    @abstractmethod
    def total(self, vector: Vector) -> Vector:
        """The sum of all hosts' vectors [n], the same on each; all must call it.

        Raises:
            HostLost: one of them is gone.
        """

    @abstractmethod
    def word(self, content: bytes) -> bytes:
        """What the leader says; all must call it, and what others hand over is not read.

        Raises:
            HostLost: one of them is gone.
        """

    @abstractmethod
    def close(self) -> None:
        """End the connections."""


class Alone(Collective):
    """A job of one host."""

    def __init__(self) -> None:
        super().__init__(0, 1)

    def total(self, vector: Vector) -> Vector:
        """The vector itself."""
        return vector

    def word(self, content: bytes) -> bytes:
        """The word itself."""
        return content

    def close(self) -> None:
        """Nobody to hang up on."""


class Leader(Collective):
    """The host that adds.

    Args:
        others: A connection to each other host, by name, in their order.
    """

    def __init__(self, others: Mapping[str, socket.socket]) -> None:
        super().__init__(0, 1 + len(others))
        self._others = {name: Connection(name, other) for name, other in others.items()}

    def total(self, vector: Vector) -> Vector:
        """This host's vector and all others', added in their order."""
        added = vector.astype(np.float32, copy=True)
        for other in self._others.values():
            added += other.vector(len(vector))
        content = added.tobytes()
        for other in self._others.values():
            other.send(content)
        return added

    def word(self, content: bytes) -> bytes:
        """Tell all others."""
        for other in self._others.values():
            other.send(content)
        return content

    def close(self) -> None:
        """Hang up on all others."""
        for other in self._others.values():
            other.close()


class Follower(Collective):
    """A host that is told.

    Args:
        rank: Its place, from 1.
        size: How many hosts there are.
        leader: The connection to the leader.
        name: The leader's name.
    """

    def __init__(self, rank: int, size: int, leader: socket.socket, name: str) -> None:
        super().__init__(rank, size)
        self._leader = Connection(name, leader)

    def greet(self, greeting: bytes) -> None:
        """Say who calls.

        Raises:
            HostLost: the leader is gone.
        """
        self._leader.send(greeting)

    def total(self, vector: Vector) -> Vector:
        """Send this host's vector, and hear the sum."""
        self._leader.send(vector.astype(np.float32, copy=False).tobytes())
        return self._leader.vector(len(vector))

    def word(self, _content: bytes) -> bytes:
        """Hear the leader."""
        return self._leader.receive(LONGEST_WORD)

    def close(self) -> None:
        """Hang up."""
        self._leader.close()


class Connection:
    """Frames to and from one host.

    Args:
        name: Its name, for what goes wrong.
        link: Connected.
    """

    def __init__(self, name: str, link: socket.socket) -> None:
        self._name = name
        self._link = link
        link.settimeout(SILENCE_SECONDS)
        # Vectors are answered at once: what waits for company delays every step.
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, content: bytes) -> None:
        """Send one frame.

        Raises:
            HostLost: the host is gone.
        """
        try:
            self._link.sendall(_LENGTH.pack(len(content)) + content)
        except OSError as error:
            raise self._lost(error) from error

    def receive(self, longest: int) -> bytes:
        """Wait for one frame of at most ``longest`` bytes.

        Raises:
            HostLost: the host is gone, was silent for too long, or sends more.
        """
        try:
            length = int(_LENGTH.unpack(exactly(self._link, _LENGTH.size))[0])
            if length > longest:
                raise HostLost(
                    f"{self._name} sends {length} bytes where at most {longest} are right: it fits "
                    "another model than this host"
                )
            return exactly(self._link, length)
        except OSError as error:
            raise self._lost(error) from error

    def vector(self, length: int) -> Vector:
        """Wait for ``length`` numbers.

        Raises:
            HostLost: the host is gone, was silent for too long, or sends another number of them.
        """
        content = self.receive(4 * length)
        if len(content) != 4 * length:
            raise HostLost(
                f"{self._name} sends {len(content) // 4} numbers where {length} are right: it fits "
                "another model than this host"
            )
        return np.frombuffer(content, np.float32)

    def close(self) -> None:
        """Hang up."""
        self._link.close()

    def _lost(self, error: OSError) -> HostLost:
        if isinstance(error, TimeoutError):
            return HostLost(f"nothing was heard of {self._name} for {SILENCE_SECONDS:.0f} s")
        return HostLost(f"{self._name} is gone ({error}); see its own log")


def exactly(connection: socket.socket, length: int) -> bytes:
    """``length`` bytes.

    Raises:
        ConnectionError: the other side hung up before.
        OSError: the connection broke.
    """
    content = bytearray(length)
    view, got = memoryview(content), 0
    while got < length:
        count = connection.recv_into(view[got:])
        if not count:
            raise ConnectionError("it hung up")
        got += count
    return bytes(content)


def join(job: Job, identity: str, seconds: float = TOGETHER_SECONDS) -> Collective:
    """Wait until all hosts of a job are there.

    Args:
        job: The job as this host sees it.
        identity: Hash of what is fitted; a host that prepared something else is refused.
        seconds: How long to wait for the others.

    Raises:
        HostLost: one did not come, or fits something else.
    """
    hosts = sorted(job.hosts)
    if len(hosts) == 1:
        return Alone()
    deadline = time.monotonic() + seconds
    if job.leads:
        return Leader(_gathered(job, hosts, identity, deadline))
    rank = hosts.index(job.host)
    follower = Follower(rank, len(hosts), _called(job, deadline), hosts[0])
    follower.greet(_greeting(job.name, rank, identity))
    return follower


def _greeting(job: str, rank: int, identity: str) -> bytes:
    proof = hmac.digest(f"{job}/{rank}".encode(), identity.encode(), hashlib.sha256)
    return _GREETING.pack(rank, proof)


def _gathered(
    job: Job, hosts: list[str], identity: str, deadline: float
) -> dict[str, socket.socket]:
    """A connection to each other host, by name, in their order."""
    came: dict[int, socket.socket] = {}
    with contextlib.ExitStack() as opened:
        # A name that means this machine is listened to on it alone; on SageMaker it is the job's.
        door = opened.enter_context(socket.create_server((job.leader_address, job.leader_port)))
        while len(came) < len(hosts) - 1:
            left = deadline - time.monotonic()
            if left <= 0:
                missing = [name for rank, name in enumerate(hosts) if rank and rank not in came]
                raise HostLost(f"{', '.join(missing)} did not come to fit the model together")
            door.settimeout(left)
            try:
                connection = opened.enter_context(door.accept()[0])
            except TimeoutError:
                continue
            rank = _rank_of(connection, job, len(hosts), identity)
            if rank is None:
                connection.close()
            else:
                came[rank] = connection
        opened.pop_all()
        door.close()
    return {hosts[rank]: came[rank] for rank in sorted(came)}


def _rank_of(connection: socket.socket, job: Job, size: int, identity: str) -> int | None:
    """Which host calls; None for who is none of the job.

    Raises:
        HostLost: a host of the job that prepared something else.
    """
    connection.settimeout(GREETING_SECONDS)
    try:
        length, greeting = exactly(connection, _LENGTH.size), exactly(connection, _GREETING.size)
    except OSError:
        return None
    rank = int(_GREETING.unpack(greeting)[0])
    if length != _LENGTH.pack(_GREETING.size) or not 0 < rank < size:
        return None
    if not hmac.compare_digest(greeting, _greeting(job.name, rank, identity)):
        raise HostLost(
            f"{sorted(job.hosts)[rank]} prepared other rows or hyperparameters than {job.host}: "
            "each host needs all rows of every channel (S3DataDistributionType FullyReplicated)"
        )
    return rank


def _called(job: Job, deadline: float) -> socket.socket:
    """A connection to the leader, however late it comes."""
    while True:
        try:
            return socket.create_connection((job.leader_address, job.leader_port), timeout=10.0)
        except OSError as error:
            if time.monotonic() > deadline:
                raise HostLost(
                    f"{min(job.hosts)} did not answer on {job.leader_address}:{job.leader_port} "
                    f"({error})"
                ) from error
            time.sleep(0.2)
