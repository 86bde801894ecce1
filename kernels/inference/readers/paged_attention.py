"""Attention of several sequences at keys and values in pages: by kernels where a GPU has them and who sees whom is told by a rule, else by PyTorch.

By PyTorch, sequences of about as many tokens attend together, filled up to the longest. Kernels read pages where they lie where one token of a
sequence passes, and take longer stretches packed. Shape letters: N tokens of all sequences, M sequences of a group, T tokens of each, L of all of
them, S keys, P pages of the longest, G key heads, R query heads a key head, K width of a head.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from kernels.inference.cache.pages import PAGE
from kernels.inference.cache.sequences import Copy
from kernels.inference.readers.reading import Stretch

if TYPE_CHECKING:
    from kernels.models.blocks.flash.paged import Tables
    from kernels.models.blocks.flash.sequences import Packed, Rule

MOST_FILLED, MOST_SCORES = 1.5, 1 << 20
"""Scores of a group: as a share of those that are not of filling, and at all, in each head."""


class Group(NamedTuple):
    """Sequences that attend together."""

    tokens_MT: Any
    """Which of all tokens are theirs; 0 behind the last of a shorter one."""
    is_there_MT: Any
    """Which of these there are."""
    tokens_L: Any
    """Those that there are, one sequence behind the other."""
    places_MS: Any
    """Where the cache has their tokens; 0 behind the last of a shorter one."""
    distances_MTS: Any
    """How far each key stands before each query; negative behind it."""
    is_prompt: bool
    """Whether nothing was kept before: these are the first tokens of a sequence."""


class Following(NamedTuple):
    """Sequences of which one token passes, as kernels take them."""

    tokens_M: Any
    """Which of all tokens are theirs."""
    tables: "Tables"


class Longer(NamedTuple):
    """Stretches of several tokens, as kernels take them: one behind the other."""

    tokens: Any
    """Which of all tokens are theirs."""
    places: Any
    """Where the cache has the tokens of each sequence, up to the last that passes."""
    queries: "Packed"
    keys: "Packed"


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

    def __init__(self, stretches: Sequence[Stretch], device: Any, *, is_apart: bool = False) -> None:
        """Lay out some stretches.

        Args:
            stretches: that pass.
            device: that computes.
            is_apart: whether each must attend by itself, since tokens see those behind them.
        """
        import torch

        self._is_apart = is_apart
        self.tokens_N = torch.tensor([token for each in stretches for token in each.tokens], device=device)
        self.positions_N = torch.cat([torch.arange(each.position, each.position + len(each.tokens)) for each in stretches]).to(device)
        places = [_places(each, device) for each in stretches]
        self._written_N = torch.cat([place[each.position :] for each, place in zip(stretches, places, strict=True)])
        begins = [0]
        for each in stretches:
            begins.append(begins[-1] + len(each.tokens))
        self.asked = [begin + index for begin, each in zip(begins, stretches, strict=False) for index in each.asked]
        entries = [_Entry(*entry) for entry in zip(begins, stretches, places, strict=False)]
        self._following = [entry for entry in entries if entry.stretch.is_next]
        self._longer = [entry for entry in entries if not entry.stretch.is_next]

    @cached_property
    def groups(self) -> list[Group]:
        """Sequences as PyTorch takes them."""
        return [_group(entries) for entries in _gathered([*self._following, *self._longer], self._is_apart)]

    @cached_property
    def _for_kernels(self) -> tuple[Following | None, Longer | None]:
        return _following(self._following) if self._following else None, _longer(self._longer) if self._longer else None

    def attend(
        self, layer: tuple[Any, Any], q_GRNK: Any, k_NGK: Any, v_NGK: Any, weigh: Callable[[Any, Group], Any], rule: "Rule | None" = None
    ) -> Any:
        """Keep keys and values, and return what queries see [G, R, N, K].

        Args:
            layer: keys and values that are kept [places, G, K].
            q_GRNK: queries, scaled.
            k_NGK: keys.
            v_NGK: values.
            weigh: returns how much of each value a query sees, given products of queries and keys of a group [M, G, R, T, S] float32.
            rule: says the same, in words that kernels know; None where it cannot.
        """
        import torch

        from kernels.models.blocks.flash.attention import has_kernels
        from kernels.models.blocks.flash.sequences import Rule

        keys, values = layer
        keys[self._written_N], values[self._written_N] = k_NGK.to(keys.dtype), v_NGK.to(values.dtype)
        if rule is not None and has_kernels(q_GRNK):
            return self._by_kernels(keys, values, q_GRNK.flatten(0, 1).transpose(0, 1), rule).transpose(0, 1).unflatten(0, q_GRNK.shape[:2])
        seen_GRNK = torch.empty(*q_GRNK.shape[:-1], v_NGK.shape[-1], dtype=q_GRNK.dtype, device=q_GRNK.device)
        for group in self.groups:
            q_MGRTK = q_GRNK[:, :, group.tokens_MT].permute(2, 0, 1, 3, 4)
            k_MGSK, v_MGSK = (each[group.places_MS].transpose(1, 2).to(q_GRNK.dtype) for each in (keys, values))
            if group.is_prompt and rule == Rule(causal=True):  # what fills up stands behind, where nobody sees it
                seen_MGRTK = _causal(q_MGRTK, k_MGSK, v_MGSK)
            else:
                weights = weigh((q_MGRTK @ k_MGSK[:, :, None].mT).float(), group).to(q_GRNK.dtype)
                seen_MGRTK = weights @ v_MGSK[:, :, None]
            seen_GRNK[:, :, group.tokens_L] = seen_MGRTK.permute(1, 2, 0, 3, 4)[:, :, group.is_there_MT].to(seen_GRNK.dtype)
        return seen_GRNK

    def _by_kernels(self, keys: Any, values: Any, q_NHK: Any, rule: "Rule") -> Any:
        """Return what queries see [N, H, K], H being all query heads."""
        import torch

        from kernels.models.blocks.flash.attention import attend_packed
        from kernels.models.blocks.flash.paged import attend_pages

        following, longer = self._for_kernels
        seen_NHK = torch.empty_like(q_NHK)
        if following is not None:
            seen_NHK[following.tokens_M] = attend_pages(q_NHK[following.tokens_M], keys, values, following.tables, rule, scale=1.0)
        if longer is not None:
            k, v = keys[longer.places].to(q_NHK.dtype), values[longer.places].to(q_NHK.dtype)
            seen_NHK[longer.tokens] = attend_packed(q_NHK[longer.tokens], k, v, longer.queries, longer.keys, rule, scale=1.0)
        return seen_NHK


class _Entry(NamedTuple):
    """A stretch, which of all tokens is its first, and where the cache has its sequence's tokens."""

    begin: int
    stretch: Stretch
    places: Any


