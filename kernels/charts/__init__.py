"""Pictures: small PNGs of what was measured."""
