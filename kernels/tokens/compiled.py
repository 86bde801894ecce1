"""The decorator of this folder's compiled loops (`kernels.specs.compiled`). Import it, and modules that use it, only inside functions."""

from pathlib import Path

from kernels.specs.compiled import compiler

compiled = compiler(Path(__file__).parent)
"""Decorates a function that is compiled to machine code at its first call."""
