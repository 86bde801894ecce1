"""Models: architectures, and the forms that checkpoints have on disk."""
