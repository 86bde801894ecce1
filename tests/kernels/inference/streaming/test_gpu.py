"""On a GPU layers come by a stream of their own, and what is said stays the same."""

import random
from pathlib import Path
from typing import Any

import pytest
import torch

from kernels.inference.readers.paged_decoder import PagedDecoder
from kernels.inference.streaming.reader import Within, sizes_of, streamed_reader
from kernels.inference.streaming.weights import Weights
from tests.kernels.inference.streaming.test_streaming import MOST, NUM_PAGES, llama, saved, steps

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_layers_that_pass_through_a_gpu_compute_what_layers_that_stay_do(dtype: Any, tmp_path: Path) -> None:
    config, kind = llama(), getattr(torch, dtype)
    whole = PagedDecoder(saved(tmp_path, config).to("cuda", kind), NUM_PAGES, kind)
    sizes = sizes_of(Weights(config, tmp_path, kind), MOST, kind.itemsize)
    budget = sizes.outside + sizes.cache + sizes.step + 3 * sizes.layer
    reader = streamed_reader(config, Within(tmp_path, budget, dtype), MOST, "cuda")
    for seed in range(5):
        for step in steps(random.Random(seed), whole=False):
            assert torch.equal(reader.read(step), whole.read(step))
