"""What a training step of ModernBERT and T5 costs, against Transformers' own modules under autocast with the same optimizer.

Run by ``make bench NAME=encoders``. 6 million parameters, 16 rows of 256 tokens, bfloat16, one thread, fused AdamW, blocks compiled or not. Each side
runs in a process of its own. Ours keep the documents of a row apart, Transformers' read rows as one document, which costs them less. Masked tokens
are 15 percent, and both sides pass them alone through the output layer.
"""

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from tests.bench.measuring import least

ROWS, LENGTH, WRITTEN, NUM_TOKENS = 16, 256, 80, 2048
WARM, REPEATS = 4, 8
SIZES = {"hidden_size": 256, "num_heads": 8, "intermediate_size": 704, "max_position_embeddings": LENGTH}


def shape_of(family: str) -> Any:
    """Return the Transformers config of a family's model."""
    from kernels.models.architectures import modernbert, t5

    if family == "modernbert":
        config = modernbert.ModernBertConfig.model_validate({"kind": family, "num_layers": 7, "tie_embeddings": True, **SIZES})
        return modernbert.build(config, vocab_size=NUM_TOKENS, eos_token_id=1, pad_token_id=0)
    return t5.build(
        t5.T5Config.model_validate({"kind": family, "num_layers": 3, "tie_embeddings": False, **SIZES}),
        vocab_size=NUM_TOKENS,
        eos_token_id=1,
        pad_token_id=0,
    )


def batch_of(family: str) -> tuple[Any, Any, Any, Any]:
    """Return a reading, targets, whether each is asked, and their number."""
    import torch

    from kernels.models.reading import Reading

    random = torch.Generator().manual_seed(1)
    tokens, written = (torch.randint(2, NUM_TOKENS, (ROWS, length), generator=random) for length in (LENGTH, WRITTEN))
    segments, written_segments = ((torch.arange(length) * 3 // length)[None].expand(ROWS, -1).contiguous() for length in (LENGTH, WRITTEN))
    reading = Reading(tokens, segments, decoder_tokens_BU=written, decoder_segments_BU=written_segments)
    targets = tokens.roll(7, 1) if family == "modernbert" else written.roll(7, 1)
    asked = torch.rand(ROWS, LENGTH, generator=random) < 0.15 if family == "modernbert" else torch.ones_like(targets, dtype=torch.bool)
    return reading, targets, asked, asked.sum()


def ours(family: str, *, compiled: bool) -> tuple[Any, Callable[[], Any]]:
    """Return our module and what gives its loss."""
    import torch

    from kernels.models.blocks.cross_entropy import token_loss
    from kernels.models.formats.fast import fresh

    module = fresh(shape_of(family), 1).module
    reading, targets, asked, number = batch_of(family)
    if compiled:
        for block in module.blocks:
            block.compile(dynamic=False)

    def loss() -> Any:
        weight, bias = module.output_layer()
        return token_loss(module(reading, torch.bfloat16)[asked], weight, targets[asked], number, bias_V=bias, compiled=False).total

    return module, loss


def theirs(family: str, *, compiled: bool) -> tuple[Any, Callable[[], Any]]:
    """Return Transformers' module and what gives its loss."""
    import torch
    import transformers

    shape = shape_of(family)
    shape.sparse_prediction = True
    module: Any = getattr(transformers, shape.architectures[0])(shape)
    reading, targets, asked, _ = batch_of(family)
    labels = targets.masked_fill(~asked, -100)
    given = {} if family == "modernbert" else {"decoder_input_ids": reading.decoder_tokens_BU}
    if compiled:
        for block in module.model.layers if family == "modernbert" else [*module.encoder.block, *module.decoder.block]:
            block.compile(dynamic=False)

    def loss() -> Any:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return module(input_ids=reading.tokens_BT, labels=labels, **given).loss

    return module, loss


def measure(side: str, family: str, *, compiled: bool) -> float:
    """Return the CPU seconds of the cheapest of some steps."""
    import torch

    torch.set_num_threads(1)
    module, loss = (ours if side == "ours" else theirs)(family, compiled=compiled)
    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-4, fused=True)

    def step(_: int) -> None:
        loss().backward()
        optimizer.step()
        optimizer.zero_grad()

    for number in range(WARM):
        step(number)
    return least(step, REPEATS).cpu_seconds


def main() -> None:
    """Run all sides, each a process of its own, and print the table and the JSON line."""
    found: dict[str, list[float]] = {}
    for name in ("modernbert", "t5"):
        for how in ("compiled", "eager"):
            call = [sys.executable, "-m", "tests.bench.encoders"]
            sides = [subprocess.run([*call, side, name, how], check=True, stdout=subprocess.PIPE, text=True).stdout for side in ("ours", "theirs")]
            seconds = found[f"{name} {how}"] = [float(told.split()[-1]) for told in sides]
            print(f"{name}, {how}: {seconds[0]:.3f} CPU s a step, Transformers' {seconds[1]:.3f}: {seconds[1] / seconds[0]:.2f} times")
    mine, peer = found["modernbert compiled"]
    peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    line = {"name": "encoders", "ours": mine, "peer": peer, "ratio": peer / mine, "unit": "CPU s a step", "peak_mb": peak_mb}
    print(json.dumps({**line, "ratios": {key: peer / mine for key, (mine, peer) in found.items()}}))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(measure(sys.argv[1], sys.argv[2], compiled=sys.argv[3] == "compiled"))
    else:
        main()
