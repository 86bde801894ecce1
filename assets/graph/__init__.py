"""What an artifact is, whatever its stage: declaration, identity, making, checks. No Dagster."""
