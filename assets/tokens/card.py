"""The data card of a mixture: what is in it, where it came from, what was done to it and what is known against it, as Markdown.

Its questions are those of "Datasheets for Datasets" (Gebru et al. 2021, arXiv 1803.09010), as far as the lake can answer them.
"""

from collections import Counter
from typing import Any, cast

from pydantic import SerializeAsAny

from assets.corpus.decontamination import DecontaminationConfig
from assets.corpus.documents import CLEAN_ASSET, DEDUPLICATED_ASSET, DOCUMENTS_ASSET, FILTERED_ASSET, source_of
from assets.graph.artifact import Artifact, Dependency, Work, markdown_table
from assets.tokens.tokens import SHARDS_ASSET, mixture_asset
from kernels.specs.config import Config
from kernels.tokens.mixtures import MixtureConfig
from resources.storage.lake import Manifest
from resources.storage.sources import Registry

VERSION = 2
STAGES = (DOCUMENTS_ASSET, FILTERED_ASSET, DEDUPLICATED_ASSET, CLEAN_ASSET, SHARDS_ASSET)
SHOWN_REASONS = 12


class Origin(Config):
    """What a recipe says of a source."""

    path: str
    snapshot: str
    about: str | None
    licence: str | None


class CardConfig(Config):
    """All policy that a card tells of: it is written anew when a threshold changes, though no document did."""

    mixture: MixtureConfig
    origins: dict[str, Origin]
    steps: dict[str, list[SerializeAsAny[Config]]]
    deduplication: SerializeAsAny[Config]
    decontamination: DecontaminationConfig


def card_asset(name: str) -> str:
    """Return the asset name of a mixture's card."""
    return f"tokens/card_{name}"


def data_card(recipe: str, name: str, config: CardConfig) -> Artifact:
    """Return the artifact of one mixture's card."""

    def members(registry: Registry) -> tuple[str | None, ...]:
        return tuple(partition.key for partition in registry.active() if partition.source in config.mixture.weights)

    def build(work: Work) -> None:
        known = set(work.existing(SHARDS_ASSET))
        partitions = [str(key) for key in members(work.registry) if key in known]
        left_out = [str(key) for key in members(work.registry) if key not in known]
        composition = work.table(mixture_asset(name), "composition").to_pylist()
        card = write_card(work, config, partitions, composition, left_out)
        (work.draft.folder / "card.md").write_text(card)
        work.draft.metadata["data_card"] = {"markdown": card}

    return Artifact(
        recipe=recipe,
        name=card_asset(name),
        description="What the mixture holds, where it came from, what was done to it and what is known against it.",
        group="tokens",
        kinds=("markdown",),
        code_version=f"card:{VERSION}",
        partitioned=False,
        config=lambda partition: config,
        dependencies=lambda registry, partition: [
            Dependency(mixture_asset(name), (None,)),
            *(Dependency(asset, members(registry), optional=True) for asset in STAGES),
        ],
        build=build,
        upstream=(mixture_asset(name), *STAGES),
    )


