"""A training on two machines, each a network namespace of this one: other addresses, and nothing between them but a cable."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.locations import PROJECT
from tests.ray_cluster import ray_cluster
from tests.scratch import taken_steps

REASON = "this machine lets us make no network namespaces; to run them, run as root, with CAP_SYS_ADMIN and CAP_NET_ADMIN, where there is iproute2"


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


@pytest.fixture(name="nodes")
def nodes_fixture() -> Iterator[tuple[str, str]]:
    """Two namespaces that a cable joins, as 10.97.0.1 and 10.97.0.2."""
    names = (f"mill-{os.getpid()}-a", f"mill-{os.getpid()}-b")
    try:
        if not is_joined(names):
            pytest.skip(REASON)
        yield names
    finally:
        for name in names if shutil.which("ip") else ():
            subprocess.run(["ip", "netns", "del", name], capture_output=True)


def is_joined(names: tuple[str, str]) -> bool:
    """Make namespaces that a cable joins; return whether this machine lets us."""
    try:
        for name in names:
            ip("netns", "add", name)
        ip("link", "add", "cable", "netns", names[0], "type", "veth", "peer", "name", "cable", "netns", names[1])
        for number, name in enumerate(names, 1):
            ip("-n", name, "addr", "add", f"10.97.0.{number}/24", "dev", "cable")
            for interface in ("lo", "cable"):
                ip("-n", name, "link", "set", interface, "up")
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def start(node: str, shop: Any, *arguments: str) -> "subprocess.Popen[str]":
    """Start ``mill`` on a node."""
    command = ["ip", "netns", "exec", node, sys.executable, "-m", "pipelines.commands", *arguments, "--recipe", str(shop.recipe_file)]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "COLUMNS": "200", "MILL_NODE": node[-1]}
    out = subprocess.PIPE
    return subprocess.Popen(command, cwd=PROJECT, env=environment, text=True, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)


@pytest.mark.slow
def test_a_ray_cluster_of_two_workers_trains_a_model_as_one_process_does(
    shop: Any, make_shop: Callable[[Path], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = make_shop(tmp_path / "alone")
    assert not alone.up().failed
    shop.change_recipe("    method: pretrain\n", "    method: pretrain\n    run: {processes: 3, nodes: 3, context: 3}\n")
    with ray_cluster("b", "c") as address:
        for name, value in {"MILL_NODES": "ray", "RAY_ADDRESS": address, "MILL_NODE": "a"}.items():
            monkeypatch.setenv(name, value)
        assert not shop.up().failed
    assert_close(shop, alone)


def assert_close(shop: Any, alone: Any) -> None:
    assert float((losses(shop)["loss"] - losses(alone)["loss"]).abs().max()) < 1e-4


def losses(shop: Any) -> pl.DataFrame:
    return pl.read_parquet(shop.lake.folder(shop.cell("models/base")) / "losses.parquet")


def test_a_training_on_two_nodes_is_that_of_one_process(shop: Any, make_shop: Callable[[Path], Any], tmp_path: Path, nodes: tuple[str, str]) -> None:
    alone = make_shop(tmp_path / "alone")
    assert not alone.up().failed
    shop.change_recipe("    method: pretrain\n", "    method: pretrain\n    run: {processes: 2, nodes: 2, zero: 1}\n")
    with start(nodes[1], shop, "join", "--jobs", "1") as joined, start(nodes[0], shop, "up") as up:
        said, _ = up.communicate(timeout=300)
        assert up.returncode == 0, said
        told, _ = joined.communicate(timeout=30)
    assert joined.returncode == 0 and "b works for" in told and "done" in told, told
    assert_close(shop, alone)
    assert shop.lake.manifest(shop.cell("models/base")).metadata["world"] == {"device": "auto", "nodes": 2, "processes": 2, "zero": 1}


@pytest.mark.slow
def test_a_node_that_is_lost_ends_the_attempt_and_the_next_goes_on_with_another(shop: Any, nodes: tuple[str, str]) -> None:
    shop.change_recipe("    method: pretrain\n", "    method: pretrain\n    run: {processes: 2, nodes: 2}\n")
    with start(nodes[1], shop, "join") as joined, start(nodes[0], shop, "up") as up:
        while taken_steps(shop.home) < 8:
            assert up.poll() is None, up.stdout.read() if up.stdout else ""
            time.sleep(0.02)
        os.killpg(joined.pid, signal.SIGKILL)
        with start(nodes[1], shop, "join", "--jobs", "1") as again:
            said, _ = up.communicate(timeout=300)
            assert up.returncode == 0, said
            again.communicate(timeout=30)
    assert "node b: it is gone, and its processes with it" in said, said
    assert losses(shop)["step"].to_list() == list(range(1, 31))
