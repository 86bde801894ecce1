"""What BMTrain is told, and its script on a stand-in of the packages that it imports."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from kernels.specs.layout import Layout
from kernels.training.course.schedules import learning_rate_at
from kernels.training.elsewhere.bmtrain import describe
from kernels.training.elsewhere.launch import Place
from tests.kernels.training.elsewhere.launches import STACK, asked

HEADS = STACK._replace(num_kv_heads=8)
PLACE = Place("start.pt", [], None, "trained")


def settings(**changes: Any) -> dict[str, Any]:
    return json.loads(describe(asked(stack=HEADS, **{"precision": "float32", **changes}), PLACE).files["training.json"])


def test_model_rates_and_batches_are_the_recipes() -> None:
    found = settings(stop_after_steps=12, micro_batch_size=4)
    course = asked().config.course(20, 0.01)
    assert found["rates"] == [learning_rate_at(step, course) for step in range(12)]
    assert found["model"] == {
        "vocab_size": 300,
        "dim_model": 64,
        "num_heads": 8,
        "dim_head": 8,
        "dim_ff": 128,
        "num_layers": 8,
        "norm_eps": 1e-6,
        "tied": False,
        "half": False,
    }
    assert (found["micro_batch_size"], found["betas"], found["weight_decay"], found["gradient_clip"]) == (4, [0.9, 0.95], 0.1, 1.0)
    assert settings(precision="float16")["loss_scale"] == 65536 and found["loss_scale"] is None


@pytest.mark.parametrize(
    ("layout", "changes", "words"),
    [
        (Layout(), {"stack": STACK}, "4 key heads serve 8; take as many num_kv_heads as num_heads"),
        (Layout(), {"stack": HEADS._replace(theta=5e5)}, "rope_theta is 500000; take 10000"),
        (Layout(), {"precision": "bfloat16"}, "precision bfloat16 tells no more than 256 positions apart"),
        (Layout(processes=2), {}, "weights are in pieces there; take zero: 3"),
        (Layout(processes=2, tensor=2), {}, "'tensor', 'context' and 'pipeline' are not of ModelCenter's Llama"),
        (Layout(processes=4, zero=3, shard=2), {}, "'shard' is ours"),
        (Layout(processes=4, zero=3, offload="parameters"), {}, "offload: parameters is ours"),
    ],
)
def test_what_bmtrain_cannot_do_is_refused(layout: Layout, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=f"BMTrain cannot train this as asked: .*{words}"):
        describe(asked(layout, **{"stack": HEADS, "precision": "float32", **changes}), PLACE)


def test_the_script_takes_the_steps_of_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    import torch

    class Tiny(torch.nn.Module):
        def __init__(self, config: Any) -> None:
            super().__init__()
            self.input_embedding = torch.nn.Embedding(config["vocab_size"], config["dim_model"])
            self.inner = torch.nn.Linear(config["dim_model"], config["dim_model"], bias=False)

        def forward(self, ids: Any, length: Any, output_logits: bool) -> Any:
            return SimpleNamespace(logits=self.inner(self.input_embedding(ids)) @ self.input_embedding.weight.T)

    class Manager:
        def __init__(self, loss_scale: float | None) -> None:
            self.optimizers: list[Any] = []

        def add_optimizer(self, optimizer: Any) -> None:
            self.optimizers.append(optimizer)

        def zero_grad(self) -> None:
            self.optimizers[0].zero_grad()

        def backward(self, loss: Any) -> None:
            loss.backward()

        def clip_grad_norm(self, groups: Any, max_norm: float) -> None:
            torch.nn.utils.clip_grad_norm_([each for group in groups for each in group["params"]], max_norm)

        def step(self) -> None:
            self.optimizers[0].step()

    stand_in, center = ModuleType("bmtrain"), ModuleType("model_center.model")
    parts = {
        "init_distributed": lambda seed: torch.manual_seed(seed),
        "load": lambda model, path: torch.nn.Module.load_state_dict(model, torch.load(path, weights_only=True)),
        "save": lambda model, path: torch.save(model.state_dict(), path),
        "optim": SimpleNamespace(OptimManager=Manager),
        "rank": lambda: 0,
        "world_size": lambda: 1,
        "print_rank": print,
        "sum_loss": lambda loss: loss,
    }
    vars(stand_in).update(parts)
    vars(center).update({"Llama": Tiny, "LlamaConfig": dict})
    monkeypatch.setitem(sys.modules, "bmtrain", stand_in)
    monkeypatch.setitem(sys.modules, "model_center.model", center)
    made = describe(asked(stack=HEADS._replace(vocab_size=11, width=8), precision="float32", micro_batch_size=6), PLACE)
    for name, text in made.files.items():
        (tmp_path / name).write_text(text)
    told = json.loads(made.files["training.json"])
    torch.manual_seed(0)
    torch.save(Tiny(told["model"]).state_dict(), tmp_path / "start.pt")
    (tmp_path / "data").mkdir()
    np.save(tmp_path / "data" / "tokens.npy", np.tile(np.arange(8, dtype=np.uint16), (4, 1)))
    np.save(tmp_path / "data" / "segments.npy", np.repeat([[0, 0, 0, 0, 1, 1, 65535, 65535]], 4, axis=0).astype(np.uint16))
    np.save(tmp_path / "data" / "order.npy", np.tile(np.arange(4).repeat(4), (20, 1)))
    spec = importlib.util.spec_from_file_location("train", tmp_path / "train.py")
    assert spec is not None and spec.loader is not None
    script: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    monkeypatch.setattr(script, "device", lambda: "cpu")
    (tokens, labels, scale), *rest = script.parts(np.arange(4), 3, 0, 1)
    assert labels[0].tolist() == [1, 2, 3, -100, 5, -100, -100, -100] and (len(tokens), len(rest), scale) == (3, 1, 1 / 16)
    script.main()
    losses = [float(line.split()[3]) for line in capsys.readouterr().out.splitlines()]
    assert len(losses) == 20 and losses[-1] < losses[0] / 2
    assert (tmp_path / "trained" / "model.pt").is_file()
