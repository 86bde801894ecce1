"""Adopting a model that an API serves: no weights come, but what the API says of the model, and its tokenizer where the recipe has one.

With the tokenizer's folder as ``data`` the model is asked everything that a causal model is, likelihoods too; that the API tells them, by the same
tokens, is tried first. Without, it is asked for what it writes alone. Tried against Modelmill's own server and a stand-in; against no other
server and no vendor.
"""

from pathlib import Path
from typing import Any, cast

from kernels.inference.api import model as api
from kernels.inference.api.client import Client
from kernels.inference.api.endpoint import ACCESS, TOKENIZER, Access, Adopted, Endpoint, write
from kernels.models.formats.chats import text_encoder
from kernels.specs.methods import Method, MethodJob
from kernels.specs.needs import Package

PACKAGE = Package(is_optional=True)
PROBE = "The river rises in 1848, say Zoë's notes: 3,5 metres -- or (perhaps) more."
"""Words, digits, signs and a letter that few tokens hold: two tokenizers that spell its tokens alike are taken for one."""


class ApiConfig(Endpoint, Access):
    """Which model of which API, and how it is asked."""

    version: str | None = None
    """What the API must call the version that it serves (Modelmill's server: the content's hash). Where it tells none, a word of yours, and another
    word has the model adopted anew."""


def run(job: MethodJob) -> dict[str, float]:
    """Write down what the API says of its model.

    Returns:
        How many tokens it reads, where it tells that, and whether it is asked for likelihoods (1.0 or 0.0).

    Raises:
        ConnectionError, PermissionError: the API cannot be asked.
        FileNotFoundError: the package is no folder of a tokenizer.
        ValueError: the API has no such model or version, tells no log-probabilities of prompts, or has another tokenizer.
    """
    config: ApiConfig = job.config
    endpoint = Endpoint(base_url=config.base_url, model=config.model)
    access = Access.model_validate(config.model_dump(include=set(Access.model_fields)))
    with Client(endpoint, access) as client:
        return _adopted(job, client)


def _adopted(job: MethodJob, client: Client) -> dict[str, float]:
    config, endpoint, told = job.config, client.endpoint, api.told_of(client)
    if config.version is not None and told.get("version", config.version) != config.version:
        raise ValueError(f"{endpoint.words}: serves the version {told['version']!r} and not {config.version!r}; change the model's key version")
    folder = job.paths.get(PACKAGE)
    if folder is None:
        fingerprint = _greet(client)
    else:
        tokenizer = _tokenizer(folder)
        fingerprint = _require_likelihoods(api.ApiModel(client, told, tokenizer))
        tokenizer.save_pretrained(job.out / TOKENIZER)
    write(job.out, Adopted(endpoint, client.access, told), config.version, fingerprint)
    limit = told.get("max_model_len")
    return {"asked_for_likelihoods": float(folder is not None), **({} if limit is None else {"max_model_len": float(limit)})}


def _tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer

    if not (folder / "tokenizer.json").is_file():
        raise FileNotFoundError(f"{folder}: has no tokenizer.json; name the folder of the model's tokenizer as data, or leave data out")
    return cast(Any, AutoTokenizer).from_pretrained(folder, local_files_only=True)


def _greet(client: Client) -> str | None:
    """Have the model answer something, and return what the API calls its system, None where it does not."""
    return client.post(api.CHATS, {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 1}).get("system_fingerprint")


def _require_likelihoods(model: api.ApiModel) -> str | None:
    """See that the API tells log-probabilities of a prompt given as tokens, and spells them as the tokenizer does; return what it calls its system.

    Raises:
        ValueError: it does not.
    """
    where, tokens = model.client.endpoint.words, text_encoder(model.tokenizer).content(PROBE)
    remedy = "leave data out, so that it is asked for what it writes alone, or ask an API that does"
    try:
        api.log_likelihoods(model, [(tokens, len(tokens) - 1)])
        found = model.client.post(api.COMPLETIONS, {"prompt": [tokens], "max_tokens": api.NUM_ADDED, "echo": True, "temperature": 0})
    except ValueError as error:
        raise ValueError(f"{error}; {remedy}") from error
    text = str(found["choices"][0].get("text"))
    if not text.startswith(PROBE):
        told = f"reads the tokens of {PROBE!r} as {text!r}"
        raise ValueError(f"{where}: {told}, so that its tokenizer is not that of data; name the folder of its own")
    return found.get("system_fingerprint")


SPEC = Method(name="adopt_api", version=1, config=ApiConfig, needs=(PACKAGE,), run=run, is_last=True, has_weights=False, unhashed=(ACCESS,))
