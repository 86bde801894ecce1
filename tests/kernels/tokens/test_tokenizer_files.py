"""A tokenizer's folder is read whoever made it."""

import json
from pathlib import Path
from typing import Any

import pytest
from tokenizers import AddedToken, Tokenizer, models, processors

from kernels.specs.objectives import ControlTokens
from kernels.tokens.chats import UnrenderedError, template
from kernels.tokens.special_tokens import SpecialTokens, control_tokens_to_be
from kernels.tokens.tokenizer_files import control_tokens, read_tokenizer, write_tokenizer
from kernels.tokens.tokenizers.byte_bpe import ByteBpeConfig, train


def written(folder: Path, tokens: list[str], settings: dict[str, Any]) -> Path:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.add_special_tokens([AddedToken(token) for token in tokens])
    (folder / "tokenizer.json").write_text(tokenizer.to_str())
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return folder


def test_a_tokenizer_made_here_ends_texts_and_pads_with_its_own_tokens(tmp_path: Path) -> None:
    write_tokenizer(train(iter(["one two"]), ByteBpeConfig(vocab_size=264)), tmp_path)
    found = read_tokenizer(tmp_path)
    assert (found.end_of_text, found.padding_id) == ("<|endoftext|>", 3)
    assert found.names["bos_token"] == found.names["eos_token"] == "<|endoftext|>"
    assert found.template and "im_start" in found.template


@pytest.mark.parametrize(
    ("tokens", "settings", "end", "padding"),
    [
        (["<|endoftext|>", "<|im_end|>"], {"eos_token": "<|im_end|>", "pad_token": "<|im_end|>"}, "<|endoftext|>", 1),
        (["<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"], {"eos_token": "<|eot_id|>"}, "<|end_of_text|>", 1),
        (["<s>", "</s>", "<unk>"], {"eos_token": {"content": "</s>"}, "pad_token": None}, "</s>", 1),
        (["[CLS]", "[SEP]", "[PAD]"], {"eos_token": "[SEP]", "pad_token": "[PAD]"}, "[SEP]", 2),
    ],
)
def test_documents_end_as_in_pretraining_and_not_as_turns_do(
    tokens: list[str], settings: dict[str, Any], end: str, padding: int, tmp_path: Path
) -> None:
    found = read_tokenizer(written(tmp_path, tokens, settings))
    assert (found.end_of_text, found.padding_id) == (end, padding)


def test_of_templates_with_names_that_is_taken_that_transformers_takes(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    plain, tools = "\n{% for m in messages %}\n[{{ m.content }}]\n{% endfor %}\n \n", "{%- set n = tools | length %}\n{{ n }} tools\n"
    named = [{"name": "default", "template": plain}, {"name": "tool_use", "template": tools}]
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "</s>", "chat_template": named}
    theirs: Any = AutoTokenizer.from_pretrained(written(tmp_path, ["</s>"], settings), local_files_only=True)
    source = read_tokenizer(tmp_path).template
    assert source is not None
    said: list[dict[str, Any]] = [{"role": "user", "content": "Why?"}]
    for given in (None, [{"type": "function", "function": {"name": "tide"}}]):
        assert template(source, {})(said, given, False) == theirs.apply_chat_template(said, tools=given, tokenize=False)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [({}, "</s>"), ({"eos_token": "<a>"}, "</s>"), ({"eos_token": "<a>", "added_tokens_decoder": {}}, "<a>")],
    ids=["only the older file", "both", "the settings list their tokens"],
)
def test_special_tokens_are_those_that_transformers_finds_in_settings_or_in_the_older_file(
    settings: dict[str, Any], expected: str, tmp_path: Path
) -> None:
    from transformers import AutoTokenizer

    written(tmp_path, ["<s>", "</s>", "<a>"], {"tokenizer_class": "PreTrainedTokenizerFast", **settings})
    (tmp_path / "special_tokens_map.json").write_text(json.dumps({"bos_token": {"content": "<s>"}, "eos_token": "</s>"}))
    theirs: Any = AutoTokenizer.from_pretrained(tmp_path, local_files_only=True)
    names = read_tokenizer(tmp_path).names
    assert names == theirs.special_tokens_map and names["eos_token"] == expected


def test_a_tokenizer_that_ends_no_text_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="name one of the added tokens"):
        read_tokenizer(written(tmp_path, ["[CLS]"], {"eos_token": None}))


def test_templates_name_special_tokens_and_may_use_what_transformers_gives_them() -> None:
    render = template(
        "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}{% continue %}{% endif %}"
        "{% generation %}{{ m | tojson }}{% endgeneration %}{% endfor %}",
        {"bos_token": "<s>"},
    )
    assert render([{"role": "system", "content": "x"}, {"role": "user", "content": "é"}], None, False) == '<s>{"role": "user", "content": "é"}'


@pytest.mark.parametrize(
    "source", ["{{ raise_exception('no') }}", "{{ messages[0].nothing.more }}", "{{ ''.__class__.__mro__[1] }}", "{{ 1 + 'a' }}"]
)
def test_a_template_that_refuses_or_breaks_is_told_of(source: str) -> None:
    with pytest.raises(UnrenderedError, match="refuses"):
        template(source, {})([{"role": "user", "content": "a"}], None, False)
    with pytest.raises(UnrenderedError, match="cannot be read"):
        template("{% for %}", {})


