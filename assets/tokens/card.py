"""The data card of a mixture: what is in it, where it came from, what was done to it and what is known against it, as Markdown.

Its questions are those of "Datasheets for Datasets" (Gebru et al. 2021, arXiv 1803.09010), as far as the lake can answer them.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, cast

from pydantic import SerializeAsAny

from assets.corpus.decontamination import DecontaminationConfig
from assets.corpus.filtered import StepConfig
from assets.corpus.names import CLEAN, DEDUPLICATED, DOCUMENTS, EVAL_TEXTS, FILTERED
from assets.graph.artifact import Artifact
from assets.graph.build import CellBuild
from assets.graph.metadata import markdown, markdown_table, markdown_words
from assets.graph.upstream import as_set, named, source_of, up_to, whole
from assets.graph.waivers import Waiver
from assets.tokens.card_policy import policy
from assets.tokens.names import card_asset, mixture_asset, shards_asset
from kernels.specs.config import Config
from kernels.tokens.mixtures.config import MixtureConfig
from resources.storage.manifest import Manifest

VERSION = 6
STAGES = (DOCUMENTS, FILTERED, DEDUPLICATED, CLEAN)
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
    partitions: dict[str, int | None]
    """The sources that it reads, and of each how many partitions at most, counted from the first that came."""
    origins: dict[str, Origin]
    steps: dict[str, list[StepConfig]]
    deduplication: SerializeAsAny[Config]
    decontamination: DecontaminationConfig
    waivers: list[Waiver]
    """What the recipe decides over partitions of the mixture's sources."""


def data_card(recipe: str, name: str, tokenizer: str | None, config: CardConfig, evals: Sequence[str]) -> Artifact:
    """Return the artifact of one mixture's card. ``evals`` are those whose texts are looked for."""
    stages = (*STAGES, shards_asset(tokenizer))
    return Artifact(
        recipe=recipe,
        name=card_asset(name),
        description="What the mixture holds, where it came from, what was done to it and what is known against it.",
        group="tokens",
        kinds=("markdown",),
        code_version=f"card:{VERSION}",
        config=lambda partition: config,
        made_from=(
            whole(mixture_asset(name)),
            *(up_to(asset, config.partitions) for asset in stages),
            *((as_set(named(EVAL_TEXTS, evals)),) if evals else ()),
        ),
        build=lambda build: put_card(build, name, config, Shelf(build, config.partitions, shards_asset(tokenizer)), evals),
    )


class Shelf:
    """The cells that a card tells of: every stage of each partition that is in the mixture."""

    def __init__(self, build: CellBuild, partitions: Mapping[str, int | None], shards: str) -> None:
        """Look which partitions are there."""
        self.shards = shards
        usable = set(build.usable(shards)) & set(build.usable(CLEAN))
        members = build.observed.first_keys(partitions)
        self.partitions = [key for key in members if key in usable]
        self.left_out = [key for key in members if key not in usable]
        self.cells = {key: {asset: build.manifest(asset, key) for asset in (*STAGES, shards)} for key in self.partitions}


def put_card(build: CellBuild, name: str, config: CardConfig, shelf: Shelf, evals: Sequence[str]) -> None:
    """Write a mixture's card."""
    asset = mixture_asset(name)
    composition = build.table(asset, "composition").to_pylist()
    told = policy(config.mixture, config.partitions, composition, build.manifest(asset).metadata)
    card = write_card(build, config, shelf, [markdown_table(composition), *told], evals)
    (build.draft.folder / "card.md").write_text(card)
    build.draft.metadata["data_card"] = markdown(card)


def write_card(build: CellBuild, config: CardConfig, shelf: Shelf, composition: list[str], evals: Sequence[str]) -> str:
    """Return the text of a card. The same data and policy give the same text: it holds no time.

    ``composition`` are the paragraphs on what the mixture is composed of and how it is read.
    """
    partitions, cells = shelf.partitions, shelf.cells
    sources = list(dict.fromkeys(map(source_of, partitions)))
    manifests = {source: [cells[key] for key in partitions if source_of(key) == source] for source in sources}
    parts = [
        f"# {build.cell.asset.removeprefix('tokens/card_')} of {build.cell.recipe}",
        "Text for language modelling, packed into training sequences. Made by a recipe: the same sources and the same recipe give the same bytes.",
        "## Composition",
        *composition,
        f"Sequences of {config.mixture.sequence_length} tokens; a share of {config.mixture.validation_fraction:.1%} of documents is for validation.",
        "## Sources",
        markdown_table([_origin_row(source, config.origins[source], build, partitions) for source in sources]),
        "## What was taken out of them",
        markdown_table([_source_row(source, manifests[source], shelf.shards) for source in sources]),
        "## Processing",
        *(f"- **{source}**: {_steps(config.steps[source])}" for source in sources),
        f"- **all**: deduplicated ({_settings(_values(config.deduplication))}), decontaminated ({_settings(_values(config.decontamination))})",
        "## Why documents went",
        markdown_table(_reasons(manifests)),
        "## Evaluations found in documents",
        _contamination(build, partitions, evals, drop=config.decontamination.drop),
        "## Languages and lengths",
        markdown_table([_shape_row(source, manifests[source]) for source in sources]),
        "## What is known against it",
        *_limits(config, manifests, shelf.left_out),
        *(f"- {markdown_words(waiver)}" for waiver in config.waivers if _concerns(build, waiver)),
        "## Identity",
        markdown_table([{"partition": key, "documents": cells[key][CLEAN].num_rows, "content": cells[key][shelf.shards].content} for key in cells]),
    ]
    return "\n\n".join(parts) + "\n"


