"""Rules for personal data, one module a family of kinds."""
