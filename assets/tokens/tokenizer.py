"""Tokenizers, trained on the recipe's own texts or taken from one of its models or from files; each is measured on texts that it will encode."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from assets.corpus.names import CLEAN, FILTERED
from assets.graph.artifact import Artifact
from assets.graph.build import CellBuild
from assets.graph.metadata import rows_markdown
from assets.graph.upstream import Upstream, first, source_of, whole
from assets.tokens.names import tokenizer_asset
from kernels.specs.config import Config
from kernels.specs.tokenizers import TokenizerMethod, TokenizerOfFile, TokenizerOfModel
from resources.storage.sources import Location, open_file

MEASURED_DOCUMENTS = 500
"""Of each source, from the beginning of each of its first partitions."""
MEASURED_CHARS = 1 << 21
"""Of each partition, at most, but for the first document."""
FIT_TABLE = "fit"
FIT_VERSION = 1
NOT_MEASURED = "no mixture is packed by it, or none of their sources has a partition that passed its checks"


class Measured(NamedTuple):
    """Which texts a tokenizer is measured on."""

    sources: Sequence[str]
    partitions_per_source: int

    @property
    def upstream(self) -> tuple[Upstream, ...]:
        """The cells that they and their languages stand in."""
        return tuple(first(asset, self.sources, self.partitions_per_source) for asset in (CLEAN, FILTERED)) if self.sources else ()


class Making(NamedTuple):
    """What sets one way to a tokenizer apart from the others."""

    description: str
    made_from: tuple[Upstream, ...]
    """Beside the texts that it is measured on."""
    make: Callable[[CellBuild], None]
    """Writes the tokenizer's files into the draft."""


def tokenizer_of_model(recipe: str, name: str | None, method: TokenizerOfModel, config: Config, model: str, measured: Measured) -> Artifact:
    """Return the artifact of a tokenizer that is taken from the asset of a model."""

    def take(build: CellBuild) -> None:
        method.take(build.folder(model), build.draft.folder)

    told = f"The tokenizer of {model} in Transformers form, as it is."
    return _tokenizer(recipe, name, method, config, measured, Making(told, (whole(model),), take))


def tokenizer_of_file(
    recipe: str, name: str | None, method: TokenizerOfFile, config: Config, place: tuple[str, Location], measured: Measured
) -> Artifact:
    """Return the artifact of a tokenizer that is taken from files; ``place`` is the input that they are, and where."""

    def take(build: CellBuild) -> None:
        method.take(fetched(build, *place), place[1].root, build.draft.folder)

    told = "A tokenizer that somebody else made, in Transformers form, as it is."
    return _tokenizer(recipe, name, method, config, measured, Making(told, (whole(f"inputs/{place[0]}"),), take))


def tokenizer(recipe: str, name: str | None, method: TokenizerMethod, config: Config, measured: Measured) -> Artifact:
    """Return the artifact of a tokenizer, trained on the first partitions of the sources that it is measured on."""
    told = "The tokenizer in Transformers form. Trained on the first partitions of its sources, so that new data does not change it."
    making = Making(told, (), lambda build: train_tokenizer(build, method, measured))
    return _tokenizer(recipe, name, method, config, measured, making)


def _tokenizer(
    recipe: str, name: str | None, method: TokenizerMethod | TokenizerOfModel | TokenizerOfFile, config: Config, measured: Measured, making: Making
) -> Artifact:
    def build(build: CellBuild) -> None:
        making.make(build)
        measure_fit(build, measured)

    return Artifact(
        recipe=recipe,
        name=tokenizer_asset(name),
        description=making.description,
        group="tokens",
        kinds=("huggingface",),
        code_version=f"{method.name}:{method.version}+fit:{FIT_VERSION}",
        config=lambda partition: config,
        made_from=(*making.made_from, *measured.upstream),
        build=build,
    )


