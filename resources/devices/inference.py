"""What answers where evals have models generate: where and by what means, and never what is asked."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Inference:
    """By which back end models answer. It computes with a checkpoint's own weights, so that answers differ by rounding at most."""

    backend: str = "own"
    """Its name."""
    is_invariant: bool = False
    """Whether not one bit of an answer or of a likelihood depends on what else is asked."""
