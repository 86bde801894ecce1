"""What a checkpoint answers: text, and the likelihood of texts."""
