"""The assets of tokens by name. A recipe of one tokenizer has one set of shards; one of several has one a tokenizer."""


def tokenizer_asset(name: str | None) -> str:
    """Return the asset name of a tokenizer; None is the recipe's only one."""
    return "tokens/tokenizer" if name is None else f"tokens/tokenizer_{name}"


def tokenizer_input(name: str | None) -> str:
    """Return the name of the input that holds the files of a tokenizer that somebody else made."""
    return "tokenizer_file" if name is None else f"tokenizer_file_{name}"


def shards_asset(tokenizer: str | None) -> str:
    """Return the asset name of the shards that a tokenizer makes."""
    return "tokens/shards" if tokenizer is None else f"tokens/shards_{tokenizer}"


def mixture_asset(name: str) -> str:
    """Return the asset name of a mixture."""
    return f"tokens/mixture_{name}"


def card_asset(name: str) -> str:
    """Return the asset name of a mixture's card."""
    return f"tokens/card_{name}"
