"""A tokenizer's folder in Transformers form."""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

from kernels.specs.objectives import ControlTokens
from kernels.tokens.content import END_OF_TEXT, MASK, PADDING, TURN_END, TURN_START, put_before_a_text, settings_of, tokenizer_of
from kernels.tokens.special_tokens import SpecialTokens, infilling_of, mask_of, sentinels_of

CHAT_ML = (
    "{% if tools %}{{ '<|im_start|>tools\\n' + tools | tojson + '<|im_end|>\\n' }}{% endif %}"
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + (message['content'] or '') }}"
    "{% for call in message['tool_calls'] or [] %}"
    "{{ ('\\n' if message['content'] or not loop.first else '') + '<tool_call>\\n' + call['function'] | tojson + '\\n</tool_call>' }}"
    "{% endfor %}{{ '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
"""ChatML, as SmolLM2 has it; tools are defined in a turn of their own before all others, and called as JSON between marks that are plain text. It is
for tokenizers of others without a template: many name a beginning of text that nothing puts before conversations, such as the mark of a turn."""
CHAT_TEMPLATE = "{{ bos_token or '' }}" + CHAT_ML
"""Of tokenizers made here: a conversation begins as a text does."""
CHAT_TEMPLATE_WITHOUT_MARKS = CHAT_TEMPLATE.replace("'<|im_end|>\\n'", "eos_token + '\\n'").replace("<|im_start|>", "")
"""The same for a vocabulary without ChatML's tokens, in which they would be plain text that ends nothing: the end of text ends a turn."""
OURS = (CHAT_ML, CHAT_TEMPLATE, CHAT_TEMPLATE_WITHOUT_MARKS)
"""Templates that stand where nobody gave one."""

JSON, SETTINGS, TEMPLATE, OLDER = "tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "special_tokens_map.json"
FILES = (JSON, SETTINGS, TEMPLATE, OLDER)
"""All that a tokenizer's folder may hold."""
NO_MORE = SpecialTokens()
ENDS_OF_TEXT = (END_OF_TEXT, "<|end_of_text|>", "</s>", "<eos>")
"""By what documents end in pretraining: GPT-2's and most since, Llama 3's, SentencePiece's, Gemma's. A tokenizer that was made for chats often
names the end of a turn as the end of a text."""


class TokenizerFiles(NamedTuple):
    """What a tokenizer's folder says."""

    json_text: str
    end_of_text: str
    """The token that ends a document."""
    padding_id: int
    """Of the token that fills rows: the end of text where there is none for it."""
    template: str | None
    """Of conversations; None where there is none."""
    names: dict[str, str]
    """Special tokens by the names that templates call them by, such as ``bos_token``."""


def read_tokenizer(folder: Path) -> TokenizerFiles:
    """Return what a tokenizer's folder says, whoever made it.

    Raises:
        ValueError: no token is known to end a text.
    """
    json_text = (folder / JSON).read_text(encoding="utf-8")
    settings = _settings(folder)
    names = {key: _spelled(value) for key, value in settings.items() if key.endswith("_token") and isinstance(value, str | dict)}
    added: dict[str, int] = {token["content"]: token["id"] for token in settings_of(json_text).get("added_tokens", [])}
    end = next((token for token in (*ENDS_OF_TEXT, names.get("eos_token")) if token in added), None)
    if end is None:
        raise ValueError(f"{folder}: no token is known to end a text; name one of the added tokens of {JSON} as eos_token in {SETTINGS}")
    padding = next(added[token] for token in (PADDING, names.get("pad_token"), end) if token in added)
    path = folder / TEMPLATE
    template = path.read_text(encoding="utf-8") if path.is_file() else _template(settings.get("chat_template"))
    return TokenizerFiles(json_text, end, padding, template, names)


def _settings(folder: Path) -> dict[str, Any]:
    """Return what a folder says beside its tokenizer: special tokens by the older file for them where Transformers reads it."""
    settings = _object(folder / SETTINGS)
    return settings if "added_tokens_decoder" in settings else settings | _object(folder / OLDER)


