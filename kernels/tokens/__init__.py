"""From texts to tokens: tokenizers, shards, mixtures."""