def _following(entries: Sequence[_Entry]) -> Following:
    import torch

    from kernels.models.blocks.flash.paged import Tables

    device, lengths = entries[0].places.device, [entry.stretch.position + 1 for entry in entries]
    tables = [torch.tensor(entry.stretch.table, dtype=torch.int32) for entry in entries]
    pages_MP = torch.nn.utils.rnn.pad_sequence(tables, batch_first=True).to(device)
    tokens_M = torch.tensor([entry.begin for entry in entries], device=device)
    return Following(tokens_M, Tables(pages_MP, torch.tensor(lengths, dtype=torch.int32, device=device), max(lengths), PAGE))


def _longer(entries: Sequence[_Entry]) -> Longer:
    import torch

    from kernels.models.blocks.flash.sequences import packed

    device, lengths = entries[0].places.device, [len(entry.stretch.tokens) for entry in entries]
    tokens = torch.cat([torch.arange(entry.begin, entry.begin + length) for entry, length in zip(entries, lengths, strict=True)]).to(device)
    queries, keys = packed(lengths, device), packed([len(entry.places) for entry in entries], device)
    return Longer(tokens, torch.cat([entry.places for entry in entries]), queries, keys)


def _causal(q_MGRTK: Any, k_MGSK: Any, v_MGSK: Any) -> Any:
    """Return what queries see that see all before them and themselves, [M, G, R, T, K]."""
    import torch

    sdpa: Any = torch.nn.functional.scaled_dot_product_attention
    return sdpa(q_MGRTK.flatten(1, 2), k_MGSK, v_MGSK, is_causal=True, scale=1.0, enable_gqa=True).unflatten(1, q_MGRTK.shape[1:3])


def _places(stretch: Stretch, device: Any) -> Any:
    """Return where the cache has each token of a sequence, up to the last that is read now."""
    import torch

    index = torch.arange(stretch.position + len(stretch.tokens), device=device)
    return torch.tensor(stretch.table, device=device)[index // PAGE] * PAGE + index % PAGE


def _gathered(entries: Sequence[_Entry], is_apart: bool) -> list[list[_Entry]]:
    """Return entries that attend together: those of about as many tokens, so that little is filled up."""
    found: list[list[_Entry]] = []
    area = 0
    for entry in sorted(entries, key=lambda entry: (entry.stretch.position == 0, len(entry.stretch.tokens), len(entry.places))):
        group = [*found[-1], entry] if found else [entry]
        own = len(entry.stretch.tokens) * len(entry.places)
        filled = len(group) * len(entry.stretch.tokens) * max(len(each.places) for each in group)
        is_alike = len({each.stretch.position == 0 for each in group}) == 1 and filled <= min(MOST_FILLED * (area + own), MOST_SCORES)
        if found and is_alike and not is_apart:
            found[-1], area = group, area + own
        else:
            found.append([entry])
            area = own
    return found


def _group(entries: Sequence[_Entry]) -> Group:
    import torch

    begins, stretches, places = zip(*entries, strict=True)
    places_MS = torch.nn.utils.rnn.pad_sequence(list(places), batch_first=True)
    device, lengths = places_MS.device, [len(stretch.tokens) for stretch in stretches]
    index_T = torch.arange(max(lengths), device=device)
    is_there_MT = index_T < torch.tensor(lengths, device=device)[:, None]
    tokens_MT = torch.where(is_there_MT, torch.tensor(begins, device=device)[:, None] + index_T, 0)
    lasts_M1 = torch.tensor([each.position + len(each.tokens) - 1 for each in stretches], device=device)[:, None]
    positions_MT = (torch.tensor([each.position for each in stretches], device=device)[:, None] + index_T).minimum(lasts_M1)
    distances_MTS = positions_MT[..., None] - torch.arange(places_MS.shape[1], device=device)
    return Group(tokens_MT, is_there_MT, tokens_MT[is_there_MT], places_MS, distances_MTS, is_prompt=stretches[0].position == 0)