def _object(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _template(told: Any) -> str | None:
    """Return the template that settings tell, or of several the one that chooses among them."""
    if isinstance(told, list):
        return one_template({each["name"]: each["template"] for each in cast(list[dict[str, str]], told)})
    return told if isinstance(told, str) else None


def one_template(named: Mapping[str, str]) -> str | None:
    """Return one that chooses among templates with names as Transformers does: ``tool_use`` where there are tools. None: none is ``default``."""
    default, with_tools = (named[name].removesuffix("\n") if name in named else None for name in ("default", "tool_use"))
    if default is None or with_tools is None:
        return default
    nothing = "{{ '' }}"  # keeps white space at the ends of a template from those of the marks around it
    return f"{{% if tools %}}{nothing}{with_tools}{nothing}{{% else %}}{nothing}{default}{nothing}{{% endif %}}"


def usual_template(added: Collection[str]) -> str:
    """Return the chat template of a tokenizer with some added tokens that has none of its own."""
    return CHAT_ML if TURN_START in added and TURN_END in added else CHAT_TEMPLATE_WITHOUT_MARKS


def vocabulary_of(folder: Path) -> dict[str, int]:
    """Return the ids of a tokenizer's folder by token."""
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(folder / JSON)).get_vocab()


def _spelled(token: Any) -> str:
    """Return what spells a special token, which settings hold as text or as an object with its content."""
    return token if isinstance(token, str) else str(token.get("content", ""))


def write_tokenizer(json_text: str, folder: Path, special: SpecialTokens = NO_MORE, template: str | None = None) -> None:
    """Write a tokenizer that was trained here and what Transformers needs beside it, with a chat template of ChatML where none is given.

    Before each text it puts the end of text, behind which a model learns, and is asked, how a text begins.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / JSON).write_text(_beginning_texts(json_text), encoding="utf-8")
    others = [token for token in special.names if token not in (END_OF_TEXT, PADDING, *((MASK,) if special.mask else ()))]
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": END_OF_TEXT,
        "eos_token": END_OF_TEXT,
        "pad_token": PADDING,
        **({"mask_token": MASK} if special.mask else {}),
        "additional_special_tokens": others,
        "clean_up_tokenization_spaces": False,
        "model_max_length": 1_000_000,
    }
    (folder / SETTINGS).write_text(json.dumps(settings, indent=1), encoding="utf-8")
    (folder / TEMPLATE).write_text(CHAT_TEMPLATE if template is None else template, encoding="utf-8")


def _beginning_texts(json_text: str) -> str:
    """Return the JSON of a tokenizer that puts the end of text before each text."""
    from tokenizers.processors import TemplateProcessing

    tokenizer = tokenizer_of(json_text)
    one, two = f"{END_OF_TEXT}:0 $A:0", f"{END_OF_TEXT}:1 $B:1"
    tokenizer.post_processor = TemplateProcessing(single=one, pair=f"{one} {two}", special_tokens=[(END_OF_TEXT, tokenizer.token_to_id(END_OF_TEXT))])
    text: str = tokenizer.to_str()
    return text


def control_tokens(folder: Path) -> ControlTokens:
    """Return the ids of the control tokens of a tokenizer's folder, whoever made it, under whichever of their usual names they have.

    Raises:
        ValueError: no token is known to end a text.
    """
    files = read_tokenizer(folder)
    settings = settings_of(files.json_text)
    ids: dict[str, int] = {token["content"]: token["id"] for token in settings.get("added_tokens", [])}
    tokenizer = tokenizer_of(files.json_text)
    vocabulary: dict[str, int] = tokenizer.get_vocab()
    mask, infilling, sentinels = mask_of(ids, files.names.get("mask_token")), infilling_of(ids), sentinels_of(ids)
    marks = {token["id"] for token in settings.get("added_tokens", []) if token["special"] or token["content"] in (TURN_START, TURN_END)}
    before = put_before_a_text(tokenizer)
    known = {*before, ids[files.end_of_text], files.padding_id, *(() if mask is None else (mask,)), *(infilling or ()), *sentinels}
    return ControlTokens(
        end_of_text=ids[files.end_of_text],
        padding=files.padding_id,
        mask=mask,
        **({} if infilling is None else dict(zip(("fim_prefix", "fim_suffix", "fim_middle"), infilling, strict=True))),
        sentinels=sentinels,
        vocabulary_size=max(vocabulary.values()) + 1,
        special=frozenset(marks | known),
        before=tuple(before),
    )
