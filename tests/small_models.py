"""A Llama of a few thousand parameters in Transformers' form."""

from typing import Any

from kernels.models.architectures import llama


def small_llama() -> Any:
    import torch
    from transformers import LlamaForCausalLM

    shape = llama.LlamaConfig(
        kind="llama", hidden_size=16, num_layers=1, num_heads=2, num_kv_heads=1, intermediate_size=32, max_position_embeddings=64, tie_embeddings=True
    )
    torch.manual_seed(0)
    return LlamaForCausalLM(llama.build(shape, vocab_size=64, eos_token_id=0, pad_token_id=3))
