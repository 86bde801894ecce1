"""Beside threads of a reader's own torch computes by the thread that asks it, and no other thread is told of it."""

import threading
from typing import Any

import pytest
import torch

from kernels.inference.asking import Asked
from kernels.inference.engine import Engine
from kernels.inference.readers.paged_decoder import PagedDecoder
from kernels.inference.readers.threads import torch_by_one_thread
from tests.kernels.inference.readers.test_paged_decoder import made


@pytest.fixture
def three() -> Any:
    count = torch.get_num_threads()
    torch.set_num_threads(3)
    yield 3
    torch.set_num_threads(count)


def test_it_is_of_the_thread_that_asks_and_of_the_time_that_it_lasts(three: int) -> None:
    seen: dict[str, int] = {}

    def look(name: str) -> None:
        seen[name] = torch.get_num_threads()

    known = threading.Barrier(2)

    def look_twice() -> None:
        look("known before")
        known.wait()
        known.wait()
        look("known meanwhile")

    other = threading.Thread(target=look_twice)
    other.start()
    known.wait()
    with pytest.raises(KeyError), torch_by_one_thread():
        look("inside")
        known.wait()
        other.join()
        new = threading.Thread(target=look, args=("new",))
        new.start()
        new.join()
        raise KeyError
    look("behind")
    assert seen == {"known before": three, "known meanwhile": three, "inside": 1, "new": three, "behind": three}


@pytest.mark.parametrize("has_threads", [True, False])
def test_an_engine_steps_so_where_its_reader_has_threads(has_threads: bool, three: int, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = PagedDecoder(made(), 8, torch.float32)
    seen, read = list[int](), reader.read
    monkeypatch.setattr(reader, "has_threads", has_threads)
    monkeypatch.setattr(reader, "read", lambda stretches: (seen.append(torch.get_num_threads()), read(stretches))[1])
    list(Engine(reader, lambda tokens: "", num_pages=8).answers([Asked(tokens=[1, 2], max_new_tokens=3)]))
    assert set(seen) == {1 if has_threads else three}