def test_control_tokens_of_a_tokenizer_made_here_are_those_it_was_asked_for(tmp_path: Path) -> None:
    special = SpecialTokens(mask=True, fill_in_the_middle=True, num_sentinels=3, more=("<|tool|>",))
    write_tokenizer(train(iter(["one two"]), ByteBpeConfig(vocab_size=280, special_tokens=special)), tmp_path, special, "{{ 'own' }}")
    assert control_tokens(tmp_path) == ControlTokens(0, 3, 4, 5, 6, 7, (8, 9, 10), 268, frozenset(range(12)), (0,))
    found = read_tokenizer(tmp_path)
    assert (found.template, found.names["mask_token"]) == ("{{ 'own' }}", "<|mask|>")


@pytest.mark.parametrize("special", [SpecialTokens(), SpecialTokens(mask=True), SpecialTokens(fill_in_the_middle=True, num_sentinels=2)], ids=str)
@pytest.mark.parametrize("more", [(), ("[MASK]", "<extra_id_0>"), ("<fim_prefix>", "<fim_suffix>", "<fim_middle>")], ids=str)
def test_what_control_tokens_a_vocabulary_will_have_is_known_before_it_is_trained(
    tmp_path: Path, special: SpecialTokens, more: tuple[str, ...]
) -> None:
    special = special.model_copy(update={"more": more})
    write_tokenizer(train(iter(["one two"]), ByteBpeConfig(vocab_size=280, special_tokens=special)), tmp_path, special)
    made = control_tokens(tmp_path)
    assert control_tokens_to_be(special, made.vocabulary_size) == made


def test_a_tokenizer_made_here_without_asking_has_neither_mask_nor_sentinels(tmp_path: Path) -> None:
    write_tokenizer(train(iter(["one two"]), ByteBpeConfig(vocab_size=264)), tmp_path)
    assert control_tokens(tmp_path) == ControlTokens(0, 3, vocabulary_size=260, special=frozenset(range(4)), before=(0,))


@pytest.mark.parametrize(
    ("tokens", "settings", "expected"),
    [
        (["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], {"eos_token": "[SEP]", "mask_token": "[MASK]"}, {"mask": 4}),
        (["<s>", "<pad>", "</s>", "<unk>", "<mask>"], {}, {"mask": 4}),
        (["</s>", "<own>"], {"mask_token": {"content": "<own>"}}, {"mask": 1}),
        (["</s>", *(f"<extra_id_{number}>" for number in (2, 1, 0))], {}, {"sentinels": (3, 2, 1)}),
        (["</s>", "<extra_id_1>"], {}, {}),
        (["<|endoftext|>", "<fim_prefix>", "<fim_middle>", "<fim_suffix>", "<fim_pad>"], {}, {"fim_prefix": 1, "fim_suffix": 3, "fim_middle": 2}),
        (["<|endoftext|>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>"], {}, {"fim_prefix": 1, "fim_suffix": 3, "fim_middle": 2}),
        (["<|endoftext|>", "<fim-prefix>", "<fim-middle>", "<fim-suffix>"], {}, {"fim_prefix": 1, "fim_suffix": 3, "fim_middle": 2}),
        (["</s>", "▁<PRE>", "▁<MID>", "▁<SUF>", "▁<EOT>"], {}, {"fim_prefix": 1, "fim_suffix": 3, "fim_middle": 2}),
        (["</s>", "[PREFIX]", "[SUFFIX]", "[MIDDLE]"], {}, {"fim_prefix": 1, "fim_suffix": 2, "fim_middle": 3}),
        (["</s>", "<｜fim▁hole｜>", "<｜fim▁begin｜>", "<｜fim▁end｜>"], {}, {"fim_prefix": 2, "fim_suffix": 1, "fim_middle": 3}),
        (["</s>", "<fim_prefix>", "<|fim_suffix|>", "<fim_middle>"], {}, {}),
    ],
)
def test_control_tokens_of_others_are_found_under_their_usual_names(
    tokens: list[str], settings: dict[str, Any], expected: dict[str, Any], tmp_path: Path
) -> None:
    found = control_tokens(written(tmp_path, tokens, settings))
    read = read_tokenizer(tmp_path)
    assert found == ControlTokens(
        tokens.index(read.end_of_text), read.padding_id, vocabulary_size=len(tokens), special=frozenset(range(len(tokens))), **expected
    )


def test_a_word_of_the_vocabulary_that_is_no_control_token_is_none(tmp_path: Path) -> None:
    tokenizer = Tokenizer(models.WordLevel({"</s>": 0, "<mask>": 1, "a": 2}, unk_token="a"))
    tokenizer.add_special_tokens(["</s>"])
    (tmp_path / "tokenizer.json").write_text(tokenizer.to_str())
    assert control_tokens(tmp_path) == ControlTokens(0, 0, vocabulary_size=3, special=frozenset({0}))


def test_what_stands_before_texts_is_a_control_token_whatever_the_vocabulary_calls_it(tmp_path: Path) -> None:
    tokenizer: Any = Tokenizer(models.WordLevel({"</s>": 0, "<s>": 1, "a": 2}, unk_token="a"))
    tokenizer.add_special_tokens(["</s>"])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    (tmp_path / "tokenizer.json").write_text(tokenizer.to_str())
    assert control_tokens(tmp_path) == ControlTokens(0, 0, vocabulary_size=3, special=frozenset({0, 1}), before=(1,))
