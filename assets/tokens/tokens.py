"""Tokens: the tokenizer, token shards that memory-map, and packed mixtures."""

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from assets.corpus.documents import CLEAN_ASSET, first_partitions, source_of
from assets.graph.artifact import Artifact, Dependency, Work, markdown_table
from kernels.specs.config import Config
from kernels.specs.tokenizers import TokenizerMethod
from kernels.tokens.mixtures import MixtureConfig
from resources.storage.sources import Registry

TOKENIZER_ASSET = "tokens/tokenizer"
SHARDS_ASSET = "tokens/shards"
SHARDS_VERSION = 2
MIXTURES_VERSION = 1
FERTILITY_DOCUMENTS = 200


def mixture_asset(name: str) -> str:
    """Return the asset name of a mixture."""
    return f"tokens/mixture_{name}"


def tokenizer(recipe: str, method: TokenizerMethod, config: Config, sources: list[str], partitions_per_source: int) -> Artifact:
    """Return the artifact of the recipe's tokenizer, trained on the first partitions of its sources."""

    def build(work: Work) -> None:
        from kernels.tokens.tokenizer_files import fertility, write_tokenizer

        known = set(work.existing(CLEAN_ASSET))
        partitions = [key for key in first_partitions(work.registry, sources, partitions_per_source) if key in known]
        if not partitions:
            raise ValueError(f"tokenizer: none of the sources {sources} has a partition that passed its checks; mend the data first")

        def texts() -> Iterator[str]:
            for number, key in enumerate(partitions):
                work.tell(f"reading {key}", number + 1, len(partitions))
                yield from _column(work, key)

        text = method.train(texts(), config)
        write_tokenizer(text, work.draft.folder)
        sample = _column(work, str(partitions[0]))[:FERTILITY_DOCUMENTS]
        work.draft.metadata |= fertility(text, sample) if sample else {}

    return Artifact(
        recipe=recipe,
        name=TOKENIZER_ASSET,
        description="The tokenizer in Transformers form. Trained on the first partitions of its sources, so that new data does not change it.",
        group="tokens",
        kinds=("huggingface",),
        code_version=f"{method.name}:{method.version}",
        partitioned=False,
        config=lambda partition: config,
        dependencies=lambda registry, partition: [Dependency(CLEAN_ASSET, first_partitions(registry, sources, partitions_per_source), optional=True)],
        build=build,
        upstream=(CLEAN_ASSET,),
    )


def _column(work: Work, partition: str | None) -> list[str]:
    """Return the texts of a partition's clean documents."""
    texts: Any = work.table(CLEAN_ASSET, "documents", partition)["text"].to_pylist()
    return texts


def shards(recipe: str) -> Artifact:
    """Return the artifact of token shards."""

    def build(work: Work) -> None:
        from kernels.tokens.shards import encode_documents, write_shard

        table = work.table(CLEAN_ASSET, "documents", work.partition)
        shard = encode_documents(table, (work.folder(TOKENIZER_ASSET) / "tokenizer.json").read_text())
        write_shard(shard, work.draft.folder)
        work.draft.num_rows = len(shard.ids)
        work.draft.metadata |= {"num_tokens": len(shard.tokens), "num_documents": len(shard.ids)}

    return Artifact(
        recipe=recipe,
        name=SHARDS_ASSET,
        description="Token ids of every document, each ended by the end-of-text token, as arrays that memory-map (`tokens.npy`, `offsets.npy`).",
        group="tokens",
        kinds=("numpy",),
        code_version=f"shards:{SHARDS_VERSION}",
        partitioned=True,
        config=lambda partition: None,
        dependencies=lambda registry, partition: [Dependency(CLEAN_ASSET, (partition,)), Dependency(TOKENIZER_ASSET, (None,))],
        build=build,
        upstream=(CLEAN_ASSET, TOKENIZER_ASSET),
    )


def mixture(recipe: str, name: str, config: MixtureConfig) -> Artifact:
    """Return the artifact of one packed mixture with its validation split."""

    def members(registry: Registry) -> tuple[str | None, ...]:
        return tuple(partition.key for partition in registry.active() if partition.source in config.weights)

    def build(work: Work) -> None:
        from kernels.tokens.mixtures import build_mixture
        from kernels.tokens.shards import open_shard
        from kernels.tokens.tokenizer_files import padding_id

        known = set(work.existing(SHARDS_ASSET))
        partitions = [str(key) for key in members(work.registry) if key in known]
        summary = build_mixture(
            [(source_of(key), open_shard(work.folder(SHARDS_ASSET, key))) for key in partitions],
            _texts(work, partitions),
            config,
            padding_id((work.folder(TOKENIZER_ASSET) / "tokenizer.json").read_text()),
            work.draft.folder,
        )
        work.draft.num_rows = summary.num_sequences
        work.draft.metadata |= summary._asdict()
        work.draft.metadata["composition"] = {"markdown": markdown_table(pq.read_table(work.draft.folder / "composition.parquet").to_pylist())}
        left_out = [str(key) for key in members(work.registry) if key not in known]
        work.draft.metadata |= {"left_out_partitions": ", ".join(left_out) or "none"}

    return Artifact(
        recipe=recipe,
        name=mixture_asset(name),
        description="Training sequences packed from the shards by the recipe's weights, and the validation split by document.",
        group="tokens",
        kinds=("numpy",),
        code_version=f"mixtures:{MIXTURES_VERSION}",
        partitioned=False,
        config=lambda partition: config,
        dependencies=lambda registry, partition: [
            Dependency(SHARDS_ASSET, members(registry), optional=True),
            Dependency(CLEAN_ASSET, members(registry), optional=True),
            Dependency(TOKENIZER_ASSET, (None,)),
        ],
        build=build,
        upstream=(SHARDS_ASSET, CLEAN_ASSET, TOKENIZER_ASSET),
    )


def _texts(work: Work, partitions: list[str]) -> Mapping[str, pa.Table]:
    """Return the documents behind the shards, by partition."""
    return {key: work.table(CLEAN_ASSET, "documents", key) for key in partitions}
