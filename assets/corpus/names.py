"""The assets of the corpus by name, in the order of their making."""

DOCUMENTS = "corpus/documents"
FILTERED = "corpus/filtered"
SIGNATURES = "corpus/signatures"
DEDUPLICATED = "corpus/deduplicated"
PARAGRAPHS = "corpus/paragraphs"
TRIMMED = "corpus/trimmed"
EVAL_TEXTS = "corpus/eval_texts"
CLEAN = "corpus/decontaminated"
"""What tokens and models are made from."""
REPORT = "corpus/report"


def classifier_asset(name: str) -> str:
    """Return the asset name of a classifier."""
    return f"classifiers/{name}"


def key_input(name: str) -> str:
    """Return the name of the input that holds a secret key."""
    return f"inputs/key_{name}"
