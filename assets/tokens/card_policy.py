"""What a data card says of how a mixture is chosen and read: shares and their stages, how often, what was cut off, and how well rows are filled."""

from collections.abc import Mapping
from typing import Any

from assets.graph.metadata import markdown_table, markdown_words
from kernels.tokens.mixtures.config import MixtureConfig
from kernels.tokens.mixtures.index import shares_of


def policy(config: MixtureConfig, partitions: Mapping[str, int | None], composition: list[dict[str, Any]], metadata: dict[str, Any]) -> list[str]:
    """Return the card's paragraphs on a mixture's policy, from its config, what it reads and came to by source, and its manifest's metadata."""
    most, told = int(metadata["most_rows"]), "Shares are of a training's new tokens" if config.replay else "Shares are of a training's tokens"
    return [
        markdown_table([_stage_row(start, weights, config) for start, weights in _stages(config)]),
        f"{told}, from a point of it on. It may read {most} rows, {most * config.sequence_length} tokens: past that a "
        f"source would be read more often than it may be ({_epochs(config)}), and the training is refused. Order: seed {config.seed}.",
        _caps(config, composition),
        *_bounds(partitions),
        *_replay(config, metadata),
        f"Rows hold documents of one source each, none of them twice; {float(metadata['packing_efficiency']):.2%} of their positions hold a token. "
        f"Sources of so few rows that the last one's gap counts: {markdown_words(metadata['underfilled_sources'])}.",
    ]


def _stages(config: MixtureConfig) -> list[tuple[float, dict[str, float]]]:
    return [(0.0, config.weights), *((stage.start, stage.weights) for stage in config.stages)]


def _stage_row(start: float, weights: dict[str, float], config: MixtureConfig) -> dict[str, Any]:
    shares = shares_of(weights)
    return {"from": f"{start:.4g}", **{source: f"{float(shares.get(source, 0)):.4g}" for source in config.sources}}


def _epochs(config: MixtureConfig) -> str:
    epochs = {source: config.epochs_of(source) for source in config.sources}
    if len(set(epochs.values())) == 1:
        return f"max_epochs {next(iter(epochs.values())):g}"
    return "max_epochs " + ", ".join(f"{markdown_words(source)} {most:g}" for source, most in epochs.items())


def _caps(config: MixtureConfig, composition: list[dict[str, Any]]) -> str:
    """Return which bounds the recipe sets, and what they cut off."""
    bounds = [f"max_tokens of {markdown_words(source)} {most}" for source, most in sorted(config.max_tokens.items())]
    bounds += [] if config.max_train_tokens is None else [f"max_train_tokens {config.max_train_tokens}"]
    if not bounds:
        return "Nothing is cut off: no bound is set on the tokens of a source."
    cut = [
        f"{row['num_tokens_cut_off']} tokens of {markdown_words(row['source'])}"
        for row in composition
        if row["num_tokens_cut_off"] and not row["is_replayed"]
    ]
    return f"Bounds: {', '.join(bounds)}. Cut off by them, documents of highest hash first: {', '.join(cut) or 'nothing'}."


def _bounds(partitions: Mapping[str, int | None]) -> list[str]:
    """Return the paragraph on the partitions that are read, none where all are."""
    bounds = [f"{most} of {markdown_words(source)}" for source, most in sorted(partitions.items()) if most is not None]
    return [f"Partitions that it reads at most, counted from the first that came: {', '.join(bounds)}."] if bounds else []


def _replay(config: MixtureConfig, metadata: dict[str, Any]) -> list[str]:
    """Return the paragraph on what comes before the mixture, none where nothing does."""
    if config.after is None:
        return []
    left = (
        f"It comes after {markdown_words(config.after)}: {metadata['num_documents_of_earlier']} documents of its sources were trained on or held out"
    )
    left += " by that or by mixtures before it, and are not among its new ones."
    if not config.replay:
        return [f"{left} None is replayed."]
    told = f"{metadata['num_replayed_documents']} are replayed, {metadata['num_replayed_tokens']} tokens, {metadata['replayed_share']:.2%} of all"
    return [f"{left} Of what was trained on {told}; a training reads them as {float(config.replayed_share):.2%} of its rows."]
