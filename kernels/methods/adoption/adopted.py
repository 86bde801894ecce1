"""What every way of adopting a model shares: its config, and the checks and repairs between loading it and writing it as a checkpoint."""

from typing import Any, Literal, cast

from kernels.models.formats import checkpoints
from kernels.specs.config import Config
from kernels.specs.methods import MethodJob
from kernels.tokens.tokenizer_files import one_template

SHOWN_NAMES = 3


class AdoptionConfig(Config):
    """How the weights are stored."""

    dtype: Literal["float32", "bfloat16"]
    """Of the adopted weights."""


def fit_tokenizer(source: str, tokenizer: Any) -> None:
    """See that a tokenizer can be written as ``tokenizer.json``, ends texts and pads; where it has no padding token, the end of text pads.

    Of several chat templates with names it gets one that chooses among them, which stands in one file whoever takes the tokenizer on.

    Raises:
        ValueError: it has no fast form or no end-of-text token.
    """
    if not tokenizer.is_fast:
        raise ValueError(f"{source}: {type(tokenizer).__name__} has no fast form; convert it to a tokenizer.json first")
    if tokenizer.eos_token is None:
        raise ValueError(f"{source}: the tokenizer has no end-of-text token; name its eos_token in tokenizer_config.json")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    told: Any = tokenizer.chat_template
    if isinstance(told, dict):
        tokenizer.chat_template = one_template(cast(dict[str, str], told)) or told


LOADING: dict[str, Any] = {"local_files_only": True, "output_loading_info": True, "ignore_mismatched_sizes": True}
"""Has Transformers read a model from files here alone and tell what it did not find, for `require_whole`."""


def require_whole(source: str, loading: dict[str, Any]) -> None:
    """Raise ValueError where some weights of a model were not in its files or of another shape, so that they would be random."""
    if loading["missing_keys"]:
        raise ValueError(f"{source}: the weights {some(loading['missing_keys'])} are missing; fetch the model again, or mend its config")
    if loading["mismatched_keys"]:
        names = {f"{name} {list(found)}, not {list(expected)}" for name, found, expected in loading["mismatched_keys"]}
        raise ValueError(f"{source}: weights have other shapes than the config says: {some(names)}; fetch the model again, or mend its config")


def require_causal(source: str, model: Any) -> None:
    """See that what a model predicts hangs on no token that stands behind: whatever is asked of adopted models takes them for causal.

    Some classes of Transformers that are called decoders look both ways, by their config (BERT's without ``is_decoder``) or always (XLNet's). The
    gradient of all predictions but the last by the last token's embedding is exactly zero where nobody looks ahead.

    Raises:
        ValueError: it looks ahead.
    """
    from kernels.models.probes import PROBED, slopes_by_tokens, some_tokens

    _, slopes = slopes_by_tokens(model, lambda: model(input_ids=some_tokens(model, PROBED)).logits[:, :-1])
    if slopes[:, -1].any():
        raise ValueError(
            f"{source}: a token of this {type(model).__name__} looks at those behind it, so that it continues no text and gives it no likelihood; "
            "adopt a causal decoder"
        )


def require_positions_from_zero(source: str, model: Any) -> None:
    """See that a model counts positions from 0, as it is told them when prompts of a batch are padded.

    RoBERTa and its kin count from behind the number of their padding token, and answer otherwise to who tells them 0, 1, 2 and so on.

    Raises:
        ValueError: it does not.
    """
    import inspect

    import torch

    from kernels.models.probes import PROBED, is_near, some_tokens

    if "position_ids" not in inspect.signature(model.forward).parameters:
        return
    tokens = some_tokens(model, PROBED)
    with torch.no_grad():
        own, told = model(input_ids=tokens).logits, model(input_ids=tokens, position_ids=torch.arange(PROBED)[None]).logits
    if not is_near(told, own):
        raise ValueError(
            f"{source}: this {type(model).__name__} does not count positions from 0, so that it would be asked at others than it has learned; adopt "
            "another causal decoder"
        )


def keep(job: MethodJob, source: str, model: Any, tokenizer: Any) -> dict[str, float]:
    """Write an adopted model and its tokenizer as the job's checkpoint, and return its summary.

    Raises:
        ValueError: the tokenizer has tokens that the model has not, or the model is not causal or does not count positions from 0.
    """
    import torch

    num_embeddings = model.get_input_embeddings().num_embeddings
    beyond = [token for token, index in tokenizer.get_vocab().items() if index >= num_embeddings]
    if beyond:
        raise ValueError(f"{source}: the tokens {some(beyond)} have none of the model's {num_embeddings} embeddings; fetch the model again")
    require_causal(source, model)
    require_positions_from_zero(source, model)
    model.config.pad_token_id = model.generation_config.pad_token_id = tokenizer.pad_token_id
    _mend_generation(job, source, model.generation_config)
    config: AdoptionConfig = job.config
    checkpoints.save(model.to(getattr(torch, config.dtype)), tokenizer, job.out)
    return {"num_parameters": float(sum(parameter.numel() for parameter in model.parameters()))}


def some(names: Any) -> str:
    """Return the first few of some names, sorted, and how many more there are."""
    found = sorted(names)
    more = len(found) - SHOWN_NAMES
    return ", ".join(found[:SHOWN_NAMES]) + (f" and {more} more" if more > 0 else "")


def _mend_generation(job: MethodJob, source: str, generation: Any) -> None:
    """Have a generation config sample where it names how to: many published ones forget ``do_sample``, and Transformers refuses to write those."""
    try:
        generation.validate(strict=True)
    except ValueError:
        generation.do_sample = True
        generation.validate(strict=True)
        job.say(f"{source}: generation_config.json says how to sample but not that it samples; do_sample is set")
