"""Token shards that memory-map."""

from assets.corpus.names import CLEAN
from assets.graph.artifact import SHARDS, Artifact
from assets.graph.build import CellBuild
from assets.graph.upstream import same, whole
from assets.tokens.names import shards_asset, tokenizer_asset

SHARDS_VERSION = 7


def shards(recipe: str, tokenizer: str | None) -> Artifact:
    """Return the artifact of the shards that a tokenizer makes; None is the recipe's only one."""
    return Artifact(
        recipe=recipe,
        name=shards_asset(tokenizer),
        description="Token ids of every document, conversations with their turns marked, each behind what its tokenizer puts before texts and ended "
        "by the end-of-text token, as arrays that memory-map (`tokens.npy`, `offsets.npy`).",
        group="tokens",
        kinds=("numpy",),
        code_version=f"shards:{SHARDS_VERSION}",
        partitioning=SHARDS,
        made_from=(same(CLEAN), whole(tokenizer_asset(tokenizer))),
        build=lambda build: encode(build, tokenizer_asset(tokenizer)),
    )


def encode(build: CellBuild, tokenizer: str) -> None:
    """Write the tokens of a partition's documents."""
    from kernels.tokens.shards import encode_documents, write_shard
    from kernels.tokens.tokenizer_files import read_tokenizer

    table = build.table(CLEAN, "documents", build.key)
    encoded = encode_documents(table, read_tokenizer(build.folder(tokenizer)))
    write_shard(encoded, build.draft.folder)
    num_documents, num_as_text = len(encoded.shard.ids), encoded.num_conversations_as_text
    build.draft.num_rows = num_documents
    build.draft.metadata |= {"num_tokens": len(encoded.shard.tokens), "num_documents": num_documents, "num_conversations_as_text": num_as_text}
