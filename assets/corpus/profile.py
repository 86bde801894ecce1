"""What every stage of the corpus tells of its documents."""

from collections.abc import Iterable

from assets.graph.build import CellBuild
from assets.graph.metadata import rows_markdown
from kernels.curation.profile import Profile
from kernels.specs.config import Spec


def describe(build: CellBuild, profile: Profile) -> None:
    """Add a stage's counts, histograms and samples to its metadata."""
    build.draft.num_rows = profile.num_kept
    tables = {
        "outcome": profile.outcome_rows(),
        "lengths": profile.length_rows(),
        "languages": profile.language_rows(),
        "kept_sample": profile.kept_rows(),
        "dropped_sample": profile.dropped_rows(),
    }
    build.draft.metadata |= {name: rows_markdown(rows) for name, rows in tables.items() if rows}
    dropped = profile.reasons.total()
    build.draft.metadata |= {
        "text_bytes": profile.num_text_bytes,
        "num_dropped": dropped,
        "reasons": dict(profile.reasons.most_common()),
        "keep_rate": profile.num_kept / max(1, profile.num_kept + dropped),
        "length_quantiles": profile.length_quantiles(),
        "language_shares": profile.language_shares(),
        "mentions": {group: count for group, count in profile.mentions.items() if count},
    }


def versions(specs: Iterable[Spec]) -> str:
    """Return the versions of specs as one text, each named once."""
    return "+".join(sorted({f"{spec.name}:{spec.version}" for spec in specs})) or "none"
