"""What an encoder-decoder answers, that a model of masked tokens is refused, and how checkpoints of both are loaded."""

from pathlib import Path
from typing import Any

import pytest
import torch

from kernels.inference import decoding
from kernels.inference.likelihoods.likelihood import Request, log_likelihoods
from kernels.inference.likelihoods.requests import num_tokens_cut
from kernels.models.architectures import llama, modernbert, prefix_decoder, t5
from kernels.models.formats import checkpoints
from kernels.models.formats.checkpoints import LanguageModel
from kernels.models.formats.fast import fresh, taken, write
from kernels.models.reading import Reading
from kernels.tokens import tokenizer_files
from kernels.tokens.tokenizers import byte_bpe

SIZES: dict[str, Any] = {"hidden_size": 32, "num_layers": 2, "num_heads": 2, "intermediate_size": 48, "max_position_embeddings": 64}
CONFIGS = {
    "t5": (t5, t5.T5Config(kind="t5", tie_embeddings=False, **SIZES)),
    "t5 tied": (t5, t5.T5Config(kind="t5", tie_embeddings=True, **SIZES)),
    "modernbert": (modernbert, modernbert.ModernBertConfig(kind="modernbert", tie_embeddings=True, **SIZES)),
    "prefixes": (prefix_decoder, prefix_decoder.PrefixDecoderConfig(kind="prefix_decoder", tie_embeddings=True, num_kv_heads=2, **SIZES)),
    "llama": (llama, llama.LlamaConfig(kind="llama", tie_embeddings=True, num_kv_heads=2, **SIZES)),
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    from transformers import AutoTokenizer

    folder = tmp_path_factory.mktemp("saved")
    tokenizer_files.write_tokenizer(byte_bpe.train(iter(["a cat sat on a mat"]), byte_bpe.ByteBpeConfig(vocab_size=264)), folder / "tokenizer")
    tokenizer: Any = AutoTokenizer.from_pretrained(folder / "tokenizer")
    for name, (family, config) in CONFIGS.items():
        made = family.build(config, vocab_size=len(tokenizer), eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id)  # pyright: ignore[reportArgumentType]
        write(fresh(made, 3), folder / name)
        tokenizer.save_pretrained(folder / name)
    return {name: folder / name for name in CONFIGS}


def test_a_checkpoint_is_loaded_by_the_class_that_it_names_and_says_who_sees_whom(folders: dict[str, Path]) -> None:
    found = {name: checkpoints.load(folder, "cpu") for name, folder in folders.items()}
    assert {name: (type(lm.model).__name__, lm.attention) for name, lm in found.items()} == {
        "t5": ("T5ForConditionalGeneration", "encoder_decoder"),
        "t5 tied": ("T5ForConditionalGeneration", "encoder_decoder"),
        "modernbert": ("ModernBertForMaskedLM", "bidirectional"),
        "prefixes": ("ModelmillDecoderForCausalLM", "prefix"),
        "llama": ("LlamaForCausalLM", "causal"),
    }


@pytest.mark.parametrize("name", ["t5", "t5 tied", "modernbert"])
def test_a_checkpoint_loaded_and_saved_again_is_the_same_model(folders: dict[str, Path], tmp_path: Path, name: str) -> None:
    lm = checkpoints.load(folders[name], "cpu")
    checkpoints.save(lm.model, lm.tokenizer, tmp_path)
    first, again = (taken(checkpoints.load(folder, "cpu").model).module.state_dict() for folder in (folders[name], tmp_path))
    assert first.keys() == again.keys() and all(torch.equal(first[key], again[key]) for key in first)


def test_a_model_of_masked_tokens_is_asked_neither_for_text_nor_for_likelihoods(folders: dict[str, Path]) -> None:
    lm = checkpoints.load(folders["modernbert"], "cpu")
    with pytest.raises(ValueError, match="ModernBertForMaskedLM predicts masked tokens and continues no text; ask a causal"):
        decoding.generate(lm, ["a cat"], max_new_tokens=4, temperature=0.0, seed=0)
    with pytest.raises(ValueError, match="ModernBertForMaskedLM predicts masked tokens and continues no text; ask a causal"):
        log_likelihoods(lm, [Request((3,), (4,))])


def scores(lm: LanguageModel, given: tuple[int, ...], written: tuple[int, ...]) -> torch.Tensor:
    """Log-probabilities [U, V] of what follows the start and each token that was written, by the module that trains."""
    module = taken(lm.model).module
    tokens, of_decoder = torch.tensor([given]), torch.tensor([(lm.tokenizer.pad_token_id, *written)])
    reading = Reading(tokens, torch.zeros_like(tokens), decoder_tokens_BU=of_decoder, decoder_segments_BU=torch.zeros_like(of_decoder))
    with torch.no_grad():
        return (module(reading, torch.float32) @ module.output_layer()[0].t()).log_softmax(-1)[0]


@pytest.mark.parametrize("name", ["t5", "t5 tied"])
def test_the_likelihood_of_an_answer_is_that_of_the_decoder_where_the_encoder_reads_the_question(folders: dict[str, Path], name: str) -> None:
    lm = checkpoints.load(folders[name], "cpu")
    requests = [Request((5, 6, 7), (8, 9)), Request((5, 6, 7), (10,)), Request((11,), (12, 13, 14, 15)), Request((5, 6, 7), (8, 9))]
    found = log_likelihoods(lm, requests)
    for request, likelihood in zip(requests, found, strict=True):
        of_steps = scores(lm, request.context, request.continuation[:-1])
        expected = sum(float(step[token]) for step, token in zip(of_steps, request.continuation, strict=True))
        assert likelihood == pytest.approx(expected, rel=0.02)
    assert found[0] == found[3] and len({round(value, 2) for value in found}) == 3


def test_of_a_context_longer_than_the_model_reads_its_end_counts(folders: dict[str, Path]) -> None:
    lm = checkpoints.load(folders["t5"], "cpu")
    long = tuple(range(5, 75))
    whole, end = (log_likelihoods(lm, [Request(context, (8, 9))]) for context in (long, long[-64:]))
    assert whole == end
    cut = {name: num_tokens_cut(checkpoints.load(folders[name], "cpu"), Request(long, (8, 9, 10))) for name in ("t5", "llama")}
    assert cut == {"t5": 70 - 64, "llama": 72 - 64}
    with pytest.raises(ValueError, match="at most 64"):
        log_likelihoods(lm, [Request((5,), long)])


def test_requests_that_share_a_question_have_it_read_once(folders: dict[str, Path]) -> None:
    lm = checkpoints.load(folders["t5"], "cpu")
    rows: list[int] = []
    lm.model.get_encoder().register_forward_hook(lambda module, given, told, made: rows.append(len(made.last_hidden_state)), with_kwargs=True)
    log_likelihoods(lm, [Request((5, 6, 7), (token,)) for token in range(8, 14)] + [Request((6, 7), (8,))])
    assert rows == [2]


@pytest.mark.parametrize("name", ["t5", "prefixes"])
def test_where_nothing_may_depend_on_what_is_asked_beside_it_not_one_bit_does(folders: dict[str, Path], name: str) -> None:
    lm = checkpoints.load(folders[name], "cpu")._replace(is_invariant=True)
    requests = [Request(tuple(range(5, 5 + given)), tuple(range(70, 70 + told))) for given, told in ((3, 1), (40, 4), (40, 2), (7, 5))]
    assert log_likelihoods(lm, requests) == [log_likelihoods(lm, [request])[0] for request in requests]
    prompts, told = [request.context for request in requests], {"max_new_tokens": 4, "temperature": 0.0, "seed": 1, "stop": ()}
    assert decoding.continued(lm, prompts, **told) == [decoding.continued(lm, [prompt], **told)[0] for prompt in prompts]


@pytest.mark.parametrize("name", ["t5", "t5 tied"])
def test_greedy_text_is_the_likeliest_token_by_token_and_the_encoder_reads_a_prompt_once(folders: dict[str, Path], name: str) -> None:
    lm = checkpoints.load(folders[name], "cpu")
    reads: list[int] = []
    lm.model.get_encoder().register_forward_hook(lambda *given: reads.append(1))
    prompts = [(5, 6, 7, 8, 9), (10, 11)]
    rows = decoding.continued(lm, prompts, max_new_tokens=6, temperature=0.0, seed=0, stop=())
    assert reads == [1, 1]
    for row, prompt in zip(rows, prompts, strict=True):
        written: tuple[int, ...] = ()
        for _ in range(6):
            written = (*written, int(scores(lm, prompt, written)[-1].argmax()))
        assert tuple(row) == written


def test_a_prompt_is_answered_alike_alone_and_beside_a_longer_one(folders: dict[str, Path]) -> None:
    lm = checkpoints.load(folders["t5"], "cpu")
    (alone,) = decoding.generate(lm, ["a cat"], max_new_tokens=8, temperature=0.0, seed=0)
    batched = decoding.generate(lm, ["a cat", "a cat sat on a mat, a cat sat on a mat"], max_new_tokens=8, temperature=0.0, seed=0)
    assert alone and batched[0] == alone
