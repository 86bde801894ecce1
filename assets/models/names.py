"""Models by name."""


def model_asset(name: str) -> str:
    """Return the asset name of a model."""
    return f"models/{name}"
