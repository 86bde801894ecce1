"""Resuming: the newest state that agrees with its seal, and a word about each that does not."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from kernels.training.states.journal import Journal
from kernels.training.states.resume import TrainingState, load_state, newest_intact, save_state, seal


def save(folder: Path, *steps: int) -> None:
    import torch

    for step in steps:
        save_state(folder, TrainingState(step, {"weight": torch.full((4, 4), float(step))}, numbers={"best": None, "rate": 0.1}))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


def rename_in_seal(path: Path) -> None:
    path.write_text(path.read_text().replace("numbers.json", "nambers.json"))


def test_a_state_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    save(tmp_path, 3)
    state = load_state(tmp_path, pytest.fail)
    assert state is not None
    assert (state.step, state.tensors["weight"].tolist(), state.numbers) == (3, [[3.0] * 4] * 4, {"best": None, "rate": 0.1})


def test_a_folder_without_states_has_nothing_to_say(tmp_path: Path) -> None:
    assert load_state(tmp_path / "absent", pytest.fail) is None


def test_states_are_in_order_of_their_number(tmp_path: Path) -> None:
    save(tmp_path, 999_998, 999_999, 1_000_000)
    assert names(tmp_path) == ["step-1000000", "step-999999"]
    assert newest_intact(tmp_path, pytest.fail) == tmp_path / "step-1000000"


def test_the_last_two_are_kept_and_what_is_no_state_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "run-7").mkdir()
    save(tmp_path, 1, 2, 3)
    assert names(tmp_path) == ["run-7", "step-000002", "step-000003"]


def test_a_best_state_is_kept_as_long_as_a_state_that_knows_it_so_that_a_training_that_goes_back_finds_it(tmp_path: Path) -> None:
    for step, best in ((2, 2), (3, 2), (4, 4), (6, 4)):
        save_state(tmp_path, TrainingState(step, {}, best_step=best), kept=2, every=3)
    assert names(tmp_path) == ["step-000002", "step-000003", "step-000004", "step-000006"]
    save_state(tmp_path, TrainingState(9, {}, best_step=4), kept=2, every=3)
    assert names(tmp_path) == ["step-000004", "step-000006", "step-000009"]


def test_a_damaged_state_takes_no_place_among_the_two(tmp_path: Path) -> None:
    save(tmp_path, 1, 2)
    flip(tmp_path / "step-000002" / "tensors.safetensors")
    save(tmp_path, 3)
    assert names(tmp_path) == ["step-000001", "step-000003"]


@pytest.mark.parametrize(
    ("file", "damage", "fault"),
    [
        ("tensors.safetensors", flip, "tensors.safetensors differs from its checksum"),
        ("numbers.json", cut, "numbers.json has 91 bytes where its seal has 101"),
        ("numbers.json", Path.unlink, "numbers.json is missing"),
        ("seal.json", Path.unlink, "seal.json is missing, it was not written to its end"),
        ("seal.json", cut, "seal.json is damaged"),
        ("seal.json", rename_in_seal, "numbers.json is not in its seal"),
    ],
)
def test_a_state_that_is_not_as_sealed_is_passed_over_with_a_word(tmp_path: Path, file: str, damage: Callable[[Path], None], fault: str) -> None:
    save(tmp_path, 100, 120)
    damage(tmp_path / "step-000120" / file)
    words: list[str] = []
    state = load_state(tmp_path, words.append)
    assert state is not None and state.step == 100
    assert words == [f"state step-000120: {fault}; going on from step-000100"]


def test_a_file_that_was_not_sealed_is_a_fault(tmp_path: Path) -> None:
    save(tmp_path, 100)
    (tmp_path / "step-000100" / "pytorch_model.bin").write_bytes(b"?")
    words: list[str] = []
    assert load_state(tmp_path, words.append) is None
    assert words == ["state step-000100: pytorch_model.bin is not in its seal; no state is intact, training starts anew"]


def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path, 100)

    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error", str(tmp_path / "step-000100" / "tensors.safetensors"))

    monkeypatch.setattr("hashlib.file_digest", fail)
    words: list[str] = []
    assert load_state(tmp_path, words.append) is None
    assert words == ["state step-000100: tensors.safetensors cannot be read (Input/output error); no state is intact, training starts anew"]


def test_where_no_state_is_intact_each_is_named_and_training_starts_anew(tmp_path: Path) -> None:
    save(tmp_path, 100, 120)
    flip(tmp_path / "step-000100" / "tensors.safetensors")
    (tmp_path / "step-000120" / "seal.json").unlink()
    words: list[str] = []
    assert load_state(tmp_path, words.append) is None
    assert words == [
        "state step-000120: seal.json is missing, it was not written to its end; no state is intact, training starts anew",
        "state step-000100: tensors.safetensors differs from its checksum; no state is intact, training starts anew",
    ]


def keep_with_journal(folder: Path, step: int, journal: Journal) -> None:
    save_state(folder, TrainingState(step, {}, {journal.path.name: journal.mark()}))


def test_a_state_whose_journal_does_not_begin_as_it_knew_is_passed_over_and_an_older_one_taken(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "records.jsonl")
    for step in (1, 2):
        journal.append({"step": step})
        keep_with_journal(tmp_path, step, journal)
    whole = journal.path.read_bytes()
    words: list[str] = []
    journal.path.write_bytes(whole[:-3])
    state = load_state(tmp_path, words.append)
    assert state is not None and state.step == 1
    journal.path.write_bytes(whole.replace(b'"step": 2', b'"step": 3'))
    state = load_state(tmp_path, words.append)
    assert state is not None and state.step == 1
    journal.path.unlink()
    assert load_state(tmp_path, words.append) is None
    assert words == [
        "state step-000002: records.jsonl has 21 bytes where the state has 24; going on from step-000001",
        "state step-000002: records.jsonl is not what the state knew; going on from step-000001",
        "state step-000002: records.jsonl has 0 bytes where the state has 24; no state is intact, training starts anew",
        "state step-000001: records.jsonl has 0 bytes where the state has 12; no state is intact, training starts anew",
    ]


def test_what_was_written_behind_a_state_changes_nothing_of_it(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "records.jsonl")
    journal.append({"step": 1})
    keep_with_journal(tmp_path, 1, journal)
    with journal.path.open("ab") as stream:
        stream.write(b'{"step": 2}\n{"st')
    state = load_state(tmp_path, pytest.fail)
    assert state is not None
    again = Journal(journal.path)
    again.go_back(state.marks[journal.path.name])
    assert list(again.rows) == [{"step": 1}]


def test_a_seal_names_every_file_with_size_and_checksum(tmp_path: Path) -> None:
    state = tmp_path / "checkpoint-5"
    (state / "inner").mkdir(parents=True)
    (state / "a.txt").write_text("abc")
    (state / "inner" / "b.txt").write_text("")
    seal(state)
    assert names(tmp_path) == ["checkpoint-5"]
    files = json.loads((state / "seal.json").read_text())["files"]
    assert {name: file["size_bytes"] for name, file in files.items()} == {"a.txt": 3, "inner/b.txt": 0}
    # b2sum -l 256 of "abc"
    assert files["a.txt"]["checksum"] == "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319"


def test_a_seal_is_never_there_while_files_are_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path, 1)
    monkeypatch.setattr("os.fsync", lambda descriptor: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    shutil.copytree(tmp_path / "step-000001", tmp_path / "step-000002")
    with pytest.raises(OSError, match="No space left"):
        seal(tmp_path / "step-000002")
    assert names(tmp_path / "step-000002") == ["numbers.json", "tensors.safetensors"]
