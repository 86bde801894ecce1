"""Tokenizers, trained on the recipe's own texts or taken from one of its models."""

from collections.abc import Iterator
from typing import Any

from assets.corpus.names import CLEAN
from assets.graph.artifact import Artifact
from assets.graph.build import CellBuild
from assets.graph.upstream import first, whole
from assets.tokens.names import tokenizer_asset
from kernels.specs.config import Config
from kernels.specs.tokenizers import TokenizerMethod, TokenizerOfModel

FERTILITY_DOCUMENTS = 200


def tokenizer_of_model(recipe: str, name: str | None, method: TokenizerOfModel, config: Config, model: str) -> Artifact:
    """Return the artifact of a tokenizer that is taken from the asset of a model."""
    return Artifact(
        recipe=recipe,
        name=tokenizer_asset(name),
        description=f"The tokenizer of {model} in Transformers form, as it is.",
        group="tokens",
        kinds=("huggingface",),
        code_version=f"{method.name}:{method.version}",
        config=lambda partition: config,
        made_from=(whole(model),),
        build=lambda build: method.take(build.folder(model), build.draft.folder),
    )


def tokenizer(recipe: str, name: str | None, method: TokenizerMethod, config: Config, sources: list[str], partitions_per_source: int) -> Artifact:
    """Return the artifact of a tokenizer, trained on the first partitions of its sources."""
    return Artifact(
        recipe=recipe,
        name=tokenizer_asset(name),
        description="The tokenizer in Transformers form. Trained on the first partitions of its sources, so that new data does not change it.",
        group="tokens",
        kinds=("huggingface",),
        code_version=f"{method.name}:{method.version}",
        config=lambda partition: config,
        made_from=(first(CLEAN, sources, partitions_per_source),),
        build=lambda build: train_tokenizer(build, method, sources, partitions_per_source),
    )


def train_tokenizer(build: CellBuild, method: TokenizerMethod, sources: list[str], partitions_per_source: int) -> None:
    """Train on the first partitions of each source that passed their checks."""
    from kernels.tokens.tokenizer_files import fertility, write_tokenizer

    usable = set(build.usable(CLEAN))
    partitions = [key for source in sources for key in build.observed.keys_of({source})[:partitions_per_source] if key in usable]
    if not partitions:
        raise ValueError(f"tokenizer: none of the sources {sources} has a partition that passed its checks; mend the data first")

    def texts() -> Iterator[str]:
        for number, key in enumerate(partitions):
            build.tell(f"reading {key}", number + 1, len(partitions))
            yield from _texts(build, key)

    text = method.train(texts(), build.config)
    write_tokenizer(text, build.draft.folder)
    sample = _texts(build, partitions[0])[:FERTILITY_DOCUMENTS]
    build.draft.metadata |= fertility(text, sample) if sample else {}


def _texts(build: CellBuild, partition: str) -> list[str]:
    """Return the texts of a partition's clean documents."""
    texts: Any = build.table(CLEAN, "documents", partition)["text"].to_pylist()
    return texts
