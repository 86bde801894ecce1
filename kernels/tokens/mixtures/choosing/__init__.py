"""Which documents a mixture holds, and in which split."""
