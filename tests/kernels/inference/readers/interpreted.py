"""Reads texts in pieces by kernels, run on the CPU by Triton's interpreter, and prints how often each kernel was started.

Run as ``TRITON_INTERPRET=1 python -m tests.kernels.inference.readers.interpreted``; see `tests.kernels.models.blocks.flash.interpreted`.
"""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

from kernels.models.blocks.flash import attention, launching, paged
from tests.kernels.inference.readers import test_paged_decoder, test_paged_transformers

DECODERS = ("alibi", "prefix", "t5")
TRANSFORMERS = ("a window in every layer", "windows in some layers, eager attention, capped logits")


def counted(name: str, function: Callable[..., Any], counts: Counter[str]) -> Callable[..., Any]:
    """Return a function that counts its calls."""

    def called(*given: Any, **told: Any) -> Any:
        counts[name] += 1
        return function(*given, **told)

    return called


def main() -> None:
    """Read by every kind of reader as its own tests do, and print the counts."""
    found: dict[str, Counter[str]] = {}
    attention.has_kernels = lambda _: True
    packed, pages = launching.FlashAttention.apply, paged.attend_pages
    tests = {each: test_paged_decoder.test_pieces_of_several_sequences_are_answered_as_whole_texts_are for each in DECODERS}
    tests |= {each: test_paged_transformers.test_pieces_of_several_sequences_are_answered_as_whole_texts_are for each in TRANSFORMERS}
    for kind, test in tests.items():
        counts = found[kind] = Counter()
        launching.FlashAttention.apply = counted("packed", packed, counts)
        paged.attend_pages = counted("pages", pages, counts)
        test(kind)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
