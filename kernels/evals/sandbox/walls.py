"""What a program sees: a root of its own in memory, with the interpreter, its libraries and two devices, read-only; and one folder to write to.

There is no ``/proc``, no ``/etc`` but the linker's cache, no home. The keeper builds the root once and lives in it; each program then gets new
namespaces of users, mounts, processes, network (whose loopback is down), IPC and names, where it is an unprivileged user.
"""

import os
import resource
import sys
from pathlib import Path

from kernels.evals.sandbox.limits import Limits
from kernels.evals.sandbox.system_calls import (
    BIND,
    NEW_IPC,
    NEW_MOUNTS,
    NEW_NAMES,
    NEW_NETWORK,
    NEW_PIDS,
    NEW_USER,
    NO_DEVICES,
    NO_PROGRAMS,
    NO_SETUID,
    PRIVATE,
    RECURSIVE,
    Kernel,
)

WORKING_FOLDER = "/tmp"
NAMESPACES = NEW_USER | NEW_MOUNTS | NEW_PIDS | NEW_NETWORK | NEW_IPC | NEW_NAMES
NOBODY = 65534
_BUILT_ON = "/sys"
"""A folder that every Linux has and no interpreter lives in: the new root is mounted on it before it becomes the root."""
_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64")
_SINGLE_FILES = ("/etc/ld.so.cache", "/dev/null", "/dev/urandom")
_NUM_OPEN_FILES = 64
_NUM_INODES = 4096


def interpreter() -> str:
    """Return the path of the interpreter behind any virtual environment."""
    return str(Path(sys.executable).resolve())


def enter(kernel: Kernel) -> int:
    """Move this process into a root that shows no more than a program may see; return which user of its own it makes a program's user.

    Raises:
        OSError: the kernel refuses, or something that is needed is missing.
    """
    user = NOBODY
    try:
        kernel.unshare(NEW_MOUNTS)
        os.setgroups([])
    except PermissionError:
        users, groups = os.geteuid(), os.getegid()
        kernel.unshare(NEW_USER | NEW_MOUNTS)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {users} 1")
        Path("/proc/self/gid_map").write_text(f"0 {groups} 1")
        user = 0
    kernel.mount("none", "/", None, RECURSIVE | PRIVATE)
    kernel.mount("tmpfs", _BUILT_ON, "tmpfs", NO_SETUID | NO_DEVICES, "mode=755,size=1m")
    _show(kernel, _LIBRARIES)
    _show(kernel, sorted({f"{sys.base_prefix}/lib", f"{sys.base_prefix}/{sys.platlibdir}", interpreter()}))
    _show(kernel, _SINGLE_FILES)
    Path(_BUILT_ON + WORKING_FOLDER).mkdir(parents=True, exist_ok=True)
    kernel.make_root(_BUILT_ON)
    return user


def _show(kernel: Kernel, paths: list[str] | tuple[str, ...]) -> None:
    """Show paths of the host that exist in the new root, where they are not shown yet; links stay links."""
    for path in map(Path, paths):
        shown = Path(_BUILT_ON + str(path))
        if not path.exists() or shown.exists() or shown.is_symlink():
            continue
        shown.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink():
            shown.symlink_to(path.readlink())
            continue
        if path.is_dir():
            shown.mkdir()
        else:
            shown.touch()
        kernel.mount(str(path), str(shown), None, BIND | RECURSIVE)


def give_user(processes: int, pid: int, user: int) -> None:
    """Make ``user`` of this process's namespace the nobody of the namespace of process ``pid``; ``processes`` is an open ``/proc``."""
    for name in ("uid_map", "gid_map"):
        opened = os.open(f"{pid}/{name}", os.O_WRONLY, dir_fd=processes)
        try:
            os.write(opened, f"{NOBODY} {user} 1".encode())
        finally:
            os.close(opened)


def settle(kernel: Kernel, limits: Limits) -> None:
    """Turn the first process of new namespaces into nobody, in a session of its own, in an empty folder that is limited in size."""
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    kernel.hide_memory()
    kernel.die_with_parent()
    os.setsid()
    options = f"size={limits.file_bytes},nr_inodes={_NUM_INODES},mode=700"
    kernel.mount("tmpfs", WORKING_FOLDER, "tmpfs", NO_SETUID | NO_DEVICES | NO_PROGRAMS, options)
    os.chdir(WORKING_FOLDER)


def limit(limits: Limits) -> None:
    """Limit this process and all it will start; a limit that stands lower already stays."""
    # SIGXCPU comes at the lower limit and can be told from other deaths; who ignores it is killed a second later
    _lower(resource.RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + 1)
    _lower(resource.RLIMIT_AS, limits.address_space_bytes, limits.address_space_bytes)
    _lower(resource.RLIMIT_FSIZE, limits.file_bytes, limits.file_bytes)
    # the first process of the namespace counts, too
    _lower(resource.RLIMIT_NPROC, limits.num_processes + 1, limits.num_processes + 1)
    _lower(resource.RLIMIT_NOFILE, _NUM_OPEN_FILES, _NUM_OPEN_FILES)
    _lower(resource.RLIMIT_CORE, 0, 0)


def _lower(kind: int, soft: int, hard: int) -> None:
    stands = resource.getrlimit(kind)[1]
    if stands != resource.RLIM_INFINITY:
        soft, hard = min(soft, stands), min(hard, stands)
    resource.setrlimit(kind, (soft, hard))
