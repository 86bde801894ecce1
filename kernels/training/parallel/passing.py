"""What modules give and what blocks are told, passed through a function of this process's view of the team."""

from collections.abc import Callable
from typing import Any

from kernels.training.parallel.team import Team

Through = Callable[[Any, Team], Any]


def pass_output(module: Any, function: Through, team: Team) -> None:
    """Have what a module gives be what a function makes of it."""

    def hook(_: Any, given: Any, output: Any) -> Any:
        return function(output, team)

    module.register_forward_hook(hook)


def telling(tell: Callable[..., Any], function: Through, team: Team) -> Callable[..., Any]:
    """Return what tells blocks what a function makes of what ``tell`` tells them."""

    def told(*given: Any, **named: Any) -> Any:
        return function(tell(*given, **named), team)

    return told
