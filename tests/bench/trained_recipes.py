"""Recipes that train models of the recipe ``architectures`` for some steps, on real sentences in place of its corpora."""

from pathlib import Path
from typing import Any

import yaml

from tests.bench.wave import written_documents
from tests.locations import PROJECT

NUM_DOCUMENTS = 2_000
SOURCE: dict[str, Any] = {"format": "jsonl", "path": "data", "text_field": "text", "max_bytes": 100_000}


def write_recipe(folder: Path, models: list[str], num_steps: int) -> Path:
    """Write a recipe of some models, each as ``architectures`` has it but for its length, and what they learn from; return its file."""
    entries: dict[str, Any] = yaml.safe_load((PROJECT / "pipelines" / "recipes" / "architectures.yaml").read_text())
    for key in ("evals", "arrival"):
        del entries[key]
    entries |= {"name": "bench", "sources": {"texts": SOURCE}, "models": {name: entries["models"][name] for name in models}}
    for tokenizer in entries["tokenizers"].values():
        tokenizer["sources"] = ["texts"]
    for mixture in entries["mixtures"].values():
        mixture |= {"weights": {"texts": 1.0}, "max_epochs": 20.0}
    for model in entries["models"].values():
        model |= {"num_steps": num_steps, "warmup_steps": 2, "validate_every": num_steps, "checkpoint_every": num_steps}
    if not (folder / "data").exists():
        (folder / "data").mkdir(parents=True)
        (folder / "data" / "texts.jsonl").write_text("\n".join(written_documents(NUM_DOCUMENTS)) + "\n")
    (folder / "recipe.yaml").write_text(yaml.safe_dump(entries, sort_keys=False))
    return folder / "recipe.yaml"
