"""Mamba-2: equal to its recurrence and to Transformers, blind to what lies ahead and to other documents, the same step by step, padded and packed."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from kernels.inference.decoding import continued
from kernels.inference.likelihoods.likelihood import Request, log_likelihoods
from kernels.models.architectures import mamba2
from kernels.models.blocks.cross_entropy import token_loss
from kernels.models.blocks.state_space import documents_of, scan
from kernels.models.formats.checkpoints import LanguageModel, max_positions
from kernels.models.formats.fast import fast_of, fresh, taken, write
from kernels.models.reading import Reading
from tests.small_models import shaken

VOCABULARY = 61
SIZES: dict[str, Any] = {
    "kind": "mamba2",
    "hidden_size": 32,
    "num_layers": 2,
    "state_size": 8,
    "head_dim": 16,
    "tie_embeddings": False,
    "chunk_size": 8,
}


def shape(vocabulary: int = VOCABULARY, **changed: Any) -> Any:
    config = mamba2.SPEC.config.model_validate(SIZES | changed)
    return mamba2.SPEC.build(config, vocab_size=vocabulary, eos_token_id=1, pad_token_id=0)


def logits(module: Any, tokens: torch.Tensor, segments: torch.Tensor | None = None) -> torch.Tensor:
    weight, _ = module.output_layer()
    return module(Reading(tokens, torch.zeros_like(tokens) if segments is None else segments), torch.float32) @ weight.t()


def words(rows: int = 2, length: int = 29) -> torch.Tensor:
    return torch.randint(2, VOCABULARY, (rows, length), generator=torch.Generator().manual_seed(5))


def loaded(folder: Path, **changed: Any) -> tuple[Any, Any]:
    """Return a model of ours as it is loaded, and Transformers' own of the same checkpoint."""
    from transformers import AutoModelForCausalLM, Mamba2ForCausalLM

    write(shaken(shape(**changed)), folder)
    auto: Any = AutoModelForCausalLM
    return auto.from_pretrained(folder).eval(), Mamba2ForCausalLM.from_pretrained(folder).eval()