def _concerns(build: CellBuild, waiver: Waiver) -> bool:
    """Return whether a waiver is in force for a cell as it stood when the card was begun."""
    manifest = build.state.manifest(waiver.asset, waiver.partition)
    return manifest is not None and waiver.holds(manifest)


def _origin_row(source: str, origin: Origin, build: CellBuild, partitions: list[str]) -> dict[str, Any]:
    files = [file for key in partitions if source_of(key) == source for file in build.observed.partition(key).files]
    return {
        "source": source,
        "about": origin.about or "not stated",
        "licence": origin.licence or "not stated",
        "path": origin.path,
        "snapshot": origin.snapshot,
        "files": len(files),
        "MB": round(sum(file.size_bytes for file in files) / 1e6, 2),
    }


def _contamination(build: CellBuild, partitions: list[str], evals: Sequence[str], *, drop: bool) -> str:
    """Return by evaluation how many of its items stood in how many documents, and how many could not be looked for."""
    names: dict[str, list[str]] = {}
    for name in evals:
        names.setdefault(build.manifest(EVAL_TEXTS, name).content, []).append(name)
    found: dict[str, tuple[set[int], set[str]]] = {}
    for key in partitions:
        for row in build.table(CLEAN, "contaminated", key).select(["texts", "item", "id"]).to_pylist():
            items, ids = found.setdefault(", ".join(sorted(names.get(row["texts"], []))), (set(), set()))
            items.add(row["item"])
            ids.add(row["id"])
    told = {", ".join(sorted(own)): build.manifest(EVAL_TEXTS, own[0]).metadata for own in names.values()}
    rows = [
        {
            "evaluation": name,
            "items": metadata.get("num_items", 0),
            "too short to be looked for": metadata.get("num_not_searched", 0),
            "items found": len(found.get(name, ((), ()))[0]),
            "documents": len(found.get(name, ((), ()))[1]),
        }
        for name, metadata in sorted(told.items())
    ]
    if not found:
        return markdown_table(rows) + "\n\nNone of the recipe's evaluations was found."
    return markdown_table(rows) + f"\n\nThese documents were {'dropped' if drop else 'kept, as the recipe asks'}."


def _source_row(source: str, cells: list[dict[str, Manifest]], shards: str) -> dict[str, Any]:
    rows = {asset: sum(cell[asset].num_rows or 0 for cell in cells) for asset in STAGES}
    return {
        "source": source,
        "reader": cells[0][DOCUMENTS].config.get("format", "-"),
        "partitions": len(cells),
        "rejected": sum(int(cell[DOCUMENTS].metadata.get("num_rejects", 0)) for cell in cells),
        "extracted": rows[DOCUMENTS],
        "after filters": rows[FILTERED],
        "after deduplication": rows[DEDUPLICATED],
        "after decontamination": rows[CLEAN],
        "tokens": sum(int(cell[shards].metadata.get("num_tokens", 0)) for cell in cells),
    }


def _values(config: Config) -> dict[str, Any]:
    return config.model_dump(mode="json")


def _steps(steps: list[StepConfig]) -> str:
    """Return a source's filters with their thresholds, in order."""
    return "; ".join(f"{step.filter} ({_settings(_values(step.settings))})" for step in steps) or "no filters"


def _settings(config: dict[str, Any]) -> str:
    """Return settings as text, those that are off left out."""
    shown: list[str] = []
    for key, value in config.items():
        if isinstance(value, dict):
            shown.append(f"{key} ({_settings(cast(dict[str, Any], value))})")
        elif value is not None and value is not False:
            shown.append(f"{key} {markdown_words(value)}" if value is not True else key)
    return ", ".join(shown)


def _reasons(manifests: dict[str, list[dict[str, Manifest]]]) -> list[dict[str, Any]]:
    counts: Counter[tuple[str, str]] = Counter()
    for source, cells in manifests.items():
        for cell in cells:
            for asset in STAGES:
                for reason, count in cell[asset].metadata.get("reasons", {}).items():
                    counts[source, reason] += count
    return [{"source": source, "reason": reason, "documents": count} for (source, reason), count in counts.most_common(SHOWN_REASONS)]


def _shape_row(source: str, cells: list[dict[str, Manifest]]) -> dict[str, Any]:
    """Return the languages of a source's largest partition, and its lengths in characters after all stages."""
    largest = max(cells, key=lambda cell: cell[CLEAN].num_rows or 0)
    shares: dict[str, float] = largest[FILTERED].metadata.get("language_shares", {})
    quantiles: dict[str, float] = largest[CLEAN].metadata.get("length_quantiles", {})
    languages = ", ".join(f"{language} {share:.1%}" for language, share in list(shares.items())[:5])
    return {"source": source, "languages": languages or "not identified", **{name: round(value) for name, value in quantiles.items()}}


def _limits(config: CardConfig, manifests: dict[str, list[dict[str, Manifest]]], left_out: list[str]) -> list[str]:
    """Return what a reader should know before use."""
    masked = [source for source in manifests if any(step.filter == "personal_data" for step in config.steps[source])]
    unmasked = [source for source in manifests if source not in masked]
    lines = [f"- Partitions left out because a check stopped them or the recipe put them under quarantine: {', '.join(left_out) or 'none'}."]
    if masked:
        lines.append(f"- Personal data were treated by rules in {', '.join(masked)}; rules miss what has no fixed form.")
    if unmasked:
        lines.append(f"- Personal data were not looked for in {', '.join(unmasked)}.")
    if unlicensed := [source for source in manifests if config.origins[source].licence is None]:
        lines.append(f"- The recipe states no licence of {', '.join(unlicensed)}.")
    unidentified = [source for source, cells in manifests.items() if not any(cell[FILTERED].metadata.get("language_shares") for cell in cells)]
    if unidentified:
        lines.append(f"- Languages were not identified in {', '.join(unidentified)}.")
    return lines