def write_card(work: Work, config: CardConfig, partitions: list[str], composition: list[dict[str, Any]], left_out: list[str]) -> str:
    """Return the text of a card. The same data and policy give the same text: it holds no time."""
    cells = {key: {asset: work.lake.require(work.parent(asset, key)) for asset in STAGES} for key in partitions}
    sources = list(dict.fromkeys(map(source_of, partitions)))
    manifests = {source: [cells[key] for key in partitions if source_of(key) == source] for source in sources}
    parts = [
        f"# {work.cell.asset.removeprefix('tokens/card_')} of {work.cell.recipe}",
        "Text for language modelling, packed into training sequences. Made by a recipe: the same sources and the same recipe give the same bytes.",
        "## Composition",
        markdown_table(composition),
        f"Sequences of {config.mixture.sequence_length} tokens; a share of {config.mixture.validation_fraction:.1%} of documents is for validation.",
        "## Sources",
        markdown_table([_origin_row(source, config.origins[source], work, partitions) for source in sources]),
        "## What was taken out of them",
        markdown_table([_source_row(source, manifests[source]) for source in sources]),
        "## Processing",
        *(f"- **{source}**: {_steps(config.steps[source])}" for source in sources),
        f"- **all**: deduplicated ({_settings(_values(config.deduplication))}), decontaminated ({_settings(_values(config.decontamination))})",
        "## Why documents went",
        markdown_table(_reasons(manifests)),
        "## Evaluations found in documents",
        _contamination(work, partitions, drop=config.decontamination.drop),
        "## Languages and lengths",
        markdown_table([_shape_row(source, manifests[source]) for source in sources]),
        "## What is known against it",
        *_limits(config, manifests, left_out),
        "## Identity",
        markdown_table(
            [{"partition": key, "documents": cells[key][CLEAN_ASSET].num_rows, "content": cells[key][SHARDS_ASSET].content} for key in cells]
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _origin_row(source: str, origin: Origin, work: Work, partitions: list[str]) -> dict[str, Any]:
    files = [file for key in partitions if source_of(key) == source for file in work.registry.partition(key).files]
    return {
        "source": source,
        "about": origin.about or "not stated",
        "licence": origin.licence or "not stated",
        "path": origin.path,
        "snapshot": origin.snapshot,
        "files": len(files),
        "MB": round(sum(file.size_bytes for file in files) / 1e6, 2),
    }


def _contamination(work: Work, partitions: list[str], *, drop: bool) -> str:
    """Return by evaluation how many of its texts stood in how many documents."""
    found: dict[str, tuple[set[int], set[str]]] = {}
    for key in partitions:
        for row in work.table(CLEAN_ASSET, "contaminated", key).select(["eval", "item", "id"]).to_pylist():
            items, ids = found.setdefault(row["eval"], (set(), set()))
            items.add(row["item"])
            ids.add(row["id"])
    if not found:
        return "None of the recipe's evaluations was found."
    rows = [{"evaluation": name, "texts found": len(items), "documents": len(ids)} for name, (items, ids) in sorted(found.items())]
    return markdown_table(rows) + f"\n\nThese documents were {'dropped' if drop else 'kept, as the recipe asks'}."


def _source_row(source: str, cells: list[dict[str, Manifest]]) -> dict[str, Any]:
    rows = {asset: sum(cell[asset].num_rows or 0 for cell in cells) for asset in STAGES}
    return {
        "source": source,
        "reader": cells[0][DOCUMENTS_ASSET].config.get("format", "-"),
        "partitions": len(cells),
        "rejected": sum(int(cell[DOCUMENTS_ASSET].metadata.get("num_rejects", 0)) for cell in cells),
        "extracted": rows[DOCUMENTS_ASSET],
        "after filters": rows[FILTERED_ASSET],
        "after deduplication": rows[DEDUPLICATED_ASSET],
        "after decontamination": rows[CLEAN_ASSET],
        "tokens": sum(int(cell[SHARDS_ASSET].metadata.get("num_tokens", 0)) for cell in cells),
    }


def _values(config: Config) -> dict[str, Any]:
    return config.model_dump(mode="json")


def _steps(steps: list[Config]) -> str:
    """Return a source's filters with their thresholds, in order."""
    values = [_values(step) for step in steps]
    shown = [f"{step['kind']} ({_settings({key: value for key, value in step.items() if key != 'kind'})})" for step in values]
    return "; ".join(shown) or "no filters"


def _settings(config: dict[str, Any]) -> str:
    """Return settings as text, those that are off left out."""
    shown: list[str] = []
    for key, value in config.items():
        if isinstance(value, dict):
            shown.append(f"{key} ({_settings(cast(dict[str, Any], value))})")
        elif value is not None and value is not False:
            shown.append(f"{key} {value}" if value is not True else key)
    return ", ".join(shown)


def _reasons(manifests: dict[str, list[dict[str, Manifest]]]) -> list[dict[str, Any]]:
    counts: Counter[tuple[str, str]] = Counter()
    for source, cells in manifests.items():
        for cell in cells:
            for asset in STAGES[:4]:
                for reason, count in cell[asset].metadata.get("reasons", {}).items():
                    counts[source, reason] += count
    return [{"source": source, "reason": reason, "documents": count} for (source, reason), count in counts.most_common(SHOWN_REASONS)]


def _shape_row(source: str, cells: list[dict[str, Manifest]]) -> dict[str, Any]:
    """Return the languages of a source's largest partition, and its lengths in characters after all stages."""
    largest = max(cells, key=lambda cell: cell[CLEAN_ASSET].num_rows or 0)
    shares: dict[str, float] = largest[FILTERED_ASSET].metadata.get("language_shares", {})
    quantiles: dict[str, float] = largest[CLEAN_ASSET].metadata.get("length_quantiles", {})
    languages = ", ".join(f"{language} {share:.1%}" for language, share in list(shares.items())[:5])
    return {"source": source, "languages": languages or "not identified", **{name: round(value) for name, value in quantiles.items()}}


def _limits(config: CardConfig, manifests: dict[str, list[dict[str, Manifest]]], left_out: list[str]) -> list[str]:
    """Return what a reader should know before use."""
    masked = [source for source in manifests if "personal_data" in _steps(config.steps[source])]
    unmasked = [source for source in manifests if source not in masked]
    lines = [f"- Partitions left out because a check stopped them: {', '.join(left_out) or 'none'}."]
    if masked:
        lines.append(f"- Personal data were treated by rules in {', '.join(masked)}; rules miss what has no fixed form.")
    if unmasked:
        lines.append(f"- Personal data were not looked for in {', '.join(unmasked)}.")
    if unlicensed := [source for source in manifests if config.origins[source].licence is None]:
        lines.append(f"- The recipe states no licence of {', '.join(unlicensed)}.")
    unidentified = [source for source, cells in manifests.items() if not any(cell[FILTERED_ASSET].metadata.get("language_shares") for cell in cells)]
    if unidentified:
        lines.append(f"- Languages were not identified in {', '.join(unidentified)}.")
    return lines
