"""The data card of a mixture: what is in it, where it came from, what was done to it and what is known against it, as Markdown.

Its questions are those of "Datasheets for Datasets" (Gebru et al. 2021, arXiv 1803.09010), as far as the lake can answer them.
"""

from collections import Counter
from typing import Any

from assets.artifact import Work, markdown_table
from assets.corpus import CLEAN_ASSET, DEDUPLICATED_ASSET, DOCUMENTS_ASSET, FILTERED_ASSET, source_of
from assets.tokens import SHARDS_ASSET
from kernels.mixtures import MixtureConfig
from resources.lake import Manifest

STAGES = (DOCUMENTS_ASSET, FILTERED_ASSET, DEDUPLICATED_ASSET, CLEAN_ASSET, SHARDS_ASSET)
SHOWN_REASONS = 12


def data_card(work: Work, config: MixtureConfig, partitions: list[str], composition: list[dict[str, Any]], left_out: list[str]) -> str:
    """Return the card of a mixture made from some partitions. The same data give the same text: it holds no time and no path."""
    cells = {key: {asset: work.lake.require(work.parent(asset, key)) for asset in STAGES} for key in partitions}
    sources = list(dict.fromkeys(map(source_of, partitions)))
    manifests = {source: [cells[key] for key in partitions if source_of(key) == source] for source in sources}
    parts = [
        f"# {work.cell.asset} of {work.cell.recipe}",
        "Text for language modelling, packed into training sequences. Made by a recipe: the same sources and the same recipe give the same bytes.",
        "## Composition",
        markdown_table(composition),
        f"Sequences of {config.sequence_length} tokens; {config.validation_fraction:.1%} of documents are held out for validation, whole.",
        "## Sources and what was taken out of them",
        markdown_table([_source_row(source, manifests[source]) for source in sources]),
        "## Processing",
        *(f"- **{source}**: {_steps(manifests[source][0][FILTERED_ASSET])}" for source in sources),
        f"- **all**: deduplicated ({_settings(manifests[sources[0]][0][DEDUPLICATED_ASSET].config)}), "
        f"decontaminated ({_settings(manifests[sources[0]][0][CLEAN_ASSET].config)})",
        "## Why documents went",
        markdown_table(_reasons(manifests)),
        "## Languages and lengths",
        markdown_table([_shape_row(source, manifests[source]) for source in sources]),
        "## What is known against it",
        *_limits(manifests, left_out),
        "## Identity",
        markdown_table(
            [{"partition": key, "documents": cells[key][CLEAN_ASSET].num_rows, "content": cells[key][SHARDS_ASSET].content} for key in cells]
        ),
    ]
    return "\n\n".join(parts) + "\n"


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


def _steps(manifest: Manifest) -> str:
    """Return a source's filters with their thresholds, in order."""
    steps: list[dict[str, Any]] = manifest.config.get("steps", [])
    return "; ".join(f"{step['kind']} ({_settings({key: value for key, value in step.items() if key != 'kind'})})" for step in steps) or "no filters"


def _settings(config: dict[str, Any]) -> str:
    """Return settings as text, nested ones in order, those that are off left out."""
    shown = []
    for key, value in config.items():
        if isinstance(value, dict):
            shown.append(_settings(value))
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


def _limits(manifests: dict[str, list[dict[str, Manifest]]], left_out: list[str]) -> list[str]:
    """Return what a reader should know before use."""
    masked = [source for source, cells in manifests.items() if "personal_data" in _steps(cells[0][FILTERED_ASSET])]
    unmasked = [source for source in manifests if source not in masked]
    lines = [f"- Partitions left out because a check stopped them: {', '.join(left_out) or 'none'}."]
    if masked:
        lines.append(f"- Personal data were treated by rules in {', '.join(masked)}; rules miss what has no fixed form.")
    if unmasked:
        lines.append(f"- Personal data were not looked for in {', '.join(unmasked)}.")
    unidentified = [source for source, cells in manifests.items() if not any(cell[FILTERED_ASSET].metadata.get("language_shares") for cell in cells)]
    if unidentified:
        lines.append(f"- Languages were not identified in {', '.join(unidentified)}.")
    return lines
