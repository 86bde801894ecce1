"""What one module of a family declares: a frozen spec bound to the name ``SPEC``. families.py says where which family lives.

A spec's ``version`` is raised by hand whenever the same config would give other bytes: it is the code version of every artifact made
with it.
"""
