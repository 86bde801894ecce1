"""Checkpoints: models with their tokenizers in Transformers form, safetensors only, and what one says to a prompt.

A folder whose ``config.json`` has the key ``modelmill_quantization`` holds int8 linear layers (kernels/compression/linear8.py).
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

from kernels.documents import Turn
from kernels.tokenizers.files import CHAT_TEMPLATE, TURN_END

QUANTIZATION_KEY = "modelmill_quantization"


class LanguageModel(NamedTuple):
    """A causal decoder ready to answer, in evaluation mode."""

    model: Any
    tokenizer: Any
    device: str


def save(model: Any, tokenizer: Any, folder: Path) -> None:
    """Write a checkpoint: config.json, model.safetensors, generation_config.json, the tokenizer's files and chat_template.jinja.

    The same weights and tokenizer give the same bytes, wherever they were loaded from.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def load(folder: Path, device: str, dtype: Literal["float32", "bfloat16"] = "float32") -> LanguageModel:
    """Return the model of a checkpoint folder, its weights in ``dtype`` whatever they are stored in (int8 layers stay int8).

    Raises:
        FileNotFoundError: a file that a checkpoint has is not there.
        ValueError: the weights do not fit the config.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        if not (folder / name).is_file():
            raise FileNotFoundError(f"{folder / name}: a checkpoint has this file; make the model again with mill up")
    logging.disable_progress_bar()
    kind = getattr(torch, dtype)
    if QUANTIZATION_KEY in json.loads((folder / "config.json").read_text()):
        from kernels.compression.linear8 import load_int8

        model = load_int8(cast(Any, AutoConfig).from_pretrained(folder, local_files_only=True), folder / "model.safetensors", kind)
    else:
        model = cast(Any, AutoModelForCausalLM).from_pretrained(folder, local_files_only=True, use_safetensors=True, dtype=kind)
    tokenizer = cast(Any, AutoTokenizer).from_pretrained(folder, local_files_only=True)
    if tokenizer.chat_template is None:
        tokenizer.chat_template = CHAT_TEMPLATE
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return LanguageModel(model.to(device).eval(), tokenizer, device)


def _stop_ids(tokenizer: Any) -> list[int]:
    """Return the tokens that end an answer: end of text and, where the vocabulary has it, end of turn."""
    ids = {tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids(TURN_END)} - {None, tokenizer.unk_token_id}
    return sorted(int(token) for token in ids)


def _sampling(temperature: float) -> dict[str, Any]:
    """Return what has Transformers sample from the whole distribution, or take the likeliest token where ``temperature`` is 0."""
    return {"do_sample": True, "temperature": temperature, "top_k": 0, "top_p": 1.0} if temperature > 0 else {"do_sample": False}


def generate(lm: LanguageModel, prompts: Sequence[str], max_new_tokens: int, seed: int, temperature: float) -> list[str]:
    """Return a continuation of each prompt, special tokens left out; the likeliest token each time where ``temperature`` is 0."""
    import torch

    torch.manual_seed(seed)  # pyright: ignore[reportUnknownMemberType]
    batch = lm.tokenizer(list(prompts), return_tensors="pt", padding=True, padding_side="left", add_special_tokens=False).to(lm.device)
    with torch.inference_mode():
        ids = lm.model.generate(
            input_ids=batch["input_ids"],
            attention_mask=batch["attention_mask"],
            max_new_tokens=max_new_tokens,
            pad_token_id=lm.tokenizer.pad_token_id,
            eos_token_id=_stop_ids(lm.tokenizer),
            **_sampling(temperature),
        )
    answers: list[str] = lm.tokenizer.batch_decode(ids[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)
    return answers


def chat(lm: LanguageModel, turns: Sequence[Turn], max_new_tokens: int, temperature: float, seed: int) -> Iterator[str]:
    """Yield the answer to the last turn piece by piece, as it is made."""
    import torch

    random = torch.Generator(device=lm.device).manual_seed(seed)
    stop = set(_stop_ids(lm.tokenizer))
    prompt: str = lm.tokenizer.apply_chat_template(list(turns), tokenize=False, add_generation_prompt=True)
    step = lm.tokenizer(prompt, return_tensors="pt", add_special_tokens=False)["input_ids"].to(lm.device)
    cache: Any = None
    answer: list[int] = []
    said = ""
    for _ in range(max_new_tokens):
        with torch.inference_mode():
            output = lm.model(input_ids=step, past_key_values=cache, use_cache=True)
        cache = output.past_key_values
        logits = output.logits[0, -1].float()
        token = int(logits.argmax()) if temperature <= 0 else int(torch.multinomial((logits / temperature).softmax(-1), 1, generator=random))
        if token in stop:
            break
        answer.append(token)
        text: str = lm.tokenizer.decode(answer, skip_special_tokens=True)
        if not text.endswith("\ufffd"):  # the middle of a character
            yield text[len(said) :]
            said = text
        step = torch.tensor([[token]], device=lm.device)
