"""A tokenizer's folder is read whoever made it."""

import json
from pathlib import Path
from typing import Any

import pytest
from tokenizers import AddedToken, Tokenizer, models

from kernels.tokens.chats import UnrenderedError, template
from kernels.tokens.tokenizer_files import read_tokenizer, write_tokenizer
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
    assert (found.end_of_text, found.padding_id, found.names["eos_token"]) == ("<|endoftext|>", 3, "<|endoftext|>")
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


def test_a_tokenizer_that_ends_no_text_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="name one of the added tokens"):
        read_tokenizer(written(tmp_path, ["[CLS]"], {"eos_token": None}))


def test_templates_name_special_tokens_and_may_use_what_transformers_gives_them() -> None:
    render = template(
        "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}{% continue %}{% endif %}"
        "{% generation %}{{ m | tojson }}{% endgeneration %}{% endfor %}{% if strftime_now is defined %}today{% endif %}",
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
