"""What is said of pieces that processes hold as of what these are pieces of: norms, sums, and the wholes themselves, for states and checkpoints."""

from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any

from kernels.specs.layout import PIPELINE
from kernels.training.parallel.shards import Shard, axes_of, norm_of, piece_of, whole_of
from kernels.training.parallel.team import Team


class Wholes:
    """The parameters of a model, of which this process holds some, or pieces of them."""

    def __init__(self, shards: Mapping[str, Shard], names: Sequence[str], team: Team, owns: Callable[[str], bool] | None = None) -> None:
        """Take what this process holds.

        Args:
            shards: by the names of parameters.
            names: of all parameters of the model, in its order.
            team: of all processes.
            owns: says whether this process is the first of those stages of a pipeline that hold a parameter; None where there are no stages.
        """
        self._shards, self._team, self._owns = shards, team, owns
        self._order = {name: place for place, name in enumerate(names)}

    @property
    def is_in_pieces(self) -> bool:
        """Whether parameters are held in pieces."""
        return any(shard.cuts for shard in self._shards.values())

    def is_held(self, name: str) -> bool:
        """Return whether this process holds a parameter or a piece of it; other names are of no parameter, and held by all."""
        return name in self._shards or name not in self._order

    def norm(self, tensors: Mapping[str, Any]) -> float:
        """Return the L2 norm of tensors by the names of parameters, each cut as its parameter is."""
        if self._owns is None:
            return norm_of(tensors, self._shards, self._team)
        own = {name: tensor for name, tensor in tensors.items() if self._owns(name)}
        (squares,) = self._team.sums([norm_of(own, self._shards, self._team) ** 2], PIPELINE)
        return squares**0.5

    def sums(self, numbers: Mapping[str, list[float]]) -> dict[str, list[float]]:
        """Return numbers of what is cut as parameters are, by their names, summed over the processes that hold the other pieces."""
        found = dict(numbers)
        for axes in sorted({axes_of(self._shards[name]) for name in numbers}):
            alike = {name: of_piece for name, of_piece in numbers.items() if axes_of(self._shards[name]) == axes}
            summed = iter(self._team.sums([number for of_piece in alike.values() for number in of_piece], axes))
            found |= {name: list(islice(summed, len(of_piece))) for name, of_piece in alike.items()}
        owns = self._owns
        if owns is None:
            return found
        of_stages = self._team.told_by_each({name: of_piece for name, of_piece in found.items() if owns(name)}, PIPELINE)
        together = {name: of_piece for of_stage in of_stages for name, of_piece in of_stage.items()}
        return dict(sorted(together.items(), key=lambda item: self._order[item[0]]))

    def whole(self, name: str, tensor: Any) -> Any:
        """Return, on the CPU, what a tensor that is cut as a parameter is a piece of; all processes must ask for it at once."""
        return self.gathered(name, tensor.detach()).cpu() if tensor.ndim else tensor

    def gathered(self, name: str, tensor: Any) -> Any:
        """Return what `whole` does, where the tensor is."""
        return whole_of(tensor, self._shards[name], self._team)

    def piece(self, name: str, whole: Any) -> Any:
        """Return what this process holds of a tensor that is cut as a parameter is."""
        return piece_of(whole, self._shards[name], self._team) if whole.ndim else whole

    def of_stages(self, tensors: dict[str, Any], parameter_of: Callable[[str], str] = str) -> dict[str, Any]:
        """Return whole tensors of all stages of a pipeline, for the first process, which writes; others get what they hold.

        Args:
            tensors: by name, those of this stage.
            parameter_of: returns which parameter a tensor's name is of.
        """
        owns = self._owns
        if owns is None:
            return tensors
        own = {name: tensor for name, tensor in tensors.items() if parameter_of(name) not in self._order or owns(parameter_of(name))}
        found = self._team.collected(own, PIPELINE)
        return dict(sorted(found.items(), key=lambda item: self._order.get(parameter_of(item[0]), -1)))
