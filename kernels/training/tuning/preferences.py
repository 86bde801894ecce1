"""Direct preference optimisation: a model learns to find chosen answers likelier than rejected ones.

The loss is that of Rafailov et al. 2023 (arXiv 2305.18290), equation 7.

The reference is the model that training began from. It is asked once, before the first step, for every pair that will be read, and in the very rows
in which they will be: no second model is held, and at the first step no answer is preferred. What it said outlives a kill.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.models.formats.fast import Trainable
from kernels.specs.layout import READERS
from kernels.specs.objectives import IGNORED
from kernels.training.feeding.batches import Examples, Pairs
from kernels.training.feeding.feed import Batch, StepFeed
from kernels.training.learner import Learner, Setting
from kernels.training.parallel.team import Team
from kernels.training.states.seals import fault_of, seal_folder, words_of
from kernels.training.validation import Measured, PreparedValidation

FOLDER = "references"
"""Of the scratch folder: log-probabilities of pairs by the model that training began from."""
SEAL = "references.seal.json"
TRAINING = "training"


class PreferenceLearner(Learner):
    """Computes the loss of preference pairs and its gradients. The model never drops anything out, since its reference would be another model."""

    def __init__(self, trainable: Trainable, setting: Setting, beta: float, team: Team | None = None) -> None:
        """Take the model. ``beta`` is how strongly it is held to the reference."""
        super().__init__(trainable, setting, team)
        if self.spread.pipeline is not None:
            raise ValueError("pipeline: the loss of preference pairs is not of parts of a step; leave the key out")
        self.module.eval()
        self._beta = beta

    def gradients(self, batch: Batch, scale: float = 1.0) -> float:
        """Add the gradients of a batch's mean loss, times ``scale``, to those of the parameters; return the mean loss in nats a pair."""
        (num_pairs,) = self.team.sums([sum(len(_pairs_of(part).numbers_P) for part in batch.parts)], READERS)
        found: list[Any] = []
        self.spread.begin_step()
        for index, part in enumerate(batch.parts):
            with self.spread.part(is_last=index == len(batch.parts) - 1):
                answers = self.log_probabilities(part)
                losses = self.losses(answers, _pairs_of(part))
                self.spread.pass_back(losses.sum() * (scale / num_pairs))
                found.append(self._numbers(answers.detach(), losses.detach(), _pairs_of(part)))
        self.told = self.means(found)
        return self.told.pop(LOSS)

    def means(self, found: Sequence[Any]) -> dict[str, float]:
        """Return the means of what is told of pairs, those of all processes."""
        import torch

        if self.team.is_alone:
            return dict(zip(TOLD, map(float, torch.cat(list(found)).mean(0)), strict=True))
        together: Any = torch.cat([torch.zeros(0, len(TOLD)), *(numbers.cpu() for numbers in found)])
        *sums, num_pairs = self.team.sums([*together.double().sum(0).tolist(), float(len(together))], READERS)
        return {name: total / num_pairs for name, total in zip(TOLD, sums, strict=True)}

    def log_probabilities(self, part: Examples) -> Any:
        """Return the log-probabilities of the answers of P pairs, [P, 2], the chosen ones first, as sums over their tokens."""
        return self.spread.passed(lambda: self._log_probabilities(part))

    def _log_probabilities(self, part: Examples) -> Any:
        import torch

        from kernels.models.blocks.token_nats import token_nats

        device = self.setting.device
        arrays = (part.targets, _pairs_of(part).texts_BT)
        targets, texts = (self.spread.own_targets(torch.from_numpy(array).to(device)).flatten() for array in arrays)  # pyright: ignore[reportUnknownMemberType]
        index = (targets != IGNORED).nonzero()[:, 0]
        targets, texts = targets[index], texts[index]
        if self.module.output_layer() is None:
            logits = self.module.logits(self.reading(part), self.dtype).flatten(0, 1).index_select(0, index).float()
            nats = torch.nn.functional.cross_entropy(logits, targets, reduction="none")
        else:
            hidden = self.module(self.reading(part), self.dtype).flatten(0, 1).index_select(0, index)
            weight, bias = self.module.output_layer()
            nats = token_nats(hidden, weight, targets, bias)
        sums = torch.zeros(2 * len(_pairs_of(part).numbers_P), device=device)
        return self.spread.total(sums.index_add(0, texts, -nats)).view(-1, 2)

    def losses(self, answers_P2: Any, pairs: Pairs) -> Any:
        """Return the loss of each pair, [P]."""
        import torch

        gains = self._gains(answers_P2, pairs)
        return -torch.nn.functional.logsigmoid(gains[:, 0] - gains[:, 1])

    def _gains(self, answers_P2: Any, pairs: Pairs) -> Any:
        """Return the implicit rewards of both answers: how much likelier they became than with the reference, times beta."""
        import torch

        return self._beta * (answers_P2 - torch.from_numpy(pairs.reference_P2).to(self.setting.device))  # pyright: ignore[reportUnknownMemberType]

    def _numbers(self, answers_P2: Any, losses_P: Any, pairs: Pairs) -> Any:
        """Return what is told of each pair, [P, 7], in the order of `TOLD`."""
        import torch

        gains = self._gains(answers_P2, pairs)
        margins = gains[:, 0] - gains[:, 1]
        return torch.stack([losses_P, *gains.unbind(1), (margins > 0).float(), margins, *answers_P2.unbind(1)], 1)

    def measured(self, part: Examples) -> Any:
        """Return what is told of each pair of some rows, [P, 7], in the order of `TOLD`."""
        with self.asking():
            answers = self.log_probabilities(part)
            return self._numbers(answers, self.losses(answers, _pairs_of(part)), _pairs_of(part))


