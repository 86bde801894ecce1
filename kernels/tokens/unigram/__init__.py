"""Training a unigram language model of pieces (Kudo 2018, arXiv 1804.10959)."""
