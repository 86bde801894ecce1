"""Muon (Jordan 2024, kellerjordan.github.io/posts/muon): the momentum of a matrix, moved to the nearest orthogonal one, is its step.

Legend: N matrices of one shape, R rows, C columns. The step is scaled as in Moonlight (Liu et al. 2025, arXiv 2502.16982, section 2.2), so that its
entries are as large as AdamW's and learning rate and weight decay carry over. Matrices that are stored as one, such as queries, keys and values, are
orthogonalized each alone. All matrices of one shape go through one batched product.
"""

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple, Protocol

from kernels.training.optimization.parameter_groups import Member

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic that takes singular values near 1 in few steps (Jordan 2024): they end between about 0.7 and 1.2."""
NUM_ITERATIONS = 5
EPSILON = 1e-7
"""Norm below which a matrix of gradients makes a smaller step (Jordan 2024)."""
UPDATE_SIZE = 0.2
"""Root mean square of AdamW's steps, which Moonlight matches."""
CHUNK_SIZE = 1 << 26
"""Numbers that are orthogonalized together, so that large models need little room beside themselves."""


def orthogonalize(matrices_NRC: Any) -> Any:
    """Return U V' of matrices U S V' in bfloat16 [N, R, C], roughly: by Newton and Schulz, without a decomposition.

    L is the shorter of R and C: the polynomial [N, L, L] stands on that side.
    """
    import torch

    a, b, c = COEFFICIENTS
    linalg: Any = torch.linalg
    norms_N11 = linalg.vector_norm(matrices_NRC, dim=(1, 2), keepdim=True).clamp_min(EPSILON)
    result_NRC = torch.empty_like(matrices_NRC, dtype=torch.bfloat16)
    torch.mul(matrices_NRC, 1 / norms_N11, out=result_NRC)
    is_tall = matrices_NRC.shape[1] > matrices_NRC.shape[2]
    for _ in range(NUM_ITERATIONS):
        gram_NLL = result_NRC.mT @ result_NRC if is_tall else result_NRC @ result_NRC.mT
        polynomial_NLL = torch.baddbmm(gram_NLL, gram_NLL, gram_NLL, beta=b, alpha=c)
        factors = (result_NRC, polynomial_NLL) if is_tall else (polynomial_NLL, result_NRC)
        result_NRC = torch.baddbmm(result_NRC, *factors, beta=a)
    return result_NRC


def splits_of(members: Sequence[Member], splits: Mapping[str, Sequence[int]]) -> dict[str, tuple[int, ...]]:
    """Return the rows of the matrices that each parameter stores one behind the other, by its name.

    Args:
        members: parameters of Muon.
        splits: rows by name, or by a pattern with wildcards for all that are split alike, such as ``*.qkv.weight``.

    Raises:
        ValueError: rows do not come to those of the parameter.
    """
    found: dict[str, tuple[int, ...]] = {}
    for member in members:
        rows = member.parameter.shape[-2]
        sizes = next((tuple(sizes) for pattern, sizes in splits.items() if fnmatchcase(member.name, pattern)), (rows,))
        if sum(sizes) != rows or min(sizes) < 1:
            raise ValueError(
                f"parameter {member.name} has {rows} rows, and its parts of {', '.join(map(str, sizes))} come to {sum(sizes)}; mend splits"
            )
        found[member.name] = sizes
    return found


class _Part(NamedTuple):
    """One matrix of a parameter: where it reads its step from and where it writes it to."""

    gradient_RC: Any
    momentum_RC: Any
    weight_RC: Any
    learning_rate_ratio: float


class Pieces(Protocol):
    """Puts together what processes hold in pieces."""

    def gathered(self, name: str, tensor: Any) -> Any:
        """Return the whole of what a tensor that is cut as a parameter is a piece of; all processes must ask for it at once."""
        ...

    def piece(self, name: str, whole: Any) -> Any:
        """Return what this process holds of a whole tensor that is cut as a parameter is."""
        ...


