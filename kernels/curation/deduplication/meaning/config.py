"""What semantic deduplication is told."""

from pydantic import Field

from kernels.specs.config import Config


class SemanticConfig(Config):
    """How near two documents must be in meaning, and how they are clustered."""

    min_cosine: float = Field(gt=0, le=1)
    """Least cosine of two documents' vectors."""
    max_tokens: int = Field(default=256, gt=0)
    """Tokens of a document that are encoded, from its beginning; all-MiniLM-L6-v2 takes 256."""
    num_tables: int = Field(default=12, gt=0)
    """Times that documents are clustered. Of pairs at an angle a, 1 - (1 - (1 - a / 180 degrees) ** num_planes) ** num_tables share a cluster."""
    num_planes: int = Field(default=8, gt=0, le=16)
    """Hyperplanes that cut space into 2 ** num_planes clusters, each time: more planes, less to compare."""
    seed: int = Field(ge=0, lt=1 << 63)
    """Seed of the hyperplanes."""


def index_config(config: SemanticConfig) -> str:
    """Return, as JSON, what an index depends on: all but the threshold."""
    return config.model_dump_json(exclude={"min_cosine"})
