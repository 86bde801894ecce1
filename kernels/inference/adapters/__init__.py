"""LoRA adapters of one base, each added for the requests that ask for it."""
