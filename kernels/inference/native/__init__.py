"""The CPU's own kernels, in C++, compiled at first use."""
