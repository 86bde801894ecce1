"""What models write, by a real model: beside the likeliest answers of the engine that all else asks."""

from pathlib import Path

import pytest

from kernels.inference.decoding import answer
from kernels.inference.writing import Writing, written
from kernels.models.formats.checkpoints import LanguageModel
from kernels.tokens.special_tokens import SpecialTokens
from kernels.tokens.tokenizer_files import write_tokenizer
from kernels.tokens.tokenizers.byte_bpe import ByteBpeConfig, train

PROMPTS = [[104, 101], [65, 66, 67, 68], [120]]


@pytest.fixture
def model(tmp_path: Path) -> LanguageModel:
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    write_tokenizer(train(iter(["to be or not to be"] * 5), ByteBpeConfig(vocab_size=270)), tmp_path, SpecialTokens(), None)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    torch.manual_seed(1)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = LlamaConfig(vocab_size=len(tokenizer), max_position_embeddings=64, initializer_range=0.5, **sizes)
    return LanguageModel(LlamaForCausalLM(config).eval(), tokenizer, "cpu")


def test_the_likeliest_answer_is_that_of_all_others_who_ask(model: LanguageModel):
    told = written(model, PROMPTS, Writing(max_new_tokens=8, temperature=0, seed=1))
    assert [text for (text,) in told] == answer(model, PROMPTS, max_new_tokens=8, temperature=0, seed=1)


def test_several_answers_are_drawn_apart_and_the_same_by_the_same_seed(model: LanguageModel):
    how = Writing(max_new_tokens=8, temperature=1, seed=1, num_answers=3)
    told = written(model, PROMPTS, how)
    assert told == written(model, PROMPTS, how) != written(model, PROMPTS, how._replace(seed=2))
    assert all(len(set(texts)) == 3 for texts in told)


def test_a_string_that_ends_an_answer_is_no_part_of_it(model: LanguageModel):
    ((whole,),) = written(model, PROMPTS[:1], Writing(max_new_tokens=12, temperature=0, seed=1))
    stop = whole[3:5]
    ((cut,),) = written(model, PROMPTS[:1], Writing(max_new_tokens=12, temperature=0, seed=1, stops=(stop,)))
    assert cut == whole[: whole.index(stop)]


def test_progress_counts_prompts_whose_answers_are_all_there(model: LanguageModel):
    seen: list[tuple[int, int]] = []
    written(model, PROMPTS, Writing(max_new_tokens=2, temperature=1, seed=1, num_answers=2), lambda *numbers: seen.append(numbers))
    assert seen[-1] == (3, 3) and seen == sorted(seen)
