# pyright: reportUnknownMemberType=false
# matplotlib's **kwargs have no types
"""Pictures of a corpus: what became of each source's records, and for which reasons they went."""

import pyarrow as pa

from kernels.charts.png import png

_COLOURS = {"kept": "#2b6cb0", "rejected": "#a0aec0", "filtered": "#dd6b20", "duplicates": "#805ad5", "emptied": "#b7791f", "contaminated": "#c53030"}
_STAGE_COLOURS = {"documents": "#a0aec0", "filtered": "#dd6b20", "deduplicated": "#805ad5", "trimmed": "#b7791f", "decontaminated": "#c53030"}
_MAX_REASONS = 16


def plot_outcomes(flow: pa.Table) -> bytes:
    """Return a PNG: a bar a source, the shares of its records kept and taken out at each stage.

    ``flow`` has source, records, kept, rejected, filtered, duplicates, emptied (by cutting passages) and contaminated.
    """
    from matplotlib.figure import Figure

    rows = flow.to_pylist()
    figure = Figure(figsize=(7, 1.2 + 0.4 * max(1, len(rows))), layout="constrained")
    axes = figure.subplots()
    left = [0.0] * len(rows)
    for name, colour in _COLOURS.items():
        shares = [row[name] / max(1, row["records"]) for row in rows]
        axes.barh([f"{row['source']} ({row['records']:,})" for row in rows], shares, left=left, color=colour, label=name)
        left = [start + share for start, share in zip(left, shares, strict=True)]
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.set_xlabel("share of records")
    axes.spines[["top", "right"]].set_visible(False)
    if rows:
        axes.legend(frameon=False, ncols=len(_COLOURS), loc="lower center", bbox_to_anchor=(0.5, 1.0), fontsize=8)
    return png(figure)


def plot_reasons(reasons: pa.Table) -> bytes:
    """Return a PNG: the commonest reasons, a bar each. ``reasons`` has source, stage, reason and documents, the commonest first."""
    from matplotlib.figure import Figure

    rows = reasons.slice(0, _MAX_REASONS).to_pylist()
    figure = Figure(figsize=(7, 0.8 + 0.28 * max(1, len(rows))), layout="constrained")
    axes = figure.subplots()
    labels = [f"{row['source']}: {row['reason']}" for row in rows]
    counts: list[int] = [row["documents"] for row in rows]
    bars = axes.barh(labels, counts, color=[_STAGE_COLOURS.get(row["stage"], "#718096") for row in rows])
    axes.bar_label(bars, [f"{count:,}" for count in counts], fontsize=8, padding=2)
    axes.invert_yaxis()
    axes.set_xlabel("documents or records")
    axes.margins(x=0.12)
    axes.spines[["top", "right"]].set_visible(False)
    return png(figure)
