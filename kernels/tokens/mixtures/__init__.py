"""Shards of several sources as one dataset of packed rows."""
