"""System calls that Python 3.11 has no function for, through ctypes, and the filter of those that a program is refused.

Numbers are the kernel's (arch/x86/entry/syscalls/syscall_64.tbl; include/uapi/asm-generic/unistd.h for aarch64), constants those of mount(2),
clone(2), prctl(2), seccomp(2) and mount_setattr(2).
"""

import ctypes
import errno
import os
import platform
import signal
from typing import NamedTuple

NEW_USER, NEW_MOUNTS, NEW_PIDS, NEW_NETWORK, NEW_IPC, NEW_NAMES = 0x10000000, 0x00020000, 0x20000000, 0x40000000, 0x08000000, 0x04000000
_NEW_ANYTHING = NEW_USER | NEW_MOUNTS | NEW_PIDS | NEW_NETWORK | NEW_IPC | NEW_NAMES | 0x02000000
NO_SETUID, NO_DEVICES, NO_PROGRAMS, BIND, RECURSIVE, PRIVATE = 0x2, 0x4, 0x8, 0x1000, 0x4000, 0x40000
_DEATH_SIGNAL, _DUMPABLE, _SECCOMP, _NO_NEW_PRIVILEGES = 1, 4, 22, 38
_FILTER_MODE, _DETACH, _HERE, _WHOLE_TREE, _READ_ONLY = 2, 2, -100, 0x8000, 0x1
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER_AT, _MACHINE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16
_AF_UNIX = 1
_FOREIGN_NUMBERS = 0x40000000
"""From here on x86-64 counts calls of another convention (x32), under which each refused call has a second number."""

_NUMBERS = {
    "clone": (56, 220), "clone3": (435, 435), "socket": (41, 198), "pivot_root": (155, 41), "mount_setattr": (442, 442),
    # other namespaces and mounts: a memory-backed file system of any size, and much of the kernel to attack
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39), "chroot": (161, 51), "open_tree": (428, 428),
    "move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433),
    "open_by_handle_at": (304, 265),
    # memory outside of the limit of address space
    "shmget": (29, 194), "msgget": (68, 186), "semget": (64, 190), "mq_open": (240, 180), "memfd_create": (319, 279), "memfd_secret": (447, 447),
    # other processes, keys, and parts of the kernel with a history of holes
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "pidfd_getfd": (438, 438), "kcmp": (312, 272),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219), "bpf": (321, 280), "perf_event_open": (298, 241),
    "userfaultfd": (323, 282), "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
}  # fmt: skip
_HANDLED_APART = {"clone", "clone3", "socket"}
_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}


class _Step(ctypes.Structure):
    _fields_ = (("code", ctypes.c_ushort), ("if_so", ctypes.c_ubyte), ("if_not", ctypes.c_ubyte), ("value", ctypes.c_uint))


class _Filter(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.POINTER(_Step)))


class _MountAttributes(ctypes.Structure):
    _fields_ = (("set", ctypes.c_uint64), ("clear", ctypes.c_uint64), ("propagation", ctypes.c_uint64), ("users", ctypes.c_uint64))


