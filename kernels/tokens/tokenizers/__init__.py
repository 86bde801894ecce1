"""Ways to make a tokenizer."""
