"""Files of ours against megatron-core's own code, on a CPU: what either loads of the other, what GPTModel answers, and data.

megatron-core is no dependency: install it beside (``pip install megatron-core==0.16.1 psutil``). Where its code asks for CUDA it is told that the CPU
is meant.
"""

import contextlib
import importlib
import importlib.util
import json
import os
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from kernels.models.blocks.decoder import DecoderShape
from kernels.models.formats import megatron, megatron_folders
from kernels.tokens.indexed_datasets import write_rows

STACK = DecoderShape(
    vocab_size=47,
    width=32,
    num_layers=2,
    num_heads=4,
    num_kv_heads=2,
    head_width=8,
    inner_width=48,
    max_positions=16,
    tied=False,
    positions="rope",
    theta=10_000.0,
    eps=1e-6,
    attention="causal",
)
PADDED = 64


def main() -> None:
    """Print how far logits are apart, tied and not, and whether data come back; the largest difference as JSON."""
    import torch

    if importlib.util.find_spec("megatron") is None:
        raise SystemExit("megatron-core is not here; pip install megatron-core==0.16.1 psutil")
    began, cpu, far = time.perf_counter(), time.process_time(), list[tuple[float, float]]()
    cuda: Any = torch.cuda
    cuda.synchronize, cuda.current_device = lambda *_: None, lambda: "cpu"
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT="29581", RANK="0", WORLD_SIZE="1")
    torch.distributed.init_process_group("gloo", rank=0, world_size=1)
    importlib.import_module("megatron.core.parallel_state").initialize_model_parallel(1, 1)
    random = importlib.import_module("megatron.core.tensor_parallel.random")
    random.CudaRNGStatesTracker.fork = lambda *_: contextlib.nullcontext()
    for tied in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            difference, largest = apart(STACK._replace(tied=tied), Path(folder))
        far.append((difference, largest))
        print(f"tied {tied}: logits differ by {difference:.2g} at most, the largest is {largest:.3g}")
        for told in (None, {"non_homogeneous_layers": True, "singleton_local_shards": True}):
            with tempfile.TemporaryDirectory() as folder:
                print(f"tied {tied}: weights of its own saver that come back: {come_back(STACK._replace(tied=tied), told, Path(folder))}")
    with tempfile.TemporaryDirectory() as folder:
        print(f"sequences that its IndexedDataset reads: {read(Path(folder))}")
    print(f"{time.perf_counter() - began:.0f} s, {time.process_time() - cpu:.0f} CPU s")
    ours, peer = max(far)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(json.dumps({"name": "megatron_core", "ours": ours, "peer": peer, "ratio": ours / peer, "unit": "difference of logits", "peak_mb": peak}))


def apart(stack: DecoderShape, folder: Path) -> tuple[float, float]:
    """Return by how much GPTModel's logits differ from Transformers' where its own loader read our checkpoint, and the largest of those."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(1)
    theirs: Any = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=stack.vocab_size,
            hidden_size=stack.width,
            num_hidden_layers=stack.num_layers,
            num_attention_heads=stack.num_heads,
            num_key_value_heads=stack.num_kv_heads,
            intermediate_size=stack.inner_width,
            max_position_embeddings=stack.max_positions,
            tie_word_embeddings=stack.tied,
            rms_norm_eps=stack.eps,
        )
    )
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    state = {name: tensor.detach() for name, tensor in theirs.state_dict().items()}
    megatron_folders.write(megatron.to_megatron(state, stack), stack.num_layers, folder / "start")
    model = gpt_model(stack)
    checkpointing = importlib.import_module("megatron.core.dist_checkpointing")
    loaded = checkpointing.load(model.sharded_state_dict(), str(folder / "start" / "release"), strict="log_all")
    told = model.load_state_dict(loaded, strict=False)
    assert not told.missing_keys, told.missing_keys
    ids = torch.randint(0, stack.vocab_size, (2, 16), generator=torch.Generator().manual_seed(3))
    unseen = torch.triu(torch.ones(16, 16, dtype=torch.bool), 1)[None, None]
    with torch.no_grad():
        ours, logits = model(ids, torch.arange(16)[None].expand(2, 16), unseen)[..., : stack.vocab_size], theirs(ids).logits
    return float((ours - logits).abs().max()), float(logits.abs().max())


def gpt_model(stack: DecoderShape) -> Any:
    """Return megatron-core's model by its local spec, its vocabulary padded."""
    import torch

    config = importlib.import_module("megatron.core.transformer.transformer_config").TransformerConfig(
        num_layers=stack.num_layers,
        hidden_size=stack.width,
        num_attention_heads=stack.num_heads,
        num_query_groups=stack.num_kv_heads,
        ffn_hidden_size=stack.inner_width,
        gated_linear_unit=True,
        activation_func=torch.nn.functional.silu,
        add_bias_linear=False,
        normalization="RMSNorm",
        layernorm_epsilon=stack.eps,
        use_cpu_initialization=True,
        hidden_dropout=0.0,
        attention_dropout=0.0,
        masked_softmax_fusion=False,
        bias_dropout_fusion=False,
        bias_activation_fusion=False,
        gradient_accumulation_fusion=False,
        persist_layer_norm=False,
        apply_rope_fusion=False,
    )
    specs = importlib.import_module("megatron.core.models.gpt.gpt_layer_specs")
    return importlib.import_module("megatron.core.models.gpt.gpt_model").GPTModel(
        config=config,
        transformer_layer_spec=specs.get_gpt_layer_local_spec(normalization="RMSNorm"),
        vocab_size=PADDED,
        max_sequence_length=stack.max_positions,
        position_embedding_type="rope",
        rotary_base=int(stack.theta),
        share_embeddings_and_output_weights=stack.tied,
    )


def come_back(stack: DecoderShape, told: dict[str, bool] | None, folder: Path) -> int:
    """Return how many tensors our reader takes of a checkpoint that megatron-core saved as its metadata say; every bit is compared."""
    import torch

    model, checkpointing = gpt_model(stack), importlib.import_module("megatron.core.dist_checkpointing")
    checkpointing.save({**model.sharded_state_dict(metadata=told), "iteration": 3}, str(folder), content_metadata=told)
    held = {name: tensor for name, tensor in model.state_dict().items() if torch.is_tensor(tensor)}
    wanted, found = megatron.from_megatron(held, stack), megatron.from_megatron(megatron_folders.read(folder), stack)
    assert wanted.keys() == found.keys() and all(tensor.equal(found[name]) for name, tensor in wanted.items())
    return len(found)


def read(folder: Path) -> int:
    """Return how many sequences megatron-core reads of rows of ours; every token is compared."""
    random = np.random.default_rng(0)
    tokens, segments = random.integers(0, 300, (50, 16)), np.sort(random.integers(0, 4, (50, 16)), axis=1).astype(np.uint16)
    segments[:, 14:] = 65535
    count = write_rows(tokens, segments, 300, folder / "train_0")
    found = importlib.import_module("megatron.core.datasets.indexed_dataset").IndexedDataset(str(folder / "train_0"))
    assert len(found) == count and np.array_equal(np.concatenate([found[number] for number in range(count)]), tokens[segments != 65535])
    return count


if __name__ == "__main__":
    main()
