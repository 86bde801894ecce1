"""A cluster of Ray's on this machine, whose nodes are told apart by name."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from resources.devices.nodes import NODE


@contextmanager
def ray_cluster(*names: str) -> Iterator[str]:
    """Start where we are, and a worker of two cores a name; yield the cluster's address."""
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 4, "include_dashboard": False})
    try:
        for name in names:
            cluster.add_node(num_cpus=2, env_vars={NODE: name})
        yield cluster.address
    finally:
        cluster.shutdown()
