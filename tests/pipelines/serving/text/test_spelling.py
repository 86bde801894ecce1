"""Tokens are spelled by their bytes."""

from kernels.inference.asking import Told
from kernels.models.formats.checkpoints import LanguageModel
from pipelines.serving.text.spelling import LEAST_LOGPROB, Spelling


def test_the_bytes_of_tokens_are_those_of_the_text(lm: LanguageModel) -> None:
    spelling, text = Spelling(lm.tokenizer), "a \u00e9 \u4e16\n"
    ids = lm.tokenizer.encode(text, add_special_tokens=False)
    assert b"".join(spelling.bytes_of(token) for token in ids) == text.encode()


def test_part_of_a_character_is_a_mark_and_its_bytes(lm: LanguageModel) -> None:
    spelling = Spelling(lm.tokenizer)
    first = lm.tokenizer.encode("\u00e9", add_special_tokens=False)[0]
    (told,) = spelling.told([Told(first, -1.5, [(first, -1.5), (lm.tokenizer.eos_token_id, float("-inf"))])])
    assert told["token"] == "\ufffd" and told["bytes"] == [0xC3] and told["logprob"] == -1.5
    assert told["top_logprobs"][1] == {"token": "<|endoftext|>", "logprob": LEAST_LOGPROB, "bytes": list(b"<|endoftext|>")}
