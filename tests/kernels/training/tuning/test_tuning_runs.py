"""What is held out of conversations, and how a training on them is laid out."""

from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kernels.models.architectures import modernbert, prefix_decoder
from kernels.models.formats.fast import fresh, write
from kernels.tokens import tokenizer_files
from kernels.tokens.chats import Learned
from kernels.tokens.tokenizers import byte_bpe
from kernels.training.costs.flops import Flops
from kernels.training.course.horizon import Horizon
from kernels.training.course.stages import constant, make_plan, whole_rows
from kernels.training.feeding.conversations import RowShape, Text, rows_of, text_of
from kernels.training.learner import Setting
from kernels.training.outline import Outline, Rates
from kernels.training.parallel.team import Team
from kernels.training.tuning.config import TuningConfig
from kernels.training.tuning.runs import Material, feed_of, load_parent, shape_of, split


def conversations(prompts: range, answers: int = 2) -> list[Text]:
    return [text_of(Learned([prompt, prompt + 1, 9, answer], [0, 0, 0, 1])) for prompt in prompts for answer in range(answers)]


def sides(texts: list[Text], fraction: float) -> tuple[set[bytes], set[bytes]]:
    found = split(texts, lambda text: text, fraction)
    return {text.prompt for text in found.train}, {text.prompt for text in found.validation}


def test_all_answers_to_a_prompt_are_on_one_side() -> None:
    texts = conversations(range(200), 3)
    found = split(texts, lambda text: text, 0.2)
    assert not sides(texts, 0.2)[0] & sides(texts, 0.2)[1]
    assert set(Counter(text.prompt for text in found.validation).values()) == {3}
    assert len(found.train) + len(found.validation) == 600 and 60 <= len(found.validation) <= 180


def test_what_is_held_out_stays_so_when_others_come() -> None:
    few, more = sides(conversations(range(200)), 0.2), sides(conversations(range(400)), 0.2)
    assert few[1] == {prompt for prompt in more[1] if np.frombuffer(prompt, np.int32)[0] < 200}


@pytest.mark.parametrize(("count", "fraction"), [(20, 0.1), (200, 0.0)], ids=["few", "none asked for"])
def test_nothing_is_held_out_where_that_would_be_too_little_to_tell(count: int, fraction: float) -> None:
    texts = conversations(range(count), 1)
    assert split(texts, lambda text: text, fraction) == (texts, [])


def laid_out(*, compiled: bool) -> tuple[Any, RowShape]:
    texts = [text_of(Learned(list(range(length)), [0, *[1] * (length - 1)])) for length in np.random.default_rng(1).integers(2, 26, 50).tolist()]
    shape = RowShape(24, 3)
    plan = make_plan(40, constant(8), whole_rows(24), 24)
    setting = Setting("cpu", "float32", compiled, 0.0, "none")
    told = Outline(Rates(0.1, 8, 0.0, []), Horizon(40, 40, 0, ""), plan, setting, Team(), Flops(1, 1, 1, 0))
    config = TuningConfig.model_validate(
        {"seed": 1, "num_steps": 40, "batch_size": 8, "learning_rate": 0.1, "warmup_steps": 0, "max_length": 30}
        | {"precision": "float32", "checkpoint_every": 9}
    )
    return feed_of(config, told, Material("conversations", texts, len(texts), shape, partial(rows_of, texts)))


def test_what_is_compiled_reads_as_many_rows_in_each_step_as_the_fullest_of_the_first_ones() -> None:
    plain, compiled = laid_out(compiled=False), laid_out(compiled=True)
    as_many = [len(plain[0].batch(step).parts[0].inputs_BT) for step in range(40)]
    assert len(set(as_many)) > 1 and plain[1].least_rows == 0
    assert compiled[1].least_rows == max(as_many[:32])
    read = [compiled[0].batch(step) for step in range(40)]
    assert [len(batch.parts[0].inputs_BT) for batch in read] == [max(rows, max(as_many[:32])) for rows in as_many]
    assert [batch.num_tokens for batch in read] == [plain[0].batch(step).num_tokens for step in range(40)]


SIZES = {"hidden_size": 16, "num_layers": 1, "num_heads": 2, "intermediate_size": 32, "max_position_embeddings": 32, "tie_embeddings": True}


def parent_of(architecture: Any, folder: Path, **sizes: Any) -> Path:
    from transformers import AutoTokenizer

    tokenizer_files.write_tokenizer(byte_bpe.train(iter(["say cat"]), byte_bpe.ByteBpeConfig(vocab_size=264)), folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    config = architecture.SPEC.config.model_validate({"kind": architecture.SPEC.name, **SIZES, **sizes})
    write(fresh(architecture.build(config, vocab_size=len(tokenizer), eos_token_id=0, pad_token_id=3), 1), folder)
    return folder


def test_a_decoder_of_prefixes_reads_prompts_as_prefixes(tmp_path: Path) -> None:
    parent = load_parent(parent_of(prefix_decoder, tmp_path, num_kv_heads=1), "cpu")
    shape = shape_of(parent, conversations(range(3)), 20)
    assert shape == RowShape(8, 3, is_prefix=True) and parent.longest == 32


def test_a_model_that_reads_both_ways_learns_no_answers(tmp_path: Path) -> None:
    folder = parent_of(modernbert, tmp_path)
    with pytest.raises(ValueError, match="the model is bidirectional, and answers are learned by decoders"):
        load_parent(folder, "cpu")
