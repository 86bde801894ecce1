"""What a training asks of a trainer that is not ours, and what that trainer is then told: values, so that nothing is run or written here."""

import shlex
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from kernels.models.blocks.decoder import DecoderShape
from kernels.specs.layout import Layout
from kernels.training.config import TrainingConfig
from kernels.training.course.horizon import Horizon
from kernels.training.outline import Rates

NEXT_TOKEN = "next_token"


class Asked(NamedTuple):
    """A training, laid out."""

    stack: DecoderShape
    config: TrainingConfig
    objective: str
    """Its kind."""
    rates: Rates
    horizon: Horizon
    row_length: int
    num_validation_rows: int
    layout: Layout
    nodes: int = 1

    @property
    def rows_of_each(self) -> int:
        """Rows of a step that each copy of the model reads.

        Raises:
            ValueError: copies cannot have as many each.
        """
        rows, copies = self.rates.batch_size, self.layout.num_copies
        if rows % copies:
            raise ValueError(f"batch_size: {rows} rows cannot be shared alike by {copies} copies of the model; take a multiple of {copies}")
        return rows // copies


class Place(NamedTuple):
    """Where what a launch reads lies, from the folder of the launch on."""

    start: str
    """The checkpoint that training begins at, in the trainer's form."""
    train: Sequence[tuple[float, str]]
    """Share and files of each source."""
    validation: str | None
    """None where nothing is held out."""
    trained: str
    """Where the trainer keeps its checkpoints."""


class Launch(NamedTuple):
    """How another trainer is started."""

    command: tuple[str, ...]
    """Arguments, of which those that begin with ``$`` are for the shell to fill in."""
    environment: Mapping[str, str]
    files: Mapping[str, str]
    """Texts by name, to lie beside each other where the command is run."""
    needs: tuple[str, ...]
    """What the machine must have."""
    notes: tuple[str, ...]
    """What differs from a training by our own trainer."""

    @property
    def shell(self) -> str:
        """The command for a shell, an argument with its values in a line."""
        words = [f'"{word}"' if word.startswith("$") else shlex.quote(word) for word in self.command]
        lines: list[str] = []
        for word in words:
            if not lines or word.startswith(("--", '"$')) or lines[-1].startswith('"$'):
                lines.append(word)
            else:
                lines[-1] += f" {word}"
        return " \\\n  ".join(lines)


def torchrun(asked: Asked) -> list[str]:
    """Return the beginning of a command that starts as many processes as are asked for."""
    each = str(asked.layout.processes // asked.nodes)
    if asked.nodes == 1:
        return ["torchrun", "--standalone", "--nproc-per-node", each]
    meeting = ["--rdzv-backend", "c10d", "--rdzv-endpoint", "$MEETING"]  # host and port of one of the nodes
    return ["torchrun", "--nnodes", str(asked.nodes), "--nproc-per-node", each, *meeting]


def refuse(faults: Mapping[str, bool], trainer: str) -> None:
    """Pass where nothing is at fault. Raises ValueError, which names all that a trainer cannot do, with the remedy."""
    if found := [fault for fault, is_there in faults.items() if is_there]:
        raise ValueError(f"{trainer} cannot train this as asked: {'; '.join(found)}")


def common_faults(asked: Asked) -> dict[str, bool]:
    """Return what no trainer but ours does, and whether it is asked for."""
    config = asked.config
    return {
        f"the objective is {asked.objective}, and it predicts the next token; leave 'objective' out": asked.objective != NEXT_TOKEN,
        f"positions are {asked.stack.positions} and attention {asked.stack.attention}; take architecture llama with positions: rope": (
            (asked.stack.positions, asked.stack.attention) != ("rope", "causal")
        ),
        "optimizer muon is ours; take adamw": config.optimizer != "adamw",
        "parameter_groups are ours; leave them out": bool(config.parameter_groups),
        "batch_stages are ours; give one batch_size": bool(config.batch_stages),
        "length_stages are ours; leave them out": bool(config.length_stages),
        "z_loss is ours; leave it out": config.z_loss > 0,
        "averaging is ours; leave it out": config.averaging is not None,
        "keep: best is ours; leave it out": config.keep == "best",
        "offload: parameters is ours; leave it out": asked.layout.offload == "parameters",
    }
