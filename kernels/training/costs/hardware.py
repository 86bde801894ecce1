"""Machines that a training may run on: what they compute, hold and cost, as their makers and lenders say.

Peaks are dense and of matrices with float32 sums. Prices change: they are what Runpod's documentation asks for an hour of an active worker
(https://docs.runpod.io/serverless/pricing), in US dollars; where it names none there is none.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from kernels.specs.names import nearest
from kernels.training.costs.memory import Device
from kernels.training.costs.peak import Precision

GPU_EFFICIENCY = 0.40
"""Share of the peak that a training takes where nobody has measured it: 38 to 43% in Llama 3's on H100s (arXiv 2407.21783, table 4)."""
CPU_EFFICIENCY = 0.35
"""The same on a CPU core: a step of a small decoder took a quarter to a half of the peak on two cores of Zen 4."""
_OF_GROUP = Path("/sys/fs/cgroup/memory.max")


class Links(NamedTuple):
    """What joins devices: bytes a second that each can send while it receives as many."""

    devices_per_node: int
    inside: float
    """To others of its node."""
    between: float | None
    """To those of other nodes; None where none are sold so."""
    source: str


class Hardware(NamedTuple):
    """One device."""

    name: str
    peak_flops: Mapping[Precision, float]
    """FLOP/s by precision of the products."""
    memory_bytes: float | None
    bandwidth: float
    """Of its memory, in bytes a second."""
    dollars_per_hour: float | None
    efficiency: float
    """Share of the peak that training is expected to take."""
    source: str
    kind: Device
    links: Links | None = None

    def peak(self, precision: Precision) -> float:
        """Return the peak in a precision, FLOP/s. Raises ValueError: it is not known."""
        if precision not in self.peak_flops:
            raise ValueError(f"{self.name}: its peak in {precision} is not known; take a precision of {', '.join(self.peak_flops)}")
        return self.peak_flops[precision]


def _gpu(name: str, tera: tuple[float, float], memory_gb: float, bandwidth_gb: float, dollars: float, source: str, links: Links) -> Hardware:
    peaks: dict[Precision, float] = {"bfloat16": tera[0] * 1e12, "float16": tera[0] * 1e12, "float32": tera[1] * 1e12}
    return Hardware(name, peaks, memory_gb * 1e9, bandwidth_gb * 1e9, dollars, GPU_EFFICIENCY, source, "cuda", links)


_NVLINK_4 = Links(8, 450e9, 50e9, "NVLink 4, 900 GB/s both ways together, and 400 Gb/s a GPU between nodes (NVIDIA DGX H100 data sheet, 2023)")
_NVLINK_3 = Links(8, 300e9, 25e9, "NVLink 3, 600 GB/s both ways together, and 200 Gb/s a GPU between nodes (NVIDIA DGX A100 data sheet, 2020)")
_PCIE_4 = Links(8, 32e9, None, "PCI Express 4.0, 16 lanes (PCI-SIG, base specification 4.0)")


_CLOCK = 3.7e9
HARDWARE = {
    found.name: found
    for found in (
        _gpu(
            "h100",
            (989.4, 66.9),
            80,
            3350,
            3.35,
            "NVIDIA H100 SXM5: H100 Tensor Core GPU Architecture (white paper, 2022), tables 1 and 2",
            _NVLINK_4,
        ),
        _gpu("h200", (989.4, 66.9), 141, 4800, 4.46, "NVIDIA H200 SXM: data sheet (2024); the sparse peak is twice that of this table", _NVLINK_4),
        _gpu("a100", (312, 19.5), 80, 2039, 2.16, "NVIDIA A100 80GB SXM: data sheet (2021)", _NVLINK_3),
        _gpu("rtx4090", (165.2, 82.6), 24, 1008, 0.76, "NVIDIA Ada GPU Architecture (white paper, 2022), appendix A", _PCIE_4),
        Hardware(
            "zen4_core",
            {"bfloat16": 64 * _CLOCK, "float32": 32 * _CLOCK},
            None,
            19.2e9,
            None,
            CPU_EFFICIENCY,
            "one core at 3.7 GHz: two 256-bit multiply-adds a cycle, twice as many in bfloat16 (AMD, Software Optimization Guide for Zen 4, 57647); "
            "a twenty-fourth of the 460.8 GB/s of a socket of EPYC 9004",
            "cpu",
        ),
    )
}


def memory_bytes(device: str) -> float:
    """Return the memory that the GPU at hand has, or the machine, or as much of it as this process may use (cgroups, version 2)."""
    if device == "cuda":
        import torch

        cuda: Any = torch.cuda  # a function of it declares no types
        return float(cuda.get_device_properties(0).total_memory)
    found = float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    bound = _OF_GROUP.read_text().strip() if _OF_GROUP.exists() else "max"
    return found if bound == "max" else min(found, float(bound))


def hardware(name: str) -> Hardware:
    """Return a machine by its name. Raises ValueError: there is none of that name (names what was probably meant)."""
    if name not in HARDWARE:
        raise ValueError(f"no hardware is named {name!r}; {nearest(name, HARDWARE)}")
    return HARDWARE[name]
