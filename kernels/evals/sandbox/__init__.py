"""Runs programs that models wrote, which may be hostile, behind the kernel's walls; on Linux alone."""
