"""Where a job of a recipe runs: the key ``run`` of a model."""

from typing import Literal, Self

from pydantic import Field, model_validator

from kernels.specs.config import fault_of_key
from kernels.specs.layout import Layout


class RunEntry(Layout):
    """Where a job runs, and how it is spread over processes. It is recorded, and makes nothing stale."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """``auto`` takes GPUs where the machine has any, one a process."""
    nodes: int = Field(default=1, ge=1)
    """Machines that have as many of the processes each: this one, and those that ``mill join`` lets join."""
    config: str | None = None
    """With ``back_end: accelerate``: a file that ``accelerate config`` wrote, relative to the recipe, which says the other keys in place of them."""

    @model_validator(mode="after")
    def _nodes_have_as_many(self) -> Self:
        if self.processes % self.nodes:
            raise fault_of_key("nodes", f"{self.processes} processes are no whole number for each of {self.nodes} nodes; change one of them")
        return self

    @model_validator(mode="after")
    def _config_is_of_accelerate(self) -> Self:
        if self.config is not None and self.back_end != "accelerate":
            raise fault_of_key("config", "it is a file of accelerate's; give 'back_end: accelerate' too, or leave the key out")
        return self
