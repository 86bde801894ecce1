"""Packed mixtures with their validation split."""

from collections.abc import Mapping
from typing import NamedTuple

from assets.corpus.names import CLEAN
from assets.graph.artifact import Artifact
from assets.graph.build import CellBuild
from assets.graph.metadata import rows_markdown
from assets.graph.upstream import source_of, up_to, whole
from assets.tokens.names import mixture_asset, shards_asset, tokenizer_asset
from kernels.tokens.mixtures.config import MixtureConfig
from resources.storage.tables import read_table

MIXTURES_VERSION = 6
HELDOUT_FILE = "heldout.parquet"


class MixturePlan(NamedTuple):
    """One mixture as the recipe chose it."""

    config: MixtureConfig
    tokenizer: str | None
    """Whose shards it is packed from; None is the recipe's only tokenizer."""
    partitions: Mapping[str, int | None]
    """The sources that it reads, and of each how many partitions at most, counted from the first that came. It is no part of the config: a mixture
    stands as it is when a bound is set that changes nothing yet."""
    earlier: tuple[str, ...] = ()
    """The mixtures that it comes after, the nearest first."""


def mixture(recipe: str, name: str, plan: MixturePlan) -> Artifact:
    """Return the artifact of one mixture."""
    read = (up_to(asset, plan.partitions) for asset in (shards_asset(plan.tokenizer), CLEAN))
    return Artifact(
        recipe=recipe,
        name=mixture_asset(name),
        description="Documents packed into rows of one source each, the policy by which a training reads them (`index.json`), and the validation "
        "split by document. `membership` says which document stands where, and whether it is of a mixture before this one.",
        group="tokens",
        kinds=("numpy",),
        code_version=f"mixtures:{MIXTURES_VERSION}",
        config=lambda partition: plan.config,
        made_from=(*read, whole(tokenizer_asset(plan.tokenizer)), *(whole(mixture_asset(other)) for other in plan.earlier)),
        build=lambda build: pack(build, plan),
    )


def pack(build: CellBuild, plan: MixturePlan) -> None:
    """Pack the shards that passed their checks."""
    from kernels.tokens.mixtures.building import build_mixture
    from kernels.tokens.mixtures.choosing.earlier import Earlier
    from kernels.tokens.shards import open_shard
    from kernels.tokens.tokenizer_files import read_tokenizer

    asset, members = shards_asset(plan.tokenizer), build.observed.first_keys(plan.partitions)
    usable = set(build.usable(asset)) & set(build.usable(CLEAN))
    partitions = [key for key in members if key in usable]
    summary = build_mixture(
        [(source_of(key), open_shard(build.folder(asset, key))) for key in partitions],
        (table for key in partitions for table in build.tables(CLEAN, "documents", key)),
        plan.config,
        read_tokenizer(build.folder(tokenizer_asset(plan.tokenizer))).padding_id,
        build.draft.folder,
        Earlier(tuple(build.folder(mixture_asset(other)) for other in plan.earlier)),
    )
    build.draft.num_rows = summary.num_sequences
    build.draft.metadata |= {"composition": rows_markdown(read_table(build.draft.folder / "composition.parquet").to_pylist())}
    build.draft.metadata |= summary._asdict()
    build.draft.metadata["left_out_partitions"] = ", ".join(key for key in members if key not in usable) or "none"
