"""A decoder's stack with weights of 8 or 4 bits in the CPU's own kernels: what stack.cpp reads, held together.

Keys and values are kept in bfloat16 in pages of 16 tokens. Shape letters: N tokens of all sequences, D width, V vocabulary.
"""

import ctypes
import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kernels.inference.cache.pages import PAGE
from kernels.inference.cache.sequences import Copy
from kernels.inference.native.building import library
from kernels.inference.native.packing import Packed
from kernels.inference.readers.reading import InPages, Stretch

if TYPE_CHECKING:
    from kernels.inference.native.rounding import RoundedDecoder


SIZES = ("width", "num_layers", "num_heads", "num_kv_heads", "head_width", "inner_width")
"""Of a `kernels.models.blocks.decoder.DecoderShape`, by the same names."""


class _Linear(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("weights", "scales")),
        *((name, ctypes.c_int32) for name in ("num_out", "num_in", "bits", "unused")),
    )


class _Layer(ctypes.Structure):
    _fields_ = (
        ("attention_norm", ctypes.c_void_p),
        ("qkv", _Linear),
        ("out", _Linear),
        ("feed_forward_norm", ctypes.c_void_p),
        ("gate_up", _Linear),
        ("down", _Linear),
        ("keys", ctypes.c_void_p),
        ("values", ctypes.c_void_p),
    )


class _Stack(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_int32) for name in (*SIZES, "bias_length")),
        ("eps", ctypes.c_float),
        *((name, ctypes.c_void_p) for name in ("cos", "sin", "bias", "norm")),
        ("head", _Linear),
        ("layers", ctypes.c_void_p),
    )


class _Batch(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_int32) for name in ("num_tokens", "num_sequences", "table_width", "num_asked")),
        *((name, ctypes.c_void_p) for name in ("hidden", "first_tokens", "positions", "tables", "asked", "logits")),
    )


class NativeStack(InPages):
    """Reads tokens of several sequences at once."""

    has_threads = True

    def __init__(self, decoder: "RoundedDecoder", num_pages: int, num_threads: int) -> None:
        """Make room for pages of keys and values.

        Args:
            decoder: a causal stack.
            num_pages: of 16 tokens, in all sequences.
            num_threads: that compute.

        Raises:
            ValueError: its heads are of no width that the kernels know.
        """
        import torch

        shape = decoder.shape
        if shape.head_width % 16:
            raise ValueError(f"rounded weights: heads of {shape.head_width} are no multiple of 16; ask the model as it was made")
        self._decoder, self._kept = decoder, list[Any]()
        size = shape.num_kv_heads * PAGE * shape.head_width
        self._pages = [torch.zeros(num_pages, size, dtype=torch.bfloat16) for _ in range(2 * shape.num_layers)]
        with torch.inference_mode():
            self._stack = self._stack_of(decoder)
        self._library = library()
        self._library.team_of.restype = ctypes.c_void_p
        self._team = ctypes.c_void_p(self._library.team_of(num_threads))
        weakref.finalize(self, self._library.end_team, self._team)

    def _stack_of(self, decoder: "RoundedDecoder") -> _Stack:
        """Return what the kernels are told of a stack; what it points to is kept."""
        import torch

        from kernels.models.blocks import positions

        shape = decoder.shape
        layers = (_Layer * shape.num_layers)()
        self._kept.append(layers)
        for index, (layer, block) in enumerate(zip(layers, decoder.blocks, strict=True)):
            found: Any = block
            layer.attention_norm, layer.feed_forward_norm = self._keep(found.attention_norm.weight), self._keep(found.feed_forward_norm.weight)
            for name in ("qkv", "out", "gate_up", "down"):
                setattr(layer, name, self._linear(getattr(found, name).packed))
            layer.keys, layer.values = (pages.data_ptr() for pages in self._pages[2 * index : 2 * index + 2])
        stack = _Stack(**{name: getattr(shape, name) for name in SIZES}, eps=shape.eps, layers=ctypes.addressof(layers))
        if shape.positions == "rope":
            cos, sin = positions.rotary(shape.max_positions, shape.head_width, shape.theta, torch.device("cpu"))
            stack.cos, stack.sin = self._keep(cos), self._keep(sin)
        bias = decoder.told(1, torch.device("cpu"), None, shape.max_positions - 1).bias
        if bias is not None:
            stack.bias, stack.bias_length = self._keep(bias[:, :, -1].flip(-1).flatten(0, 1)), shape.max_positions
        stack.norm, stack.head = self._keep(decoder.norm.weight), self._linear(decoder.ends.output)
        return stack

    def _keep(self, tensor: Any) -> int:
        """Return where a tensor's numbers stand, for as long as this lives."""
        kept = tensor.detach().contiguous()
        self._kept.append(kept)
        return kept.data_ptr()

    def _linear(self, packed: Packed) -> _Linear:
        return _Linear(
            weights=self._keep(packed.weights), scales=self._keep(packed.scales), num_out=packed.num_out, num_in=packed.num_in, bits=packed.bits
        )

    def copy(self, copies: Sequence[Copy]) -> None:
        """See `Reader`."""
        for source, target in copies:
            for pages in self._pages:
                pages[target] = pages[source]

    def read(self, stretches: Sequence[Stretch]) -> Any:
        """See `Reader`."""
        import torch

        tokens = torch.tensor([token for each in stretches for token in each.tokens])
        with torch.inference_mode():
            places = torch.cat([torch.arange(each.position, each.position + len(each.tokens)) for each in stretches])
            hidden = self._decoder.embedded(tokens, places, torch.float32).contiguous()
        firsts = np.cumsum([0, *(len(each.tokens) for each in stretches)], dtype=np.int32)
        positions = np.array([each.position for each in stretches], np.int32)
        tables = np.zeros((len(stretches), max(len(each.table) for each in stretches)), np.int32)
        for row, each in zip(tables, stretches, strict=True):
            row[: len(each.table)] = each.table
        asked = np.array([first + place for first, each in zip(firsts, stretches, strict=False) for place in each.asked], np.int32)
        logits = torch.empty(len(asked), self._decoder.shape.vocab_size)
        batch = _Batch(
            num_tokens=len(tokens),
            num_sequences=len(stretches),
            table_width=tables.shape[1],
            num_asked=len(asked),
            hidden=hidden.data_ptr(),
            first_tokens=firsts.ctypes.data,
            positions=positions.ctypes.data,
            tables=tables.ctypes.data,
            asked=asked.ctypes.data,
            logits=logits.data_ptr(),
        )
        self._library.pass_through(ctypes.byref(self._stack), ctypes.byref(batch), self._team)
        return logits
