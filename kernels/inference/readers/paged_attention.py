"""Attention of several sequences at keys and values in pages, by PyTorch.

Sequences of which one token passes attend together, filled up to the longest; longer stretches each by themselves. Shape letters: N tokens of all
sequences, M sequences of a group, T tokens of each, S keys, G key heads, R query heads a key head, K width of a head.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from kernels.inference.cache.pages import PAGE
from kernels.inference.cache.sequences import Copy
from kernels.inference.readers.reading import Stretch


class Group(NamedTuple):
    """Sequences that attend together."""

    tokens_MT: Any
    """Which of all tokens are theirs."""
    places_MS: Any
    """Where the cache has their tokens; 0 behind the last of a shorter one."""
    distances_MTS: Any
    """How far each key stands before each query; negative behind it."""
    is_prompt: bool
    """Whether nothing was kept before: these are the first tokens of a sequence."""


class Kept:
    """Keys and values of each layer, in pages."""

    def __init__(self, num_pages: int, num_layers: int, num_heads: int, width: int, dtype: Any, device: Any) -> None:
        """Make room."""
        import torch

        size = (num_pages * PAGE, num_heads, width)
        self.layers: list[tuple[Any, Any]] = [
            (torch.zeros(size, dtype=dtype, device=device), torch.zeros(size, dtype=dtype, device=device)) for _ in range(num_layers)
        ]

    def copy(self, copies: Sequence[Copy]) -> None:
        """Write what pages hold into others."""
        import torch

        if not copies:
            return
        sources, targets = torch.tensor(copies).T
        with torch.inference_mode():  # as they were made
            for layer in self.layers:
                for each in layer:
                    pages = each.view(-1, PAGE, *each.shape[1:])
                    pages[targets] = pages[sources]


class Passing:
    """What passes now: how tokens of all sequences stand one behind the other, and where each is kept."""

    def __init__(self, stretches: Sequence[Stretch], device: Any) -> None:
        """Lay out some stretches."""
        import torch

        self.tokens_N = torch.tensor([token for each in stretches for token in each.tokens], device=device)
        self.positions_N = torch.cat([torch.arange(each.position, each.position + len(each.tokens)) for each in stretches]).to(device)
        places = [_places(each, device) for each in stretches]
        self._written_N = torch.cat([place[each.position :] for each, place in zip(stretches, places, strict=True)])
        begins = [0]
        for each in stretches:
            begins.append(begins[-1] + len(each.tokens))
        self.asked = [begin + index for begin, each in zip(begins, stretches, strict=False) for index in each.asked]
        entries = list(zip(begins, stretches, places, strict=False))
        following = [entry for entry in entries if entry[1].is_next]
        self.groups = [_group([entry]) for entry in entries if not entry[1].is_next] + ([_group(following)] if following else [])

    def attend(self, layer: tuple[Any, Any], q_GRNK: Any, k_NGK: Any, v_NGK: Any, score: Callable[[Any, Group], Any]) -> Any:
        """Keep keys and values, and return what queries see [G, R, N, K].

        Args:
            layer: keys and values that are kept [places, G, K].
            q_GRNK: queries, scaled.
            k_NGK: keys.
            v_NGK: values.
            score: returns scores of a group as they are to be weighed, given products of queries and keys [M, G, R, T, S] float32.
        """
        import torch

        keys, values = layer
        keys[self._written_N], values[self._written_N] = k_NGK.to(keys.dtype), v_NGK.to(values.dtype)
        seen_GRNK = torch.empty(*q_GRNK.shape[:-1], v_NGK.shape[-1], dtype=q_GRNK.dtype, device=q_GRNK.device)
        for group in self.groups:
            q_MGRTK = q_GRNK[:, :, group.tokens_MT].permute(2, 0, 1, 3, 4)
            k_MGKS, v_MGSK = keys[group.places_MS].permute(0, 2, 3, 1), values[group.places_MS].transpose(1, 2)
            weights = score((q_MGRTK @ k_MGKS[:, :, None].to(q_GRNK.dtype)).float(), group).softmax(-1).to(q_GRNK.dtype)
            seen_MGRTK = weights @ v_MGSK[:, :, None].to(q_GRNK.dtype)
            seen_GRNK[:, :, group.tokens_MT] = seen_MGRTK.permute(1, 2, 0, 3, 4).to(seen_GRNK.dtype)
        return seen_GRNK


def _places(stretch: Stretch, device: Any) -> Any:
    """Return where the cache has each token of a sequence, up to the last that is read now."""
    import torch

    index = torch.arange(stretch.position + len(stretch.tokens), device=device)
    return torch.tensor(stretch.table, device=device)[index // PAGE] * PAGE + index % PAGE


def _group(entries: Sequence[tuple[int, Stretch, Any]]) -> Group:
    import torch

    begins, stretches, places = zip(*entries, strict=True)
    places_MS = torch.nn.utils.rnn.pad_sequence(list(places), batch_first=True)
    device, index_T = places_MS.device, torch.arange(len(stretches[0].tokens), device=places_MS.device)
    positions_MT = torch.tensor([each.position for each in stretches], device=device)[:, None] + index_T
    distances_MTS = positions_MT[..., None] - torch.arange(places_MS.shape[1], device=device)
    return Group(torch.tensor(begins, device=device)[:, None] + index_T, places_MS, distances_MTS, is_prompt=stretches[0].position == 0)
