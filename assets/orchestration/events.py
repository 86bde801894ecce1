"""What events show of a cell: first what people look for (plots, tables, counts), then cost and identity."""

import base64
from typing import Any

import dagster as dg

from assets.graph.metadata import markdown_table
from resources.storage.lake import Lake
from resources.storage.manifest import Manifest

SHOWN_PARENTS = 20
SIGNIFICANT_DIGITS = 4


def event_metadata(lake: Lake, manifest: Manifest) -> dict[str, Any]:
    """Return a manifest as the metadata of an event."""
    told = manifest.metadata
    plots = {name: value for name, value in told.items() if isinstance(value, dict) and "png" in value}
    tables = {name: value for name, value in told.items() if isinstance(value, dict) and "markdown" in value}
    plain = {name: value for name, value in told.items() if not isinstance(value, dict)}
    other = {name: value for name, value in told.items() if name not in {**plots, **tables, **plain}}
    shown: dict[str, Any] = {name: _plot(lake, manifest, name, value["png"]) for name, value in plots.items()}
    shown |= {name: dg.MetadataValue.md(value["markdown"]) for name, value in tables.items()}
    if manifest.num_rows is not None:
        shown["dagster/row_count"] = manifest.num_rows
    shown |= {name: rounded(value) for name, value in plain.items()}
    parents = [parent.model_dump() for parent in manifest.parents[:SHOWN_PARENTS]]
    more = f"\n\nand {len(manifest.parents) - SHOWN_PARENTS} more" if len(manifest.parents) > SHOWN_PARENTS else ""
    cell = manifest.cell
    return shown | {
        "size_bytes": manifest.size_bytes,
        "seconds": rounded(manifest.seconds),
        **{name: dg.MetadataValue.json(rounded(value)) for name, value in other.items()},
        "made_from": dg.MetadataValue.md(markdown_table(parents) + more),
        "config": dg.MetadataValue.json(manifest.config),
        "provenance": dg.MetadataValue.json(manifest.provenance.model_dump() if manifest.provenance else {}),
        "folder": dg.MetadataValue.path(lake.place(cell, manifest.version)),
        "content": manifest.content,
        "fingerprint": manifest.fingerprint,
        "version": manifest.version,
        "mill": f"mill show '{cell}'",
    }


def _plot(lake: Lake, manifest: Manifest, name: str, file: str) -> dg.MarkdownMetadataValue:
    image = base64.b64encode((lake.folder(manifest.cell, manifest.version) / file).read_bytes()).decode()
    return dg.MetadataValue.md(f"![{name}](data:image/png;base64,{image})")


def rounded(value: Any) -> Any:
    """Return numbers with as many digits as say something."""
    if isinstance(value, float):
        return float(f"{value:.{SIGNIFICANT_DIGITS}g}")
    if isinstance(value, dict):
        return {name: rounded(inner) for name, inner in value.items()}
    return [rounded(inner) for inner in value] if isinstance(value, list) else value
