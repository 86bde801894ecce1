"""A smaller model of the same tokens that guesses ahead for a larger one."""

from typing import TYPE_CHECKING, Any

from kernels.inference.cache.pages import PAGE
from kernels.inference.engines import reader_of
from kernels.inference.guessing.draft import Draft
from kernels.inference.readers.reading import InPages

if TYPE_CHECKING:
    from kernels.inference.native.packing import Bits
    from kernels.models.formats.checkpoints import LanguageModel


def drafting(lm: "LanguageModel", draft: "LanguageModel", *, most_kept_tokens: int, count: int, bits: "Bits | None" = None) -> Draft:
    """Return what guesses what a smaller model says.

    Args:
        lm: the model that answers.
        draft: the smaller one.
        most_kept_tokens: of all that the smaller one reads at once.
        count: of tokens that are guessed at a time.
        bits: of its weights; None leaves them as they are.

    Raises:
        ValueError: a token of one is none, or another, of the other (names the first), the smaller model keeps states beside pages, or its weights
            cannot be rounded.
    """
    _check_tokens(lm.tokenizer, draft.tokenizer)
    if (most := _num_logits(lm)) < (num := _num_logits(draft)):
        raise ValueError(f"the draft tells {num} tokens apart and the model that answers {most}; take a draft of the same vocabulary")
    num_pages = -(-most_kept_tokens // PAGE)
    reader = reader_of(draft, num_pages, bits)
    if not isinstance(reader, InPages):
        raise ValueError(f"{type(draft.model).__name__} keeps states beside pages, which cannot be taken back; take another draft")
    return Draft(reader, num_pages=num_pages, count=count)


def _num_logits(lm: "LanguageModel") -> int:
    return lm.model.config.get_text_config().vocab_size


def _check_tokens(answering: Any, drafting: Any) -> None:
    """Raise ValueError: two tokenizers have not the same tokens."""
    own, others = ({number: token for token, number in each.get_vocab().items()} for each in (answering, drafting))
    for number in sorted({*own, *others}):
        if own.get(number) != others.get(number):
            words = f"token {number} is {own.get(number)!r} of the model that answers and {others.get(number)!r} of the draft"
            raise ValueError(f"{words}; take a draft of the same vocabulary")