def stepped(x: Any, dt: Any, a: Any, b: Any, c: Any, segments: Any, state: Any) -> tuple[Any, Any]:
    """The recurrence, a position at a time: what `scan` must give."""
    rows, length, heads, width = x.shape
    groups, size = b.shape[2:]
    state = torch.zeros(rows, groups, size, heads // groups, width) if state is None else state
    given = []
    for place in range(length):
        stays = torch.ones(rows) if place == 0 else (segments[:, place] == segments[:, place - 1]).float()
        decay = (torch.exp(dt[:, place] * a) * stays[:, None]).view(rows, groups, 1, -1, 1)
        read = (x[:, place] * dt[:, place, :, None]).view(rows, groups, 1, -1, width)
        state = state * decay + b[:, place, :, :, None, None] * read
        given.append((c[:, place, :, :, None, None] * state).sum(2).flatten(1, 2))
    return torch.stack(given, 1), state


@pytest.mark.parametrize("seed", range(12))
def test_chunks_give_what_the_recurrence_gives_and_the_same_gradients(seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    rows, length, groups, repeats, width, size, chunk = (int(torch.randint(1, most, (), generator=random)) for most in (4, 40, 4, 4, 7, 9, 17))
    goes_on = seed % 2 == 1
    heads = groups * repeats
    x = torch.randn(rows, length, heads, width, generator=random, requires_grad=True)
    dt = (torch.rand(rows, length, heads, generator=random) * 0.5).requires_grad_()
    a = (-16 * torch.rand(heads, generator=random)).requires_grad_()
    b, c = (torch.randn(rows, length, groups, size, generator=random, requires_grad=True) for _ in range(2))
    before = torch.randn(rows, groups, size, repeats, width, generator=random, requires_grad=True) if goes_on else None
    segments = (torch.rand(rows, length, generator=random) < 0.15).cumsum(1)
    leaves = [x, dt, a, b, c] + ([] if before is None else [before])
    found = scan(x, dt, a, b, c, documents_of(segments, min(chunk, length), 3, goes_on=goes_on), before)
    expected = stepped(x, dt, a, b, c, segments, before)
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)
    weights = [torch.randn(part.shape, generator=random) for part in found]
    gradients = [torch.autograd.grad(sum((w * part).sum() for w, part in zip(weights, parts, strict=True)), leaves) for parts in (found, expected)]
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    "changed", [{}, {"num_groups": 4, "chunk_size": 64}, {"tie_embeddings": True, "conv_kernel": 2, "chunk_size": 29}, {"expand": 3, "num_layers": 3}]
)
def test_logits_are_those_of_transformers_on_the_same_weights_both_ways(tmp_path: Path, changed: dict[str, Any]) -> None:
    from transformers import Mamba2ForCausalLM

    ours = shaken(shape(**changed))
    write(ours, tmp_path)
    theirs = Mamba2ForCausalLM.from_pretrained(tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["architectures"] == ["Mamba2ForCausalLM"]
    torch.testing.assert_close(logits(ours.module, words()), theirs(words()).logits, rtol=1e-4, atol=1e-4)
    back = taken(theirs)
    assert back.is_own
    torch.testing.assert_close(logits(back.module, words()), logits(ours.module, words()), rtol=0, atol=0)


@pytest.mark.parametrize("changed", [{"use_bias": True}, {"use_conv_bias": False}, {"time_step_limit": (0.2, 0.6)}, {"residual_in_fp32": False}])
def test_a_model_of_others_with_other_settings_gives_the_logits_of_transformers(changed: dict[str, Any]) -> None:
    from transformers import Mamba2Config, Mamba2ForCausalLM

    torch.manual_seed(1)
    made = Mamba2Config(**(shape().to_dict() | changed))
    theirs = Mamba2ForCausalLM(made).eval()
    torch.testing.assert_close(logits(taken(theirs).module, words()), theirs(words()).logits, rtol=1e-4, atol=1e-4)


def test_a_model_whose_activation_is_not_silu_is_left_to_transformers_and_never_answers_by_ours() -> None:
    made = shape()
    made.hidden_act = "gelu"
    assert fast_of(made) is None
    from transformers import AutoModelForCausalLM

    auto: Any = AutoModelForCausalLM
    with pytest.raises(ValueError, match="silu"):
        auto.from_config(made)(words())


def test_a_checkpoint_that_asks_for_smaller_projections_at_the_beginning_is_read_as_it_was_written(tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    ours = shaken(shape())
    write(ours, tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["rescale_prenorm_residual"] is False, "else Transformers divides those weights whenever it loads them"
    (tmp_path / "config.json").write_text(json.dumps(config | {"rescale_prenorm_residual": True}))
    auto: Any = AutoModelForCausalLM
    torch.testing.assert_close(auto.from_pretrained(tmp_path)(words()).logits, logits(ours.module, words()), rtol=1e-4, atol=1e-4)


def test_a_later_token_never_changes_an_earlier_logit() -> None:
    ours = shaken(shape()).module
    for place in (7, 8, 20):
        changed = words()
        changed[:, place] = (changed[:, place] + 1) % VOCABULARY
        before, after = logits(ours, words()), logits(ours, changed)
        assert torch.equal(before[:, :place], after[:, :place])
        assert not torch.equal(before[:, place:], after[:, place:])


@pytest.mark.parametrize("start", [1, 2, 7, 8, 9, 17, 28])
def test_a_document_has_the_same_logits_alone_and_packed_behind_others_of_which_it_knows_nothing(start: int) -> None:
    ours = shaken(shape()).module
    segments = (torch.arange(29) >= start)[None].long() + (torch.arange(29) >= start // 2)[None].long()
    packed = logits(ours, words(1), segments)[:, start:]
    torch.testing.assert_close(packed, logits(ours, words(1)[:, start:]), rtol=1e-4, atol=1e-4)
    others = words(1)
    others[:, :start] = (others[:, :start] + 5) % VOCABULARY
    assert torch.equal(packed, logits(ours, others, segments)[:, start:]), "not a bit of another document is seen"


@pytest.mark.parametrize("first", [1, 3, 8, 13])
def test_reading_on_from_a_memory_gives_the_logits_of_reading_at_once_and_the_memory_never_grows(tmp_path: Path, first: int) -> None:
    asked, theirs = loaded(tmp_path, num_groups=2)
    with torch.inference_mode():
        answer = asked(words()[:, :first], use_cache=True)
        size = sum(part.numel() for memory in answer.past_key_values for part in memory)
        steps, place = [answer.logits], first
        while place < 29:
            end = place + (5 if place == first else 1)
            answer = asked(words()[:, place:end], past_key_values=answer.past_key_values, use_cache=True)
            steps.append(answer.logits)
            place = end
        torch.testing.assert_close(torch.cat(steps, 1), theirs(words()).logits, rtol=1e-4, atol=1e-4)
    assert sum(part.numel() for memory in answer.past_key_values for part in memory) == size


def test_several_prompts_are_answered_as_each_prompt_alone_and_as_transformers_without_a_cache(tmp_path: Path) -> None:
    asked, theirs = loaded(tmp_path)
    language_model = LanguageModel(asked, SimpleNamespace(decode=lambda tokens, **_: ""), "cpu")
    prompts = [[3, 4, 5], list(range(7, 26)), [4]]
    settings: dict[str, Any] = {"max_new_tokens": 12, "temperature": 0, "seed": 0, "stop": ()}
    together = continued(language_model, prompts, **settings)
    for row, prompt in zip(together, prompts, strict=True):
        assert [row] == continued(language_model, [prompt], **settings)
        told = list(prompt)
        for _ in range(12):
            told.append(int(theirs(torch.tensor([told])).logits[0, -1].argmax()))
        assert row == told[len(prompt) :]


def test_the_generation_of_transformers_still_answers(tmp_path: Path) -> None:
    asked, theirs = loaded(tmp_path)
    settings: dict[str, Any] = {"max_new_tokens": 6, "do_sample": False, "eos_token_id": None}
    assert torch.equal(asked.generate(words()[:, :5], **settings), theirs.generate(words()[:, :5], **settings))


def test_likelihoods_in_a_batch_are_those_of_each_request_alone_however_long(tmp_path: Path) -> None:
    asked, _ = loaded(tmp_path)
    assert max_positions(asked) is None
    language_model = LanguageModel(asked, SimpleNamespace(decode=lambda tokens, **_: ""), "cpu")
    requests = [Request((3, 4, 5), (6, 7)), Request((9,), tuple(range(2, 30))), Request(tuple(range(2, 50)), (8,)), Request((3, 4, 5), (6, 9))]
    alone = [log_likelihoods(language_model, [request])[0] for request in requests]
    assert log_likelihoods(language_model, requests) == pytest.approx(alone, rel=0.02)
    exact = asked(torch.tensor([[3, 4, 5, 6]])).logits.detach().log_softmax(-1)[0]
    assert alone[0] == pytest.approx(float(exact[2, 6] + exact[3, 7]), rel=0.03)


def test_positions_that_start_anew_keep_documents_apart_and_a_mask_of_pairs_alone_is_refused(tmp_path: Path) -> None:
    asked, _ = loaded(tmp_path)
    positions = torch.cat([torch.arange(11), torch.arange(18)])[None]
    pairs = torch.ones(1, 1, 29, 29, dtype=torch.bool)
    packed = asked(words(1), position_ids=positions, attention_mask=pairs).logits[:, 11:]
    torch.testing.assert_close(packed, asked(words(1)[:, 11:]).logits, rtol=1e-4, atol=1e-4)
    with pytest.raises(ValueError, match="position_ids"):
        asked(words(1), attention_mask=pairs)


@pytest.mark.parametrize(
    ("changed", "key"),
    [({"head_dim": 24}, "head_dim"), ({"num_groups": 3}, "num_groups"), ({"conv_kernel": 1}, "conv_kernel"), ({"expand": 0}, "expand")],
)
def test_sizes_that_do_not_fit_are_named(changed: dict[str, Any], key: str) -> None:
    with pytest.raises(ValidationError) as raised:
        mamba2.SPEC.config.model_validate(SIZES | changed)
    error = raised.value.errors()[0]
    assert key in (*error["loc"], error.get("ctx", {}).get("key"))


def test_states_begin_as_the_paper_has_them_and_a_seed_decides_them() -> None:
    made = shape(hidden_size=512, num_layers=4)
    module: Any = fresh(made, 3).module
    for block in module.blocks:
        decays, steps = block.log_decay.detach().exp(), torch.nn.functional.softplus(block.step_bias.detach())
        assert 1 <= float(decays.min()) < 4 and 13 < float(decays.max()) <= 16.001
        assert 0.00099 < float(steps.min()) < 0.003 and 0.03 < float(steps.max()) < 0.1001
        assert torch.equal(block.skip, torch.ones(64)) and float(block.kernel.detach().abs().max()) <= 0.5
        assert float(block.project.weight.detach().std()) == pytest.approx(0.02, rel=0.02)
        assert float(block.out.weight.detach().std()) == pytest.approx(0.01, rel=0.02)
    again: Any = fresh(made, 3).module
    assert all(torch.equal(one, other) for one, other in zip(module.parameters(), again.parameters(), strict=True))


def learn(module: Any, batches: Any, rate: float) -> float:
    """Return the loss of the last of some batches, each learned from once."""
    optimizer = torch.optim.AdamW(module.parameters(), lr=rate, weight_decay=0.0)
    loss: Any = None
    for tokens, segments in batches:
        hidden = module(Reading(tokens, segments), torch.bfloat16)
        targets = tokens[:, 1:].masked_fill(segments[:, 1:] != segments[:, :-1], -1).flatten()
        loss = token_loss(hidden[:, :-1].flatten(0, 1), module.output_layer()[0], targets, (targets >= 0).sum()).total
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
    return float(loss.detach())


def test_one_batch_of_packed_documents_is_learned_by_heart_in_bfloat16() -> None:
    module = fresh(shape(hidden_size=64, num_layers=2, tie_embeddings=True), 1).module
    tokens = words(4, 32)
    tokens[:, 0], tokens[:, 13] = torch.arange(2, 6), torch.arange(12, 16)  # what a document begins with tells it from the others
    segments = (torch.arange(32) >= 13)[None].expand(4, -1).long()
    assert learn(module, [(tokens, segments)] * 120, 1e-2) < 0.05
