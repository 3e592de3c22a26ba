"""The way into a place apart: ``python -I -S apart.py <order> <command…>``; see `isolation`.

Runs as the first process of namespaces that `unshare` has made, with every right in them. It covers
what shall not be seen, makes the whole tree read-only but for some folders, and starts the command
without any right: whoever made the covers could lift them again. In namespaces that the command
makes itself Linux lets it lift none of them, nor write (mount_namespaces(7), "locked").
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import signal
import sys
from pathlib import Path

SYS_MOUNT_SETATTR = 442
"""The same number on every architecture; Linux has it from 5.12 on."""
AT_FDCWD, AT_RECURSIVE = -100, 0x8000
MOUNT_ATTR_RDONLY = 1
MS_BIND, MS_REC = 4096, 16384
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 24, 38
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
RIGHTS = 64
"""More than Linux has."""
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  covered below, not used
NOT_FOUND = 127
SIGNALLED = 128
"""A shell adds the number of the signal that ended its command to this; so do we."""


class _MountAttributes(ctypes.Structure):
    _fields_ = (
        ("attr_set", ctypes.c_uint64),
        ("attr_clr", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns_fd", ctypes.c_uint64),
    )


def main() -> int:
    """Do as the order says, and run the command; its status as a shell would tell it."""
    order, command = json.loads(sys.argv[1]), sys.argv[2:]
    writable = [Path(path) for path in order["writable"]]
    for path in writable:
        _mount(str(path), path, None, MS_BIND | MS_REC)
    if SHARED_MEMORY.is_dir():
        _mount("tmpfs", SHARED_MEMORY, "tmpfs")
        writable.append(SHARED_MEMORY)
    for path in (Path(name) for name in order["hidden"]):
        if path.is_dir():
            _mount("tmpfs", path, "tmpfs")
        else:
            _mount("/dev/null", path, None, MS_BIND)
    _write_only_in(writable)
    if order["loopback"]:
        _wake_loopback()
    child = os.fork()
    if child == 0:
        os.setsid()  # no terminal into which it could type
        for number in (
            signal.SIGPIPE,
            signal.SIGXFSZ,
        ):  # Python ignores them, and would hand that on
            signal.signal(number, signal.SIG_DFL)
        _forgo_rights()
        try:
            os.execvp(command[0], command)  # noqa: S606  what the caller gave, word by word
        except OSError as error:
            print(f"{command[0]}: {error.strerror}", file=sys.stderr, flush=True)
            os._exit(NOT_FOUND)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status if status >= 0 else SIGNALLED - status


def _mount(source: str, target: Path, kind: str | None, flags: int = 0) -> None:
    kind_name = None if kind is None else kind.encode()
    if _libc.mount(source.encode(), os.fsencode(target), kind_name, flags, None):
        _fail(f"mount {target}")


def _write_only_in(writable: list[Path]) -> None:
    """Make the tree read-only but for some mounts; a Linux without the call leaves it writable."""
    read_only = _MountAttributes(attr_set=MOUNT_ATTR_RDONLY)
    if not _set_attributes(Path("/"), AT_RECURSIVE, read_only):
        return
    for path in writable:
        _set_attributes(path, 0, _MountAttributes(attr_clr=MOUNT_ATTR_RDONLY))


def _set_attributes(path: Path, flags: int, attributes: _MountAttributes) -> bool:
    size = ctypes.sizeof(attributes)
    arguments = (AT_FDCWD, os.fsencode(path), flags, ctypes.byref(attributes), size)
    if _libc.syscall(SYS_MOUNT_SETATTR, *arguments):
        if ctypes.get_errno() == errno.ENOSYS:
            return False
        _fail(f"mount_setattr {path}")
    return True


def _wake_loopback() -> None:
    import fcntl
    import socket
    import struct

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh", b"lo", IFF_UP))


def _forgo_rights() -> None:
    """Nothing that this process, or what it starts, executes gets a right any more."""
    if _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        _fail("PR_SET_NO_NEW_PRIVS")
    for right in range(RIGHTS):
        if _libc.prctl(PR_CAPBSET_DROP, right, 0, 0, 0):
            if ctypes.get_errno() == errno.EINVAL and right > 0:
                return  # Linux has no more of them
            _fail(f"PR_CAPBSET_DROP {right}")


def _fail(what: str) -> None:
    number = ctypes.get_errno()
    raise OSError(number, f"{what}: {os.strerror(number)}")


if __name__ == "__main__":
    _libc = ctypes.CDLL(None, use_errno=True)
    sys.exit(main())
