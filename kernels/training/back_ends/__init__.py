"""Who wraps a model for the processes that train it: this trainer, or a library of others. What is computed is the same by each.

One file a back end; each makes its own `Spread`, and all else of a training stays the trainer's.
"""

from kernels.specs.layout import BackEnd
from kernels.training.back_ends.accelerated import AcceleratedSpread
from kernels.training.back_ends.deepspeed_zero import DeepSpeedSpread
from kernels.training.parallel.spread import Spread

_TYPES: dict[BackEnd, type[Spread]] = {"modelmill": Spread, "accelerate": AcceleratedSpread, "deepspeed": DeepSpeedSpread}


def spread_type(back_end: BackEnd) -> type[Spread]:
    """Return what spreads a model by a back end."""
    return _TYPES[back_end]
