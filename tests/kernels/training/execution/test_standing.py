"""Of processes that wait for one, that one is named."""

import os
import re
import threading
import time
from pathlib import Path

from kernels.specs.layout import Layout, Rank
from kernels.training.execution.standing import FILE, Peers, standing_of, who_stands, write_standing
from kernels.training.parallel.team import join
from kernels.training.watchdog import Watchdog
from tests.processes import on_processes


def slept_away(seconds: float) -> None:
    time.sleep(seconds)


def test_a_thread_stands_in_the_function_that_it_is_in() -> None:
    thread = threading.Thread(target=slept_away, args=(0.5,))
    thread.start()
    time.sleep(0.1)
    found = standing_of(thread.ident or 0)
    assert found.place.startswith("slept_away (training/execution/test_standing.py, line ") and not found.waits
    thread.join()


def test_who_wrote_nothing_since_is_silent_and_where_all_wait_that_is_told(tmp_path: Path) -> None:
    peers = [Peers(number, 2, tmp_path) for number in range(2)]
    assert who_stands(peers[0], 0.0) == "process 0 of 2 says nothing, stopped or gone; process 1 of 2 says nothing, stopped or gone"
    for each in peers:
        (tmp_path / FILE.format(each.number)).write_text('{"place": "sums (training/parallel/team.py, line 1)", "waits": true}')
    assert who_stands(peers[0], 0.0) == "all processes wait for each other"
    os.utime(tmp_path / FILE.format(1), (1.0, 1.0))
    assert who_stands(peers[0], 2.0) == "process 1 of 2 says nothing, stopped or gone"
    write_standing(peers[1], threading.get_ident())
    assert who_stands(peers[0], 2.0).startswith("process 1 of 2 stands in ")


def held_up(rank: Rank, folder: Path) -> list[str]:
    """Have the second process sleep while the first waits for it; return what the watchdog of each said."""
    team, words = join(rank, "cpu"), list[str]()
    with Watchdog(words.append, min_seconds=0.4, peers=Peers(rank.number, 2, folder)) as watchdog:
        watchdog.beat()
        if rank.number:
            slept_away(2.0)
        team.wait()
        watchdog.beat()
    return words


def test_a_process_that_others_wait_for_is_named_by_the_first_and_by_no_other(tmp_path: Path) -> None:
    first, second = on_processes(Layout(processes=2), held_up, tmp_path)
    assert "; process 1 of 2 stands in slept_away (training/execution/test_standing.py, line " in first[0]
    assert re.fullmatch(r"training goes on after [2-9] s", first[1]) and second == []
