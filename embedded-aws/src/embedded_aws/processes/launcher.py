"""First breath of a job or serving process: die with the parent, then become the program.

Run as ``python launcher.py <parent pid> [--no-network] <program> <arguments>``. A ``preexec_fn``
would do the same, but runs Python between fork and exec of a process with many threads, which can
deadlock.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
NO_NETWORK = "--no-network"
OPEN = (
    "EnableNetworkIsolation: the network stays open here, since this system makes no network "
    "namespaces ({}). On AWS the container would have none."
)


def main() -> None:
    """Tie this process to its parent's life and exec the program."""
    parent, *command = sys.argv[1:]
    if command[0] == NO_NETWORK:
        command = command[1:]
        try:
            leave_network()
        except OSError as error:
            sys.stdout.write(f"{OPEN.format(error)}\n")
            sys.stdout.flush()
    if sys.platform == "linux":  # after the namespaces: a change of rights takes the wish away
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(parent):
        sys.exit("the embedded AWS ended before this process began")
    os.execvpe(command[0], command, os.environ)  # noqa: S606  no shell is wanted


def leave_network() -> None:
    """Go into a network namespace that holds a loopback of its own, and nothing else.

    Raises:
        OSError: the system has none, or lets us make none.
    """
    # Each process of ours begins here, and most of them keep their network: they do not wait.
    import fcntl
    import socket
    import struct
    from pathlib import Path

    if sys.platform != "linux":
        raise OSError(f"{sys.platform} has none")
    system, user, group = ctypes.CDLL(None, use_errno=True), os.getuid(), os.getgid()
    if system.unshare(CLONE_NEWUSER | CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh", b"lo", IFF_UP))


if __name__ == "__main__":
    main()
