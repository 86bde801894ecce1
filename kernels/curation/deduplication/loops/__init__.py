"""The compiled loops of deduplication: over bytes, words, hashes and signatures."""
