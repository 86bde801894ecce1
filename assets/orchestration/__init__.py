"""All Dagster that assets need."""
