"""Every kernel of attention compiles for GPUs that are not here, and has registers and shared memory for all that it holds."""

from collections.abc import Iterable

import pytest

from tests.kernels.models.blocks.flash.compiling import TARGETS, Build, builds, compiled, fits


def that_do_not_fit(kernels: Iterable[Build]) -> list[object]:
    takes = [(build, target, compiled(build, target)) for build in kernels for target in TARGETS]
    return [(build, target, taken) for build, target, taken in takes if not fits(taken, target)]


def test_kernels_of_the_commonest_heads_fit_gpus() -> None:
    assert (
        that_do_not_fit(build for build in builds() if build.dtype == "bf16" and build.width == 128 and build.repeats > 1 and not build.windowed)
        == []
    )


@pytest.mark.slow
@pytest.mark.parametrize("build", list(builds()), ids=str)
def test_every_kernel_fits_gpus(build: Build) -> None:
    assert that_do_not_fit([build]) == []
