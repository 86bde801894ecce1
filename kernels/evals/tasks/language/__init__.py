"""Understanding of sentences and pairs of them."""