LOSS = "loss"
TOLD = (LOSS, "rewards/chosen", "rewards/rejected", "rewards/accuracies", "rewards/margins", "logps/chosen", "logps/rejected")
"""Means over the pairs of a step: the loss, implicit rewards, share of pairs whose chosen answer has the higher one, and by how much, logs of
probabilities."""


def _pairs_of(part: Examples) -> Pairs:
    assert part.pairs is not None
    return part.pairs


class PreferenceValidation(PreparedValidation):
    """Pairs that are never trained on, prepared the same way each time."""

    def measure(self, learner: Learner) -> Measured | None:
        """Return the mean loss a pair and what else is told of pairs; None where there is none."""
        assert isinstance(learner, PreferenceLearner)
        if not self.parts:
            return None
        found = [(learner.measured(self.parts[index]), counts) for index, counts in learner.team.share.turns(len(self.parts))]
        told = learner.means([numbers for numbers, counts in found if counts])
        return Measured(told.pop(LOSS), None, told)


class References(NamedTuple):
    """Log-probabilities by the model that training began from, the chosen answers' first; not a number where a pair is never read."""

    train_N2: NDArray[np.float32]
    validation_M2: NDArray[np.float32]


def kept_references(folder: Path, training: str) -> References | None:
    """Return the references that were kept of a training of some name; None where there are none, or they are not whole."""
    kept = folder / FOLDER
    if fault_of(kept, folder / SEAL) is not None or words_of(folder / SEAL).get(TRAINING) != training:
        return None
    return References(*(np.load(kept / f"{name}.npy", allow_pickle=False) for name in References._fields))


def keep_references(references: References, folder: Path, training: str) -> None:
    """Keep the references of a training of some name in a folder, in place of others."""
    kept = folder / FOLDER
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True)
    for name, array in references._asdict().items():
        np.save(kept / f"{name}.npy", array)
    seal_folder(kept, folder / SEAL, {TRAINING: training})


def ask_references(learner: PreferenceLearner, feed: StepFeed, last_step: int, validation: Sequence[Examples], references: References) -> None:
    """Write into ``references`` what a model that has not learned yet says of all pairs that its steps read, and of those of its validation."""
    for step in range(last_step):
        _ask(learner, feed.batch(step).parts, references.train_N2)
        if not np.isnan(references.train_N2).any():
            break
    for index, _ in learner.team.share.turns(len(validation)):
        _ask(learner, [validation[index]], references.validation_M2)


def _ask(learner: PreferenceLearner, parts: Sequence[Examples], references_N2: NDArray[np.float32]) -> None:
    """Write what the model says of the pairs of some parts that nobody asked about before, and of those that other processes ask about meanwhile."""
    found = np.zeros((len(references_N2), 3), np.float64)
    for part in parts:
        numbers = _pairs_of(part).numbers_P
        unknown = np.isnan(references_N2[numbers, 0])
        if sum(learner.team.sums([float(unknown.any())])):  # all ask or none does: weights may be held in pieces
            with learner.asking():
                found[numbers[unknown], :2] = learner.log_probabilities(part).cpu().numpy()[unknown]
            found[numbers[unknown], 2] = 1
    if not learner.team.is_alone:
        found = np.array(learner.team.sums(found.flatten().tolist(), READERS)).reshape(found.shape)
    is_new = found[:, 2] > 0
    references_N2[is_new] = found[is_new, :2] / found[is_new, 2:]
