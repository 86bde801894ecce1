"""The peers of the training benchmark, each as its expert would run it, and ours: one process makes some steps of one of them.

``python -m tests.bench.train_peers SIDE SIZE STEPS`` prints a JSON line: seconds of each step behind the first ones, those of the first, the last
loss and the most memory of a GPU. Seconds are of the CPU, or of the clock where the size is one for a GPU. All read the same random tokens, and have
the same number of parameters that a token is multiplied by, within 1%.

`Chat` is written anew from the public description of nanochat's model (github.com/karpathy/nanochat, ``nanochat/gpt.py`` of October 2025): norms
without parameters, one behind the embedding, rotary positions, normed queries and keys, squared ReLU, an output layer of its own whose logits are
capped by 15 tanh(x / 15), embeddings in bfloat16, Muon on matrices and AdamW on the others, compiled as a whole.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn.functional import cross_entropy, embedding, linear, relu, rms_norm, scaled_dot_product_attention

WARM_STEPS = 3


class Size(NamedTuple):
    """A model and what a step reads: ``inner`` is the width of SwiGLU, and ``chat_inner`` that of two matrices as large as its three."""

    width: int
    layers: int
    heads: int
    inner: int
    chat_inner: int
    vocabulary: int = 8192
    rows: int = 16
    length: int = 256
    device: str = "cpu"


SIZES = {
    "6M": Size(256, 5, 4, 688, 1032),
    "30M": Size(512, 8, 8, 1376, 2064),
    "124M": Size(768, 12, 12, 2048, 3072, 32768, 32, 1024, "cuda"),
    "1B": Size(2048, 16, 16, 5632, 8448, 32768, 8, 2048, "cuda"),
}


def matmul_parameters(size: Size) -> int:
    """Return how many parameters a token is multiplied by."""
    return size.layers * (4 * size.width**2 + 3 * size.width * size.inner) + size.vocabulary * size.width


def flops_of_step(size: Size) -> float:
    """Return the work of a step, causal attention counted for the half that it is."""
    attention = 4 * size.layers * size.width * size.length / 2
    return 3.0 * size.rows * size.length * (2 * matmul_parameters(size) + attention)


def rows(size: Size, seed: int) -> Iterator[torch.Tensor]:
    """Yield batches of random tokens."""
    random = torch.Generator().manual_seed(seed)
    while True:
        yield torch.randint(4, size.vocabulary, (size.rows, size.length), generator=random)


def now(size: Size) -> float:
    """Return the seconds of this process, or the clock's where a GPU works, once it is done."""
    if size.device == "cpu":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def tell(size: Size, seconds: list[float], first: float, loss: float | None) -> None:
    """Print what a run came to."""
    memory = torch.cuda.max_memory_allocated() / 1e6 if size.device == "cuda" else 0.0
    print(json.dumps({"seconds": seconds, "first": first, "loss": loss, "device_mb": memory}))


# --- ours ---


def ours(size: Size, *, masked: bool) -> Callable[[], float]:
    """Return a step of ours, documents kept apart or rows that are one document each."""
    import numpy as np

    from kernels.models.architectures import llama
    from kernels.models.formats.fast import fresh
    from kernels.specs.objectives import IGNORED
    from kernels.training.execution.compilation import keep_freed_memory
    from kernels.training.feeding.batches import Examples
    from kernels.training.feeding.feed import Batch
    from kernels.training.learner import Learner, Setting, clip
    from kernels.training.optimization.optimizers import Optimizer, OptimizerConfig

    keep_freed_memory()
    shape = llama.build(
        llama.LlamaConfig(
            kind="llama",
            hidden_size=size.width,
            num_layers=size.layers,
            num_heads=size.heads,
            num_kv_heads=size.heads,
            intermediate_size=size.inner,
            max_position_embeddings=2048,
            tie_embeddings=False,
        ),
        vocab_size=size.vocabulary,
        eos_token_id=0,
        pad_token_id=1,
    )
    learner = Learner(fresh(shape, 1), Setting(size.device, "bfloat16", compiled=True, z_loss=0.0, activations="none"))
    optimizer = Optimizer(learner.module, OptimizerConfig(), 0.1)
    batches = rows(size, 1)
    places = np.arange(size.length) / size.length
    segments = np.tile((places >= 0.4).astype(np.int32) + (places >= 0.7), (size.rows, 1)) if masked else np.zeros((size.rows, size.length))

    def step() -> float:
        tokens = next(batches).numpy()
        targets = np.full_like(tokens, IGNORED)
        same = segments[:, 1:] == segments[:, :-1]
        targets[:, :-1][same] = tokens[:, 1:][same]
        part = Examples(tokens, segments.astype(np.int32), targets, None, None, None, 0)
        loss = learner.gradients(Batch([part], tokens.size, int(same.sum()), 0))
        clip(learner.spread, 1.0, 1.0)
        optimizer.step(1e-3)
        optimizer.zero()
        return loss

    return step


# --- Transformers' Trainer ---


