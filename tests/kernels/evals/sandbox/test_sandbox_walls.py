"""What a hostile program must neither see nor reach: files, environment, network, other processes, privileges."""

import os
import socket
import sys
from pathlib import Path

import pytest

REFUSED = "try:\n {}\nexcept OSError as error: print(type(error).__name__)\nelse: raise AssertionError('done')"


def test_a_secret_file_of_the_parent_is_not_there(run, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("open")
    secret.chmod(0o644)
    assert run(f"open({str(secret)!r})").output.splitlines()[-1].startswith("FileNotFoundError")


@pytest.mark.parametrize("path", ["/etc/passwd", "/proc/self", "/proc/1/environ", "/home", "/sys/kernel", "/dev/shm", "/var", "/mnt"])
def test_the_hosts_files_are_not_there(run, path: str):
    assert run(f"import os; assert not os.path.exists({path!r}); os.stat('/')").passed


def test_the_root_holds_but_the_interpreter_and_its_libraries(run):
    assert run("import os; print(*os.listdir('/'))").passed
    shown = set(run("import os; print(*os.listdir('/'))").output.split())
    assert shown <= {"tmp", "dev", "etc", "lib", "lib64", "usr", Path(sys.base_prefix).parts[1]}


def test_no_open_file_of_the_parent_is_inherited(run, tmp_path):
    program = """
        import os
        opened = []
        for end in range(1000):
            try: os.fstat(end); opened.append(end)
            except OSError: pass
        assert opened == [0, 1, 2, 3], opened
    """
    with (tmp_path / "open").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        assert run(program) == (True, "passed", "")


def test_the_parents_environment_is_not_there(run, monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "open")
    assert run("import os; print(*sorted(os.environ))").output == "LANG PYTHONHASHSEED\n"


@pytest.mark.parametrize("path", ["/usr/lib/planted", "/planted", "/dev/planted", os.__file__])
def test_nothing_outside_the_working_folder_can_be_written(run, path: str):
    assert run(REFUSED.format(f"open({path!r}, 'a')")).output in {"OSError\n", "PermissionError\n"}


def test_every_mount_but_the_working_folder_is_read_only(run):
    program = """
        import os, sys
        shown = {path: bool(os.statvfs(path).f_flag & os.ST_RDONLY) for path in ("/", "/usr/lib", "/dev/null", os.__file__, sys.executable, "/tmp")}
        assert [path for path, read_only in shown.items() if not read_only] == ["/tmp"], shown
    """
    assert run(program) == (True, "passed", "")


def test_the_working_folder_is_empty_each_time_and_may_be_written(run):
    program = "import os, tempfile; assert os.listdir() == []; open('mine', 'w').write('x'); tempfile.TemporaryFile().close()"
    assert run(program).passed
    assert run(program).passed


def test_a_listener_of_the_parent_cannot_be_reached_by_tcp(run):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert run(REFUSED.format(f"import socket; socket.create_connection({listener.getsockname()})")).passed
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_a_listener_of_the_parent_cannot_be_reached_by_udp(run):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        send = f"import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', {listener.getsockname()})"
        assert run(REFUSED.format(send)).passed
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.recv(1)


@pytest.mark.parametrize("abstract", [False, True])
def test_a_local_socket_of_the_parent_cannot_be_reached(run, tmp_path, abstract: bool):
    address = f"\0{tmp_path}" if abstract else str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        assert run(REFUSED.format(f"import socket; socket.socket(socket.AF_UNIX).connect({address!r})")).passed


def test_a_pair_of_sockets_within_the_program_works(run):
    assert run("import asyncio; assert asyncio.run(asyncio.sleep(0, 'slept')) == 'slept'").passed


def test_the_parent_cannot_be_killed(run):
    assert run(REFUSED.format(f"import os; os.kill({os.getpid()}, 9)")).output == "ProcessLookupError\n"


def test_killing_all_processes_kills_none_of_ours(run):
    assert run("import os\ntry: os.kill(-1, 9)\nexcept OSError: pass").passed


def test_the_first_process_of_the_namespace_cannot_be_killed(run):
    assert run("import os, time\nfor number in (2, 9, 15, 19): os.kill(1, number)\ntime.sleep(0.2)").passed


def test_a_program_is_nobody_without_any_privilege(run):
    program = """
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        held = (ctypes.c_uint * 6)()
        assert libc.capget((ctypes.c_uint * 2)(0x20080522, 0), held) == 0 and not any(held), list(held)
        assert libc.prctl(39, 0, 0, 0, 0) == 1  # PR_GET_NO_NEW_PRIVS
        assert os.getresuid() == (65534,) * 3 and os.getresgid() == (65534,) * 3
        assert os.getsid(0) == 1
        try: os.setuid(0)
        except OSError: pass
        else: raise AssertionError
    """
    assert run(program) == (True, "passed", "")


@pytest.mark.parametrize(
    "call",
    ["unshare(0x10000000)", "mount(b'tmpfs', b'/tmp', b'tmpfs', 0, 0)", "umount2(b'/tmp', 2)", "ptrace(16, 1, 0, 0)", "shmget(0, 4096, 0o1600)",
     "memfd_create(b'', 0)", "socket(40, 1, 0)", "syscall(56 if __import__('platform').machine() == 'x86_64' else 220, 0x10000011, 0, 0, 0, 0)"],
)  # fmt: skip
def test_calls_that_lead_out_or_around_the_limits_are_refused(run, call: str):
    program = f"import ctypes, errno; libc = ctypes.CDLL(None, use_errno=True); assert libc.{call} == -1; assert ctypes.get_errno() == errno.EPERM"
    assert run(program) == (True, "passed", "")
