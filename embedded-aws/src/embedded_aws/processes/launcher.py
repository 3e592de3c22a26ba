"""First breath of a job or serving process: die with the parent, then become the program.

Run as ``python launcher.py <parent pid> [--no-network] [--opt-ml <folder>] <program> …``. A
``preexec_fn`` would do the same, but runs Python between fork and exec of a process with many
threads, which can deadlock.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys

TYPE_CHECKING = False  # without the import of typing, for which every process would wait
if TYPE_CHECKING:
    from collections.abc import Callable

PR_SET_PDEATHSIG = 1
CLONE_NEWUSER, CLONE_NEWNET, CLONE_NEWNS = 0x10000000, 0x40000000, 0x00020000
MS_BIND, MS_REC = 4096, 16384
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
NO_NETWORK, OPT_ML = "--no-network", "--opt-ml"
CONTAINER = "/opt/ml"
"""Where containers of SageMaker have their folder."""
OPEN = (
    "EnableNetworkIsolation: the network stays open here, since this system makes no network "
    "namespaces ({}). On AWS the container would have none."
)


def main() -> None:
    """Tie this process to its parent's life and exec the program."""
    parent, *command = sys.argv[1:]
    network, folder = True, ""
    if command[0] == NO_NETWORK:
        network, command = False, command[1:]
    if command[0] == OPT_ML:
        folder, command = command[1], command[2:]
    if not network:
        try:
            rehearsed(leave_network)
        except OSError as error:
            sys.stdout.write(f"{OPEN.format(error)}\n")
            sys.stdout.flush()
    if folder:
        # Where it is not to be had, programs still have the variables that name the folder.
        with contextlib.suppress(OSError):
            rehearsed(lambda: move_in(folder))
    if sys.platform == "linux":  # after the namespaces: a change of rights takes the wish away
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(parent):
        sys.exit("the embedded AWS ended before this process began")
    os.execvpe(command[0], command, os.environ)  # noqa: S606  no shell is wanted


def rehearsed(act: Callable[[], None]) -> None:
    """Do something to this process that a child of it could do.

    Half of it, as where a system makes namespaces and lets us map nobody into them, would leave a
    process that is nobody and can read nothing.

    Raises:
        OSError: the child could not.
    """
    child = os.fork()
    if child == 0:
        try:
            act()
        except OSError as error:
            os._exit(error.errno or 1)
        except BaseException:  # noqa: BLE001  a child of two lines ends here, whatever it met
            os._exit(1)
        os._exit(0)
    number = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if number:
        raise OSError(number, os.strerror(number))
    act()


def leave_network() -> None:
    """Go into a network namespace that holds a loopback of its own, and nothing else.

    Raises:
        OSError: the system has none, or lets us make none.
    """
    # Each process of ours begins here, and most of them keep their network: they do not wait.
    import fcntl
    import socket
    import struct

    separate(CLONE_NEWNET)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh", b"lo", IFF_UP))


def move_in(folder: str) -> None:
    """Let this process, and what it starts, find a folder at ``/opt/ml``; nobody else sees it.

    ``/opt`` becomes a folder of this process's own, in which the system's is seen. It takes its
    place when it is whole, so that a refusal on the way changes nothing.

    Args:
        folder: What ``/opt/ml`` shall be; a new neighbour of it holds the place of ``/opt``.

    Raises:
        OSError: the system has no namespaces, lets us make none, or has no ``/opt``.
    """
    opt, name = os.path.split(CONTAINER)
    others = [entry for entry in os.listdir(opt) if entry != name]
    separate(CLONE_NEWNS)
    made = f"{folder}.opt"
    os.makedirs(made, exist_ok=True)
    mount("tmpfs", made, "tmpfs", 0)
    os.mkdir(f"{made}/{name}")
    mount(folder, f"{made}/{name}", "", MS_BIND | MS_REC)
    for entry in others:
        show(f"{opt}/{entry}", f"{made}/{entry}")
    mount(made, opt, "", MS_BIND | MS_REC)


def show(source: str, target: str) -> None:
    """Let a file, a folder or a link be seen elsewhere, too."""
    if os.path.islink(source):
        os.symlink(os.readlink(source), target)
        return
    if os.path.isdir(source):
        os.mkdir(target)
    else:
        os.close(os.open(target, os.O_CREAT))
    mount(source, target, "", MS_BIND | MS_REC)


def separate(kinds: int) -> None:
    """Go into namespaces of one's own, as the user that one is.

    Raises:
        OSError: the system has none, or lets us make none.
    """
    if sys.platform != "linux":
        raise OSError(f"{sys.platform} has none")
    system, user, group = ctypes.CDLL(None, use_errno=True), os.getuid(), os.getgid()
    if system.unshare(CLONE_NEWUSER | kinds):
        raise failed()
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def mount(source: str, target: str, kind: str, flags: int) -> None:
    """Mount a file system, or bind what there is to a second place.

    Raises:
        OSError: the system refuses.
    """
    system = ctypes.CDLL(None, use_errno=True)
    if system.mount(source.encode(), target.encode(), kind.encode(), flags, None):
        raise failed()


def failed() -> OSError:
    """What the last call of the system met."""
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))


if __name__ == "__main__":
    main()
