"""Whether processes that should hold the same numbers do: a device that computes wrongly, or memory that flips, raises no error by itself.

Numbers are summed as bits, weighted by their place, so that a check costs a pass over them and a few bytes between processes.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

PRIME = 65521
"""Places are counted up to it: the largest prime below 2^16 (as in Adler-32, RFC 1950)."""


def digest_of(tensors: Mapping[str, Any]) -> int:
    """Return a number of 64 bits that depends on all bits of float32 tensors."""
    import torch

    found = 0
    for tensor in tensors.values():
        bits: Any = tensor.detach().contiguous().flatten().view(torch.int32).long()
        places = torch.arange(1, len(bits) + 1, device=bits.device) % PRIME + 1
        found = (found * PRIME + int((bits * places).sum())) % 2**64
    return found


def fault_of_copies(digests: Sequence[int], processes: Sequence[int]) -> str | None:
    """Return which of some processes, by number, do not hold what most of them do; None where all hold the same."""
    counts = Counter(digests).most_common()
    if len(counts) == 1:
        return None
    (digest, most), (_, second) = counts[:2]
    if most == second:
        return f"processes {', '.join(map(str, processes))} hold different weights where they should hold the same, and none can be told to be right"
    wrong = [process for process, found in zip(processes, digests, strict=True) if found != digest]
    which = f"process {wrong[0]}" if len(wrong) == 1 else f"processes {', '.join(map(str, wrong))}"
    return f"{which} of {len(processes)} {'holds' if len(wrong) == 1 else 'hold'} other weights than the rest"
