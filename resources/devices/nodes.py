"""Several machines at one job: a run announces in a folder that all of them see how it is reached, and those that join bring their devices.

The folder is the home's, on a file system that nodes share, as the lake and scratch folders are. What is announced holds a secret that who joins must
know, and can be read by its owner alone. Nodes are given their devices in the order of their names, whichever run asks, so that no two runs wait for
each other. A node is lost with its connection, and the job with any of them.
"""

import fcntl
import json
import os
import secrets
import signal
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from functools import partial
from multiprocessing import connection
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from resources.devices.launchers import Fault
from resources.devices.leases import Lease, lease_devices
from resources.devices.lines import Line

NODE = "MILL_NODE"
"""Environment variable that names this node where its host's name does not."""
HANDSHAKE_SECONDS = 5.0
_ADDRESS_OF_INTERFACE = 0x8915  # SIOCGIFADDR (netdevice(7))


def node_name() -> str:
    """Return what this machine is called among those that share a home."""
    return os.environ.get(NODE) or socket.gethostname()


class Node:
    """Another machine that has joined a run."""

    def __init__(self, name: str, line: Line) -> None:
        """Take one that has said who it is."""
        self.name, self._line, self._fault = name, line, ""

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when all of its processes have ended, one has failed, or the node is gone."""
        return self._line.fileno()

    @property
    def address_of_run(self) -> str:
        """Where the node reaches this machine."""
        return self._line.address

    def lease(self, num_devices: int, whose: str, device: str) -> None:
        """Have the node hold devices, however long it waits for them. Raises RuntimeError: it cannot, or is gone."""
        self._line.send(do="lease", num_devices=num_devices, whose=whose, device=device)
        told = self._line.receive()
        if told is None or told.get("fault"):
            raise RuntimeError(f"node {self.name}: {(told or {}).get('fault') or 'it is gone'}")

    def run(self, module: str, job: Path, first_rank: int, num_processes: int) -> None:
        """Have it start its processes."""
        self._line.send(do="run", module=module, job=str(job), first_rank=first_rank, num_processes=num_processes)

    def fault(self) -> Fault | None:
        """Return why its processes failed, None where they ended well; to be asked when it is ready."""
        told = self._line.receive()
        if told is None:
            return Fault(-signal.SIGKILL, "it is gone, and its processes with it")
        return Fault(int(told.get("code", 1)), str(told["fault"])) if told.get("fault") else None


class Started(Protocol):
    """Whoever has other machines join a run, while they are waited for."""

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when it has ended, and no more will join."""
        ...

    def fault(self) -> str:
        """Return why it ended."""
        ...


class Starter(Protocol):
    """Has other machines join a run that waits for them (resources/engines/joining.py), and ends what it started when the run does."""

    def __call__(self, announced: Path, leases: Path, num_nodes: int, num_devices: int, device: str) -> AbstractContextManager[Started]:
        """Begin: so many nodes with so many devices each are to join the run that is announced in a file."""
        ...


class Crew(NamedTuple):
    """Who does a job: processes of this machine, each with its device, and those of other nodes, as many each."""

    leases: list[Lease]
    nodes: list[Node]
    meeting_host: str
    """Where processes of other nodes reach the first process; empty where there are none."""

    @property
    def num_processes(self) -> int:
        """Of all nodes."""
        return len(self.leases) * (1 + len(self.nodes))


