"""How likely models hold texts to be: by the engine of all answers, by whole rows, and word by word where tokens are masked."""
