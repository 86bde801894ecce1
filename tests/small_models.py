"""Models of a few thousand parameters."""

from pathlib import Path
from typing import Any

from kernels.models.architectures import llama
from kernels.models.formats import checkpoints
from kernels.models.formats.fast import fresh
from kernels.tokens import tokenizer_files
from kernels.tokens.tokenizers import byte_bpe


def small_llama() -> Any:
    """A Llama in Transformers' form."""
    import torch
    from transformers import LlamaForCausalLM

    shape = llama.LlamaConfig(
        kind="llama", hidden_size=16, num_layers=1, num_heads=2, num_kv_heads=1, intermediate_size=32, max_position_embeddings=64, tie_embeddings=True
    )
    torch.manual_seed(0)
    return LlamaForCausalLM(llama.build(shape, vocab_size=64, eos_token_id=0, pad_token_id=3))


def put_llama(folder: Path, shape: llama.LlamaConfig, text: str) -> Path:
    """Write a Llama of some shape with a tokenizer of 264 tokens that learned from a text, as a checkpoint; return its folder."""
    import torch
    from transformers import AutoTokenizer, LlamaForCausalLM

    tokenizer_files.write_tokenizer(byte_bpe.train(iter([text]), byte_bpe.ByteBpeConfig(vocab_size=264)), folder / "tokenizer")
    tokenizer = AutoTokenizer.from_pretrained(folder / "tokenizer")
    torch.manual_seed(0)
    made = llama.build(shape, vocab_size=len(tokenizer), eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id)
    checkpoints.save(LlamaForCausalLM(made), tokenizer, folder / "model")
    return folder / "model"


def shaken(shape: Any) -> Any:
    """A model of a Transformers config with weights large enough that a fault shows, biases, norms and buffers among them."""
    import torch

    trainable = fresh(shape, 3)
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for tensor in (*trainable.module.parameters(), *trainable.module.buffers()):
            tensor.add_(torch.randn(tensor.shape, generator=generator) * 0.2)
    return trainable