@contextmanager
def gathered_crew(
    announced: Path, leases: Path, gpus: list[str], num_processes: int, num_nodes: int, whose: str, starter: Starter | None = None
) -> Iterator[Crew]:
    """Hold devices for so many processes, on this machine and as many others as are asked for, who are waited for.

    Args:
        announced: folder that all nodes see, where a run says how it is reached.
        leases: folder of the locks, of all nodes.
        gpus: of this machine.
        num_processes: in all.
        num_nodes: that have as many of them each.
        whose: what is made.
        starter: has the others join; None where somebody lets `mill join` run on them.

    Raises:
        RuntimeError: a node has too few devices, other ones, or is gone (names it), or none can be started.
    """
    each, device = num_processes // num_nodes, "cuda" if gpus else "cpu"
    with ExitStack() as held:
        nodes: list[Node] = []
        if num_nodes > 1:
            start = None if starter is None else partial(starter, leases=leases, num_nodes=num_nodes - 1, num_devices=each, device=device)
            nodes = held.enter_context(_joined(announced, num_nodes - 1, whose, start))
        own: list[Lease] = []
        for name in sorted([node_name(), *(node.name for node in nodes)]):
            if name == node_name():
                own = held.enter_context(lease_devices(leases / name, gpus, each, whose))
            else:
                next(node for node in nodes if node.name == name).lease(each, whose, device)
        yield Crew(own, nodes, nodes[0].address_of_run if nodes else "")


@contextmanager
def _joined(announced: Path, count: int, whose: str, start: Callable[[Path], AbstractContextManager[Started]] | None) -> Iterator[list[Node]]:
    """Announce a run and return so many nodes that joined it, by name."""
    announced.mkdir(parents=True, exist_ok=True)
    token, nodes = secrets.token_hex(16), dict[str, Node]()
    with ExitStack() as held:
        server = held.enter_context(socket.create_server(("", 0)))
        path = announced / f"{secrets.token_hex(8)}.json"
        stream = held.enter_context(os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w"))
        held.callback(path.unlink, missing_ok=True)
        fcntl.flock(stream, fcntl.LOCK_EX)
        json.dump({"addresses": own_addresses(), "port": server.getsockname()[1], "token": token, "whose": whose}, stream)
        stream.flush()
        others = f"{count} other node{'s' if count > 1 else ''}"
        print(f"{whose} waits for {others}" + ("; run `mill join` on each, with the same home" if start is None else ", which are started"))
        started = [] if start is None else [held.enter_context(start(path))]
        while len(nodes) < count:
            if server.fileno() not in connection.wait([server.fileno(), *(each.fileno() for each in started)]):
                raise RuntimeError(f"of {others} {len(nodes)} joined: {started[0].fault()}")
            line = Line(server.accept()[0])
            if (name := _handshake(line, token, {node_name(), *nodes})) is not None:
                nodes[name] = Node(name, line)
                held.callback(line.close)
        path.unlink()  # it is complete
        yield [nodes[name] for name in sorted(nodes)]


def _handshake(line: Line, token: str, taken: set[str]) -> str | None:
    """Return the name of who joins, None where it is not let in."""
    told = line.receive(HANDSHAKE_SECONDS) or {}
    name = told.get("node")
    if not secrets.compare_digest(str(told.get("token")), token) or not isinstance(name, str):
        fault = "it does not know the secret"
    elif name in taken:
        fault = f"a node named {name} is there already; let {NODE} name this one otherwise"
    else:
        with suppress(OSError):
            line.send(welcome=True)
            return name
        fault = "it is gone"
    with suppress(OSError):
        line.send(fault=fault)
    line.close()
    return None


def own_addresses() -> list[str]:
    """Return the IPv4 addresses of this machine, those by which it speaks to itself last."""
    found = [address for _, address in _interfaces()]
    return sorted(found, key=lambda address: address.startswith("127."))


def interface_of(address: str) -> str | None:
    """Return the network interface that has an address, None where none has."""
    return next((name for name, own in _interfaces() if own == address), None)


def network_environment(address: str) -> dict[str, str]:
    """Return what processes are told so that they speak to other nodes by the interface that has an address."""
    name = interface_of(address)
    return {} if name is None else {"GLOO_SOCKET_IFNAME": name, "NCCL_SOCKET_IFNAME": name}


def _interfaces() -> Iterator[tuple[str, str]]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        for _, name in socket.if_nameindex():
            with suppress(OSError):
                told: Any = fcntl.ioctl(asked, _ADDRESS_OF_INTERFACE, struct.pack("256s", name.encode()[:15]))
                yield name, socket.inet_ntoa(told[20:24])