def trainer_step_times(size: Size, steps: int, *, compiled: bool) -> list[float]:
    """Return the seconds of the steps of the Hugging Face Trainer on Transformers' Llama."""
    from transformers import LlamaConfig, LlamaForCausalLM, Trainer, TrainerCallback, TrainingArguments

    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=size.vocabulary,
            hidden_size=size.width,
            num_hidden_layers=size.layers,
            num_attention_heads=size.heads,
            num_key_value_heads=size.heads,
            intermediate_size=size.inner,
            max_position_embeddings=2048,
            tie_word_embeddings=False,
        )
    )
    started: list[float] = []

    class Clock(TrainerCallback):
        def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            started.append(now(size))

    tokens = torch.cat([batch for batch, _ in zip(rows(size, 1), range(steps + 1), strict=False)])
    examples = [{"input_ids": row, "labels": row} for row in tokens]
    arguments = TrainingArguments(
        tempfile.mkdtemp(),  # nothing is written there
        max_steps=steps + 1,
        per_device_train_batch_size=size.rows,
        bf16=True,
        use_cpu=size.device == "cpu",
        torch_compile=compiled,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        logging_strategy="no",
        optim="adamw_torch_fused",
    )
    Trainer(model=model, args=arguments, train_dataset=examples, callbacks=[Clock()]).train()  # pyright: ignore[reportArgumentType]
    return [after - before for before, after in pairwise(started)]


# --- nanochat's model, written anew ---


class ChatBlock(nn.Module):
    """Attention with normed queries and keys, then squared ReLU."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.heads = size.heads
        self.query, self.key, self.value, self.out = (nn.Linear(size.width, size.width, bias=False) for _ in range(4))
        self.up, self.down = nn.Linear(size.width, size.chat_inner, bias=False), nn.Linear(size.chat_inner, size.width, bias=False)

    def forward(self, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
        normed = rms_norm(x, (x.shape[-1],))
        q, k, v = (layer(normed).unflatten(-1, (self.heads, -1)) for layer in (self.query, self.key, self.value))
        q, k = (rms_norm(_turned(each, cos, sin), (each.shape[-1],)).transpose(1, 2) for each in (q, k))
        seen = scaled_dot_product_attention(q, k, v.transpose(1, 2), is_causal=True)
        x = x + self.out(seen.transpose(1, 2).flatten(2))
        return x + self.down(relu(self.up(rms_norm(x, (x.shape[-1],)))).square())


def _turned(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    first, second = x.chunk(2, -1)
    return torch.cat([first * cos + second * sin, second * cos - first * sin], -1).to(x.dtype)


class Chat(nn.Module):
    """See the module's docstring."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.randn(size.vocabulary, size.width).bfloat16())
        self.blocks = nn.ModuleList(ChatBlock(size) for _ in range(size.layers))
        self.head = nn.Parameter(torch.randn(size.vocabulary, size.width) * 0.02)
        width = size.width // size.heads
        angles = torch.arange(size.length)[:, None] / 10_000 ** (torch.arange(0, width, 2) / width)
        self.register_buffer("cos", angles.cos().bfloat16()[None, :, None])
        self.register_buffer("sin", angles.sin().bfloat16()[None, :, None])

    def forward(self, tokens: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        x = embedding(tokens, self.table)
        x = rms_norm(x, (x.shape[-1],))
        for block in self.blocks:
            x = block(x, self.cos, self.sin)
        logits = linear(rms_norm(x, (x.shape[-1],)), self.head)
        logits = 15 * torch.tanh(logits / 15)
        return cross_entropy(logits.float().flatten(0, 1), targets.flatten(), ignore_index=-1)


def chat(size: Size) -> Callable[[], float]:
    """Return a step of nanochat's model: its optimizers are torch's Muon and fused AdamW."""
    model = Chat(size).to(size.device)
    matrices = [parameter for block in model.blocks for parameter in block.parameters()]
    optimizers: list[Any] = [torch.optim.Muon(matrices, lr=0.02, momentum=0.95), torch.optim.AdamW([model.table, model.head], lr=1e-3, fused=True)]
    compiled: Any = torch.compile(model, dynamic=False)
    batches = rows(size, 1)

    def step() -> float:
        tokens = next(batches).to(size.device)
        targets = torch.cat([tokens[:, 1:], torch.full((size.rows, 1), -1, device=size.device)], 1)
        with torch.autocast(size.device, dtype=torch.bfloat16):
            loss = compiled(tokens, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        return float(loss.detach())

    return step


def main(side: str, name: str, steps: int) -> None:
    """Take the steps and print what they took."""
    size = SIZES[name]
    if size.device == "cpu":
        torch.set_num_threads(1)
    torch.manual_seed(1)  # pyright: ignore[reportUnknownMemberType]
    began = time.perf_counter()
    if side.startswith("trainer"):
        taken = trainer_step_times(size, steps + WARM_STEPS, compiled=side == "trainer_compiled")
        tell(size, taken[WARM_STEPS:], taken[0], None)
        return
    step = {"ours": lambda: ours(size, masked=True), "ours_unmasked": lambda: ours(size, masked=False), "chat": lambda: chat(size)}[side]()
    step()
    first = time.perf_counter() - began
    for _ in range(WARM_STEPS - 1):
        step()
    taken = []
    loss = 0.0
    for _ in range(steps):
        before = now(size)
        loss = step()
        taken.append(now(size) - before)
    tell(size, taken, first, loss)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