def fetched(build: CellBuild, name: str, location: Location) -> Path:
    """Return a folder of copies of an input's files, wherever they are, as they were observed. Raises ValueError: one has changed."""
    build.verified_input(name, location)
    folder = build.scratch / "given"
    shutil.rmtree(folder, ignore_errors=True)
    for file in build.observed.inputs[name].files:
        (folder / file.path).parent.mkdir(parents=True, exist_ok=True)
        with open_file(location, file.path) as given, (folder / file.path).open("wb") as taken:
            shutil.copyfileobj(given, taken)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def train_tokenizer(build: CellBuild, method: TokenizerMethod, measured: Measured) -> None:
    """Train on the first partitions of each source that passed their checks."""
    from kernels.tokens.tokenizer_files import write_tokenizer

    partitions = usable_partitions(build, measured)
    if not partitions:
        raise ValueError(f"tokenizer: none of the sources {list(measured.sources)} has a partition that passed its checks; mend the data first")

    def texts() -> Iterator[str]:
        for number, key in enumerate(partitions):
            build.tell(f"reading {key}", number + 1, len(partitions))
            yield from _texts(build, key)

    config: Any = build.config
    write_tokenizer(method.train(texts(), config), build.draft.folder, config.special_tokens, config.chat_template)


def usable_partitions(build: CellBuild, measured: Measured) -> list[str]:
    """Return the first partitions of each source that passed their checks."""
    usable = set(build.usable(CLEAN))
    return [key for source in measured.sources for key in build.observed.keys_of({source})[: measured.partitions_per_source] if key in usable]


def measure_fit(build: CellBuild, measured: Measured) -> None:
    """Write how many tokens the draft's tokenizer takes and whether texts come back from them, by source and language, and tell of it.

    The table is no part of the tokenizer's content: nothing is remade because other texts were measured.
    """
    from kernels.tokens.content import TextEncoder
    from kernels.tokens.fit import FIT, Sample, measure
    from kernels.tokens.tokenizer_files import read_tokenizer

    files = read_tokenizer(build.draft.folder)
    partitions = usable_partitions(build, measured)
    samples = [Sample(text, source_of(key), language) for key in partitions for text, language in _sampled(build, key)]
    table = measure(TextEncoder(files.json_text, (files.end_of_text,)), samples) if samples else FIT.empty_table()
    build.write(FIT_TABLE, table)
    build.draft.unhashed.append(f"{FIT_TABLE}.parquet")
    rows = table.to_pylist()
    whole_table = [row for row in rows if row["by"] == "source"]
    totals = {name: sum(row[name] for row in whole_table) for name in ("num_texts", "num_bytes", "num_tokens", "num_changed")}
    build.draft.metadata[FIT_TABLE] = rows_markdown([_shown(row) for row in rows]) if rows else NOT_MEASURED
    build.draft.metadata |= {f"fit_{name}": total for name, total in totals.items()}
    if totals["num_bytes"]:
        build.draft.metadata["tokens_per_byte"] = totals["num_tokens"] / totals["num_bytes"]


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of the fit as people read it."""
    example = f"{row['example']!r} comes back as {row['example_decoded']!r}" if row["num_changed"] else ""
    return {
        "measured": f"{row['by']} {row['name']}",
        "texts": row["num_texts"],
        "tokens a byte": "" if row["tokens_per_byte"] is None else row["tokens_per_byte"],
        "tokens a word": "" if row["tokens_per_word"] is None else row["tokens_per_word"],
        "come back": row["round_trips"],
        "example of one that does not": example,
    }


def _sampled(build: CellBuild, partition: str) -> Iterator[tuple[str, str | None]]:
    """Yield the first texts of a partition's clean documents, each with its language where that was identified."""
    documents: Any = build.table(CLEAN, "documents", partition).slice(0, MEASURED_DOCUMENTS).select(["id", "text"]).to_pylist()
    tags: Any = build.table(FILTERED, "tags", partition).to_pylist()
    languages: dict[str, str | None] = {row["id"]: row["label"] for row in tags if row["name"] == "language"}
    chars = 0
    for document in documents:
        chars += len(document["text"])
        if chars > MEASURED_CHARS and chars > len(document["text"]):
            return
        yield document["text"], languages.get(document["id"])


def _texts(build: CellBuild, partition: str) -> list[str]:
    """Return the texts of a partition's clean documents."""
    texts: Any = build.table(CLEAN, "documents", partition)["text"].to_pylist()
    return texts
