"""Temporary."""
from typing import Any, NamedTuple, Literal
from kernels.specs.config import Config
class GuardConfig(Config):
    on_divergence: Literal["stop","roll_back"] = "stop"
    max_roll_backs: int = 2
    roll_back_rate_ratio: float = 0.5
class Verdict(NamedTuple):
    action: str
    words: str
class Guard:
    def __init__(self, config: GuardConfig) -> None: ...
    def judge(self, step: int, loss: float, norm: float) -> Verdict:
        import math
        if not math.isfinite(loss): raise FloatingPointError(f"the loss of step {step} is {loss}")
        return Verdict("take", "")
    def state(self) -> dict[str, Any]: return {}
    def load_state(self, numbers: dict[str, Any]) -> None: ...
class Watchdog:
    def __init__(self, say: Any) -> None: ...
    def __enter__(self) -> "Watchdog": return self
    def __exit__(self, *a: Any) -> None: ...
    def beat(self) -> None: ...
