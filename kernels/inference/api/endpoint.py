"""Where a model of an API is and how one gets there, and the folder that stands for such a model: what was told of it when it was adopted.

The folder is ``api.json``, which is what the model is, ``access.json``, which changes nothing of what it says, and ``tokenizer/`` where the recipe
gives one. The key is in none of them: only the name of the environment variable that holds it is.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import Field

from kernels.specs.config import Config

IDENTITY, ACCESS, TOKENIZER = "api.json", "access.json", "tokenizer"
TOLD = ("version", "root", "owned_by", "max_model_len", "meta")
"""What ``/v1/models`` may say of a model that stays as it is while the model does; servers say some of it each, Modelmill's the version."""


class Endpoint(Config):
    """Which model of which API."""

    base_url: str = Field(pattern=r"^https?://[^\s/@?#]+(/[^\s@?#]*)?$", examples=["http://127.0.0.1:8000/v1"])
    """Of the API, as OpenAI's clients take it: with ``/v1``, and without a key or a question mark."""
    model: str = Field(min_length=1, examples=["sft"])
    """Its name there."""

    @property
    def words(self) -> str:
        """How errors call it."""
        return f"{self.model} at {self.base_url}"


class Access(Config):
    """How an API is asked. Nothing that it says depends on this."""

    api_key_env: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", examples=["OPENAI_API_KEY"])
    """Name of the environment variable that holds the key, where it wants one. The key itself stands nowhere."""
    timeout_seconds: float = Field(default=120.0, gt=0)
    """For one answer."""
    most_requests: int = Field(default=8, gt=0)
    """Under way at once."""
    most_tries: int = Field(default=6, gt=0)
    """Of a request that is told to come again, or whose connection fails."""
    price_per_million_prompt_tokens: float | None = Field(default=None, ge=0)
    """In whatever money; where both prices are given, evals tell what they cost."""
    price_per_million_answer_tokens: float | None = Field(default=None, ge=0)
    """The same of what it writes."""


class Adopted(NamedTuple):
    """What an artifact holds."""

    endpoint: Endpoint
    access: Access
    told: dict[str, Any]
    """Of `TOLD`, what the API says of the model."""


def write(folder: Path, adopted: Adopted, version: str | None, fingerprint: str | None) -> None:
    """Write an artifact, its tokenizer aside.

    Args:
        folder: that becomes the artifact.
        adopted: what is known.
        version: that the recipe names; it counts where the API tells none.
        fingerprint: what an answer called its system's.
    """
    identity = {**adopted.endpoint.model_dump(), "told": adopted.told, "system_fingerprint": fingerprint}
    identity["version"] = adopted.told.get("version", version)
    for name, value in ((IDENTITY, identity), (ACCESS, adopted.access.model_dump())):
        (folder / name).write_text(json.dumps(value, indent=2, sort_keys=True) + "\n")


def read(folder: Path) -> Adopted:
    """Return what an artifact holds. Raises FileNotFoundError: a file of it is not there."""
    identity = json.loads((folder / IDENTITY).read_text())
    endpoint = Endpoint(base_url=identity["base_url"], model=identity["model"])
    return Adopted(endpoint, Access.model_validate_json((folder / ACCESS).read_text()), identity["told"])


def is_of_api(folder: Path) -> bool:
    """Return whether the folder of a model has no weights and says where an API is."""
    return (folder / IDENTITY).is_file()
