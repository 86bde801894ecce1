"""FlashAttention (Dao 2023, arXiv 2307.08691) of packed sequences: by kernels of Triton where tensors lie on a GPU, else by PyTorch's attention.

Tokens of all sequences stand one behind the other. Where a sequence has fewer queries than keys, its last query stands where its last key does.
Shape letters: N queries and L keys of all sequences, M sequences, T queries and S keys of one, H query heads, G key heads, K width of a head.
"""

from collections.abc import Sequence
from typing import Any

import torch

from kernels.models.blocks.flash.sequences import Packed, Rule

WIDEST_BYTES = 512
"""Of the values of a head: 256 of two bytes, or 128 of four. The registers of a GPU hold the tiles of no wider one."""
DTYPES = (torch.bfloat16, torch.float16, torch.float32)
LEAST_CAPABILITY = (8, 0)
"""Of NVIDIA's GPUs: those that copy to their blocks' memory beside computing."""


def has_kernels(q: torch.Tensor) -> bool:
    """Return whether kernels attend from queries [..., K] where they lie."""
    if q.device.type != "cuda" or torch.version.cuda is None or q.shape[-1] * q.element_size() > WIDEST_BYTES or q.dtype not in DTYPES:
        return False
    return torch.cuda.get_device_capability(q.device) >= LEAST_CAPABILITY


def attend_packed(
    q_NHK: torch.Tensor, k_LGK: torch.Tensor, v_LGK: torch.Tensor, queries: Packed, keys: Packed, rule: Rule, *, scale: float
) -> torch.Tensor:
    """Return what each query head sees, [N, H, K]; gradients flow to queries, keys and values, and are the same bits each time.

    Args:
        q_NHK: queries, in whose type products are made; kernels sum in float32.
        k_LGK: keys; H is a multiple of G.
        v_LGK: values.
        queries: the sequences that queries are of.
        keys: the same sequences' keys, at least as many of each as it has queries.
        rule: who sees whom.
        scale: that products of queries and keys are multiplied by.

    Raises:
        ValueError: shapes, types or lengths do not fit each other (names them).
    """
    _check(q_NHK, k_LGK, v_LGK, queries, keys, rule)
    if has_kernels(q_NHK):
        from kernels.models.blocks.flash.launching import FlashAttention

        kernels: Any = FlashAttention
        return kernels.apply(q_NHK, k_LGK, v_LGK, queries, keys, rule, scale)
    heads = zip(_apart(q_NHK, queries), _apart(k_LGK, keys), _apart(v_LGK, keys), strict=True)
    return torch.cat([_attend_one(*each, rule, scale) for each in heads])


def _check(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, queries: Packed, keys: Packed, rule: Rule) -> None:
    if k.shape != v.shape or q.shape[2] != k.shape[2] or q.shape[1] % k.shape[1]:
        raise ValueError(f"queries {[*q.shape]}, keys {[*k.shape]}, values {[*v.shape]}: heads do not fit each other")
    if not q.dtype == k.dtype == v.dtype:
        raise ValueError(f"queries, keys and values are of {q.dtype}, {k.dtype} and {v.dtype}: have all of one type")
    if sum(queries.lengths) != len(q) or sum(keys.lengths) != len(k):
        raise ValueError(f"{len(q)} queries and {len(k)} keys: sequences have {sum(queries.lengths)} and {sum(keys.lengths)}")
    if any(num_queries > num_keys for num_queries, num_keys in zip(queries.lengths, keys.lengths, strict=True)):
        raise ValueError(f"sequences of {[*queries.lengths]} queries and {[*keys.lengths]} keys: one has more queries than keys")
    if rule.window is not None and rule.window < 1:
        raise ValueError(f"a window of {rule.window}: a query sees itself, so that it is 1 at least")
    if rule.slopes_H is not None and rule.slopes_H.shape != (q.shape[1],):
        raise ValueError(f"slopes {[*rule.slopes_H.shape]}: there are {q.shape[1]} query heads")


def _apart(x: Any, sequences: Packed) -> Sequence[torch.Tensor]:
    return x.split(list(sequences.lengths))


def _attend_one(q_THK: torch.Tensor, k_SGK: torch.Tensor, v_SGK: torch.Tensor, rule: Rule, scale: float) -> torch.Tensor:
    """Return what one sequence's queries see, by PyTorch."""
    q_HTK, k_HSK, v_HSK = (x.transpose(0, 1) for x in (q_THK, k_SGK, v_SGK))
    added = _added(len(q_THK), len(k_SGK), rule, q_THK)
    seen = torch.nn.functional.scaled_dot_product_attention(q_HTK, k_HSK, v_HSK, added, scale=scale, enable_gqa=len(q_HTK) > len(k_HSK))
    return seen.transpose(0, 1)


def _added(num_queries: int, num_keys: int, rule: Rule, like: torch.Tensor) -> torch.Tensor:
    """Return what is added to scores, [T, S] or [H, T, S]."""
    device = like.device
    distances_TS = torch.arange(num_keys - num_queries, num_keys, device=device)[:, None] - torch.arange(num_keys, device=device)
    sees_TS = distances_TS >= 0 if rule.causal else torch.ones_like(distances_TS, dtype=torch.bool)
    if rule.window is not None:
        sees_TS = sees_TS & (distances_TS.abs() < rule.window)
    added = torch.zeros((), device=device).where(sees_TS, float("-inf"))
    if rule.slopes_H is not None:
        added = added - rule.slopes_H[:, None, None] * distances_TS.clamp(min=0)
    return added.to(like.dtype)
