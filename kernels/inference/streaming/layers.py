"""The layers of a decoder one after the other, of which some are read while those before them compute.

On the CPU a thread of its own reads straight into what is computed with. On a GPU it reads into pinned memory, and a stream beside the one that
computes takes it from there: events keep what is computed with from being written over, and what is not there yet from being read.
"""

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from kernels.inference.streaming.weights import Weights
    from kernels.models.blocks.decoder import Block


class Buffer(Protocol):
    """Room for one layer, which is filled beside what computes."""

    def fill(self, layer: int) -> None:
        """Read a layer; called from another thread."""
        ...

    def begin(self) -> "Block":
        """Return the layer that was read, for what computes now."""
        ...

    def end(self) -> None:
        """Note that nothing more is going to be computed with it."""
        ...


class InMemory:
    """Room on the CPU."""

    def __init__(self, weights: "Weights") -> None:
        """Make room."""
        self._weights, self._block = weights, weights.empty_layer("cpu")

    def fill(self, layer: int) -> None:
        """See `Buffer`."""
        self._weights.fill_layer(self._block, layer)

    def begin(self) -> "Block":
        """See `Buffer`."""
        return self._block

    def end(self) -> None:
        """See `Buffer`: the CPU has computed already."""


class OnGpu:
    """Room on a GPU, and as much in pinned memory."""

    def __init__(self, weights: "Weights", device: Any, stream: Any) -> None:
        """Make room. The stream is of copies alone, the same for all buffers."""
        import torch

        self._weights, self._device, self._stream = weights, torch.device(device), stream
        self._staged, self._block = weights.empty_layer("cpu", pinned=True), weights.empty_layer(device)
        self._came, self._used = torch.cuda.Event(), torch.cuda.Event()

    def fill(self, layer: int) -> None:
        """See `Buffer`."""
        import torch

        self._came.synchronize()  # what was read into pinned memory before has left it
        self._weights.fill_layer(self._staged, layer)
        with torch.cuda.device(self._device), torch.cuda.stream(self._stream):
            self._stream.wait_event(self._used)
            for target, source in zip(self._block.parameters(), self._staged.parameters(), strict=True):
                target.detach().copy_(source.detach(), non_blocking=True)
            self._came.record(self._stream)

    def begin(self) -> "Block":
        """See `Buffer`."""
        import torch

        torch.cuda.current_stream(self._device).wait_event(self._came)
        return self._block

    def end(self) -> None:
        """See `Buffer`."""
        import torch

        self._used.record(torch.cuda.current_stream(self._device))


class _Coming(NamedTuple):
    layer: int
    buffer: Buffer
    read: "Future[None]"


class PassingLayers:
    """Layers to pass through, once for each time that this is iterated: those behind the last one are the first ones of the next time."""

    def __init__(self, staying: Sequence["Block | None"], buffers: Sequence[Buffer]) -> None:
        """Begin to read the first ones.

        Args:
            staying: of each layer the block that stays, None where it passes.
            buffers: for those that pass, no more of them than these are.
        """
        self._staying, self._passing = staying, [layer for layer, block in enumerate(staying) if block is None]
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="layers")
        self._coming: deque[_Coming] = deque()
        self._begin(buffers)
        self._walk = self._walked()

    def _begin(self, buffers: Sequence[Buffer]) -> None:
        for layer, buffer in zip(self._passing, buffers, strict=False):
            self._coming.append(_Coming(layer, buffer, self._thread.submit(buffer.fill, layer)))

    def __iter__(self) -> Iterator["Block"]:
        """Return each layer; it may be computed with until the next one is asked for. Who began before and did not end must not go on."""
        self._walk.close()
        self._walk = self._walked()
        return self._walk

    def _walked(self) -> "Generator[Block]":
        if self._coming and self._coming[0].layer != self._passing[0]:  # somebody left before the last layer
            left = [self._coming.popleft() for _ in range(len(self._coming))]
            self._begin([coming.buffer for coming in left])
        for block in self._staying:
            if block is not None:
                yield block
                continue
            coming = self._coming[0]
            coming.read.result()
            try:
                yield coming.buffer.begin()
            finally:
                coming.buffer.end()
                self._coming.popleft()
                after = self._passing[(self._passing.index(coming.layer) + len(self._coming) + 1) % len(self._passing)]
                self._coming.append(_Coming(after, coming.buffer, self._thread.submit(coming.buffer.fill, after)))