class Kernel(NamedTuple):
    """The system calls of this machine; each raises OSError as the functions of ``os`` do, naming the call."""

    libc: ctypes.CDLL
    column: int
    machine: int

    def unshare(self, namespaces: int) -> None:
        """Put this process into new namespaces."""
        _checked("unshare", self.libc.unshare(namespaces))

    def fork_into(self, namespaces: int) -> int:
        """Fork into new namespaces; returns as ``os.fork`` does. Python's own notice of a fork is left out: the caller has one thread."""
        return _checked("clone", self._call("clone", namespaces | signal.SIGCHLD, 0, 0, 0, 0))

    def mount(self, source: str, target: str, kind: str | None, flags: int, options: str = "") -> None:
        """Mount ``source`` on ``target``."""
        words = (source.encode(), target.encode(), kind.encode() if kind else None, ctypes.c_ulong(flags), options.encode())
        _checked(f"mount of {source} on {target}", self.libc.mount(*words))

    def make_root(self, folder: str) -> None:
        """Make a mounted folder the root of this mount namespace, all of it read-only, and let go of all other mounts."""
        os.chdir(folder)
        _checked("pivot_root", self._call("pivot_root", b".", b"."))
        _checked("umount of the host's root", self.libc.umount2(b".", _DETACH))
        os.chdir("/")
        wanted = _MountAttributes(_READ_ONLY | NO_SETUID, 0, 0, 0)
        size = ctypes.c_size_t(ctypes.sizeof(wanted))
        _checked("mount_setattr", self._call("mount_setattr", _HERE, b"/", _WHOLE_TREE, ctypes.byref(wanted), size))

    def die_with_parent(self) -> None:
        """Have this process killed when the thread that started it ends; a change of user undoes this."""
        _checked("prctl", self.libc.prctl(_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0))

    def hide_memory(self) -> None:
        """Let no process of the same user look into this one."""
        _checked("prctl", self.libc.prctl(_DUMPABLE, 0, 0, 0, 0))

    def refuse_calls(self) -> None:
        """Refuse this process and all it will start the calls above, sockets but local ones, and any gain of privileges, for good."""
        steps = self._filter()
        whole = _Filter(len(steps), (_Step * len(steps))(*(_Step(*step) for step in steps)))
        _checked("prctl", self.libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
        _checked("seccomp", self.libc.prctl(_SECCOMP, _FILTER_MODE, ctypes.byref(whole), 0, 0))

    def _call(self, name: str, *arguments: object) -> int:
        return self.libc.syscall(ctypes.c_long(_NUMBERS[name][self.column]), *arguments)

    def _filter(self) -> list[tuple[int, int, int, int]]:
        """Return the steps of the filter as (code, steps to skip if so, if not, value)."""
        refuse, allow = (_RETURN, 0, 0, _REFUSE | errno.EPERM), (_RETURN, 0, 0, _ALLOW)
        number = {name: numbers[self.column] for name, numbers in _NUMBERS.items()}
        steps = [(_LOAD, 0, 0, _MACHINE_AT), (_EQUAL, 1, 0, self.machine), (_RETURN, 0, 0, _KILL), (_LOAD, 0, 0, _NUMBER_AT)]
        steps += [(_AT_LEAST, 0, 1, _FOREIGN_NUMBERS), refuse]
        for name in number.keys() - _HANDLED_APART:
            steps += [(_EQUAL, 0, 1, number[name]), refuse]
        # the C library asks clone, whose flags a filter can read, where clone3 is said to be missing
        steps += [(_EQUAL, 0, 1, number["clone3"]), (_RETURN, 0, 0, _REFUSE | errno.ENOSYS)]
        steps += [(_EQUAL, 0, 4, number["clone"]), (_LOAD, 0, 0, _FIRST_ARGUMENT_AT), (_ANY_BIT, 0, 1, _NEW_ANYTHING), refuse, allow]
        steps += [(_EQUAL, 0, 4, number["socket"]), (_LOAD, 0, 0, _FIRST_ARGUMENT_AT), (_EQUAL, 1, 0, _AF_UNIX), refuse, allow]
        return [*steps, allow]


def this_kernel() -> Kernel:
    """Return the system calls of this machine.

    Raises:
        OSError: it is no Linux on x86-64 or aarch64.
    """
    if platform.system() != "Linux" or platform.machine() not in _MACHINES:
        raise OSError(errno.ENOSYS, f"programs are held on Linux on {' or '.join(_MACHINES)}, not on {platform.system()} on {platform.machine()}")
    return Kernel(ctypes.CDLL(None, use_errno=True), *_MACHINES[platform.machine()])


def _checked(name: str, result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), f"{os.strerror(ctypes.get_errno())} ({name})")
    return result
