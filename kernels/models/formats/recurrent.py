"""Transformers' Mamba2, asked as its decoders are and computed by blocks of ours; checkpoints stay those of Transformers' own class.

Transformers 5.23 ignores ``past_key_values`` for it, reads packed documents as one, drops ``time_step_limit`` when it reads a single token, and,
where ``rescale_prenorm_residual`` is true, shrinks weights each time that it loads them. Once `register` was called, ``AutoModelForCausalLM`` of
this process gives the class below instead.
"""

import functools
from typing import Any, cast


@functools.cache
def register() -> Any:
    """Return the class, which ``AutoModelForCausalLM`` of this process gives from now on."""
    import torch
    from transformers import AutoModelForCausalLM, Mamba2Config
    from transformers import Mamba2ForCausalLM as TransformersMamba2
    from transformers.modeling_outputs import CausalLMOutputWithPast

    class Mamba2ForCausalLM(TransformersMamba2):
        """The parameters and modules are Transformers'; the name is what a checkpoint says."""

        def __init__(self, config: Any) -> None:
            config.rescale_prenorm_residual = False
            super().__init__(config)

        def forward(
            self,
            input_ids: torch.Tensor | None = None,
            inputs_embeds: torch.Tensor | None = None,
            cache_params: Any = None,
            labels: torch.Tensor | None = None,
            output_hidden_states: bool | None = None,
            return_dict: bool | None = None,
            use_cache: bool | None = None,
            attention_mask: torch.Tensor | None = None,
            logits_to_keep: int | torch.Tensor = 0,
            past_key_values: list[Any] | None = None,
            position_ids: torch.Tensor | None = None,
            **settings: Any,
        ) -> Any:
            """Return logits of the last ``logits_to_keep`` positions (0: all), or of those that a mask [B, T] chooses, [K, V]; and what was kept.

            Documents of a row are apart where positions start anew or the mask is 0. What only Transformers' own loop asks for is left to its class.
            """
            recomputes = self.backbone.gradient_checkpointing and self.training
            if input_ids is None or cache_params is not None or output_hidden_states or recomputes:
                told = {"input_ids": input_ids, "inputs_embeds": inputs_embeds, "cache_params": cache_params, "labels": labels}
                told |= {"output_hidden_states": output_hidden_states, "return_dict": return_dict, "use_cache": use_cache}
                return cast(Any, super()).forward(**told, attention_mask=attention_mask, logits_to_keep=logits_to_keep, **settings)
            segments = segments_of(input_ids, attention_mask, position_ids)
            hidden, kept = read_on(self, input_ids, segments, past_key_values)
            hidden = hidden[:, -logits_to_keep:] if isinstance(logits_to_keep, int) else hidden[logits_to_keep]
            kind: torch.dtype = cast(Any, self).backbone.embeddings.weight.dtype  # the output layer's own may be int8
            logits = self.lm_head(hidden.to(kind)).float()
            loss: Any = None
            if labels is not None:
                loss = cast(Any, self).loss_function(logits=logits, labels=labels, vocab_size=self.config.vocab_size, **settings)
            past: Any = kept if use_cache else None
            return CausalLMOutputWithPast(loss=loss, logits=logits, past_key_values=past)

    cast(Any, AutoModelForCausalLM).register(Mamba2Config, Mamba2ForCausalLM, exist_ok=True)
    return Mamba2ForCausalLM


def segments_of(input_ids: Any, attention_mask: Any, position_ids: Any) -> Any:
    """Return the segment of each token, [B, T]: another where positions do not go on by one, and -1 where there is padding.

    Raises:
        ValueError: the mask says who sees whom, and no positions tell documents apart.
    """
    import torch

    segments_BT = torch.zeros_like(input_ids)
    if position_ids is not None:
        segments_BT[:, 1:] = (position_ids[:, 1:] != position_ids[:, :-1] + 1).cumsum(1)
    if attention_mask is None:
        return segments_BT
    if attention_mask.ndim == 2:
        return segments_BT.masked_fill(attention_mask[:, -input_ids.shape[1] :] == 0, -1)
    if position_ids is None:
        raise ValueError("a model without attention takes no mask of pairs of tokens; give position_ids, which start anew with each document")
    return segments_BT


def read_on(model: Any, tokens_BT: Any, segments_BT: Any, memory: list[Any] | None) -> tuple[Any, list[Any]]:
    """Return the last hidden states [B, T, D] of tokens behind those that a memory holds, and the memory of them all.

    A row's memory is of the document that its last token belongs to.

    Args:
        model: Transformers' Mamba2ForCausalLM.
        tokens_BT: what is read now.
        segments_BT: equal numbers side by side are a document; the first one goes on from the memory.
        memory: a `kernels.models.blocks.mamba.Memory` a layer, None at the beginning.
    """
    from kernels.models.blocks.mamba import Mixer, mix
    from kernels.models.blocks.state_space import documents_of

    stack = model.backbone
    shape, dtype = shape_of(model.config), stack.embeddings.weight.dtype
    documents = documents_of(segments_BT, min(shape.chunk, tokens_BT.shape[1]), shape.kernel - 1, goes_on=memory is not None)
    x = stack.embeddings(tokens_BT)
    x = x.float() if shape.wide_residual else x
    kept: list[Any] = []
    for index, layer in enumerate(stack.layers):
        found = layer.mixer
        mixer = Mixer(found.conv1d.weight.permute(2, 1, 0), found.conv1d.bias, found.dt_bias, found.A_log, found.D, found.norm.weight)
        projected = found.in_proj(layer.norm(x).to(dtype))
        mixed, now = mix(projected, mixer, shape, documents, None if memory is None else memory[index])
        kept.append(now)
        x = x + found.out_proj(mixed)
    return stack.norm_f(x), kept


def shape_of(config: Any) -> Any:
    """Return the `kernels.models.blocks.mamba.MambaShape` of a Mamba2 of Transformers.

    Raises:
        ValueError: its activation is another than SiLU.
    """
    from kernels.models.blocks.mamba import MambaShape

    if config.hidden_act not in ("silu", "swish"):
        raise ValueError(f"hidden_act {config.hidden_act!r}: Mamba-2 is computed with silu alone; take a model that has it")
    return MambaShape(
        vocab_size=config.vocab_size,
        width=config.hidden_size,
        num_layers=config.num_hidden_layers,
        num_heads=config.num_heads,
        head_width=config.head_dim,
        num_groups=config.n_groups,
        state_size=config.state_size,
        kernel=config.conv_kernel,
        chunk=config.chunk_size,
        tied=config.tie_word_embeddings,
        eps=config.layer_norm_epsilon,
        wide_residual=config.residual_in_fp32,
        bias=config.use_bias,
        kernel_bias=config.use_conv_bias,
        step_limits=tuple(config.time_step_limit),
        initial_steps=(config.time_step_min, config.time_step_max, config.time_step_floor),
    )