class Muon:
    """Moves matrices; parameters of more dimensions are stacks of matrices."""

    def __init__(self, members: Sequence[Member], splits: Mapping[str, tuple[int, ...]], momentum: float, pieces: Pieces | None = None) -> None:
        """Start with momenta of zero. ``splits`` are of whole parameters, as `splits_of` has them; ``pieces`` is None where all are held whole."""
        import torch

        self._members = list(members)
        self._splits = splits
        self._pieces = pieces
        self._decay = momentum
        self.momenta = {member.name: torch.zeros_like(member.parameter, dtype=torch.float32) for member in members}

    def step(self, learning_rate: float) -> None:
        """Move all matrices that have a gradient: with Nesterov's momentum, decayed as AdamW decays."""
        import torch

        moved = [member for member in self._members if member.parameter.grad is not None]
        if not moved:
            return
        fused: Any = torch  # its functions over lists of tensors are not declared
        with torch.no_grad():
            momenta = [self.momenta[member.name] for member in moved]
            fused._foreach_mul_(momenta, self._decay)
            fused._foreach_add_(momenta, [member.parameter.grad for member in moved])
            for member in moved:
                if member.weight_decay:
                    member.parameter.mul_(1 - learning_rate * member.learning_rate_ratio * member.weight_decay)
            if self._pieces is not None:
                for member in moved:
                    self._move_piece(member, self._pieces, learning_rate)
                return
            found = [(member, (member.parameter.grad, self.momenta[member.name], member.parameter)) for member in moved]
            for parts in _chunks([part for member, tensors in found for part in self._parts(member, tensors)]):
                self._move(parts, learning_rate)

    def _move_piece(self, member: Member, pieces: Pieces, learning_rate: float) -> None:
        """Move what is held of a parameter: every process makes the step of the whole, and takes its piece of it."""
        import torch

        whole = pieces.gathered(member.name, torch.add(member.parameter.grad, self.momenta[member.name], alpha=self._decay))
        step = torch.zeros_like(whole)
        for parts in _chunks(list(self._parts(member, (whole, torch.zeros_like(whole), step)))):
            self._move(parts, learning_rate)
        member.parameter.add_(pieces.piece(member.name, step))

    def _parts(self, member: Member, tensors: tuple[Any, Any, Any]) -> Iterator[_Part]:
        """Yield the matrices of a parameter's gradient, momentum and weight as views."""
        sizes = self._splits[member.name]
        shape = (-1, *tensors[0].shape[-2:])
        for stacked in zip(*(tensor.view(shape).unbind(0) for tensor in tensors), strict=True):
            for parts in zip(*(matrix.split(sizes) for matrix in stacked), strict=True):
                yield _Part(*parts, learning_rate_ratio=member.learning_rate_ratio)

    def _move(self, parts: list[_Part], learning_rate: float) -> None:
        """Move matrices of one shape."""
        import torch

        weight_RC = parts[0].weight_RC
        steps_NRC = torch.empty((len(parts), *weight_RC.shape), dtype=torch.float32, device=weight_RC.device)
        for step_RC, part in zip(steps_NRC, parts, strict=True):
            torch.add(part.gradient_RC, part.momentum_RC, alpha=self._decay, out=step_RC)
        scale = UPDATE_SIZE * max(weight_RC.shape) ** 0.5 * learning_rate
        for step_RC, part in zip(orthogonalize(steps_NRC), parts, strict=True):
            part.weight_RC.add_(step_RC, alpha=-scale * part.learning_rate_ratio)


def _chunks(parts: list[_Part]) -> Iterator[list[_Part]]:
    """Yield matrices of one shape together, no more than are to be orthogonalized at once."""
    by_shape: dict[tuple[int, int], list[_Part]] = {}
    for part in parts:
        by_shape.setdefault(tuple(part.weight_RC.shape), []).append(part)
    for (rows, columns), alike in by_shape.items():
        size = max(1, CHUNK_SIZE // (rows * columns))
        for start in range(0, len(alike), size):
            yield alike[start : start + size]
