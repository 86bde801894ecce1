"""The sides of `tests.bench.serving`, each made ready to answer.

Each is asked through its own engine as those who know it ask it: llama.cpp by batches of its C interface, with a context of one sequence for one and
a context of sixteen apart for sixteen; CTranslate2 by one batch; vLLM by its engine in this process, which remembers no beginnings; Transformers by
``generate`` in bfloat16. All answer greedily with as many tokens, and no prompt comes twice.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

PROMPT, LONG, MANY, NUM_NEW, NUM_NEW_OF_MANY = 32, 512, 16, 128, 64
"""Tokens of a prompt and of a long one, sequences, and tokens that are made behind one and behind each of many."""

Prompts = list[list[int]]


class Side(NamedTuple):
    """A side that is ready."""

    answer: Callable[[Prompts, int], None]
    """Makes so many tokens behind each prompt, all prompts at once."""
    logits: Callable[[list[int]], Any] | None = None
    """Returns what follows each token of a text, [T, V]; None where it does not tell."""


# --- ours ---


def ours(folder: Path, weights: str, threads: int) -> Side:
    """Return our engine, by one of its back ends (``own:int8``, ``llama_cpp:Q8_0``)."""
    import torch

    from kernels.inference.asking import Asked
    from kernels.inference.backends.backend import Room
    from kernels.inference.backends.choosing import Choice, loaded, opened
    from kernels.inference.readers.reading import Stretch
    from kernels.inference.sampling import Sampling

    torch.set_num_threads(threads)
    name, _, form = weights.partition(":")
    lm = loaded(folder / "checkpoint", "cpu", Choice(name, form))[1]
    engine: Any = opened(name, lm, Room(MANY * 2 * (PROMPT + NUM_NEW)), form)

    def answer(prompts: Prompts, num_new: int) -> None:
        asked = [Asked(tokens=tokens, max_new_tokens=num_new, sampling=Sampling(temperature=0)) for tokens in prompts]
        made = sum(piece.told is not None for piece in engine.answers(asked))
        assert made == len(prompts) * num_new

    def logits(tokens: list[int]) -> Any:
        number = 1_000_000
        found = engine._reader.read([Stretch(tokens, 0, range(-(-len(tokens) // 16)), range(len(tokens)), number)])
        engine._reader.forget(number)
        return found.numpy()

    return Side(answer, logits)


def transformers(folder: Path, _: str, threads: int) -> Side:
    """Return Transformers in bfloat16."""
    import torch

    from kernels.models.formats import checkpoints

    torch.set_num_threads(threads)
    model = checkpoints.load(folder / "checkpoint", "cpu", "bfloat16").model

    def answer(prompts: Prompts, num_new: int) -> None:
        ids = torch.tensor(prompts)
        with torch.inference_mode():
            found = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=num_new, min_new_tokens=num_new, do_sample=False)
        assert found.shape[1] == ids.shape[1] + num_new

    def logits(tokens: list[int]) -> Any:
        with torch.inference_mode():
            return model(torch.tensor([tokens])).logits[0].float().numpy()

    return Side(answer, logits)


# --- the peers ---


class LlamaContext:
    """A context of llama.cpp for some sequences of at most so many tokens."""

    def __init__(self, model: Any, threads: int, num_sequences: int, most_tokens: int) -> None:
        import llama_cpp

        self._library: Any = llama_cpp
        told = self._library.llama_context_default_params()
        told.n_ctx, told.n_seq_max, told.n_batch, told.n_ubatch = num_sequences * most_tokens, num_sequences, LONG, LONG
        told.n_threads = told.n_threads_batch = threads
        self._context = self._library.llama_init_from_model(model, told)
        self._memory, self._batch = self._library.llama_get_memory(self._context), self._library.llama_batch_init(LONG, 0, 1)
        self._num_logits = self._library.llama_vocab_n_tokens(self._library.llama_model_get_vocab(model))

    def begin(self) -> None:
        """Hold nothing."""
        self._library.llama_memory_clear(self._memory, True)

    def passed(self, rows: list[tuple[int, int, int, bool]]) -> Any:
        """Pass tokens, each with its place, its sequence and whether it is asked, and return what follows those that are [asked, V]."""
        batch = self._batch
        for index, (token, place, sequence, is_asked) in enumerate(rows):
            batch.token[index], batch.pos[index], batch.logits[index] = token, place, is_asked
            batch.n_seq_id[index], batch.seq_id[index][0] = 1, sequence
        batch.n_tokens = len(rows)
        assert self._library.llama_decode(self._context, batch) == 0
        return np.ctypeslib.as_array(self._library.llama_get_logits(self._context), (sum(row[3] for row in rows), self._num_logits))


def llama_cpp(folder: Path, form: str, threads: int) -> Side:
    """Return llama.cpp on a file of a form."""
    from kernels.inference.readers.llama_cpp import library

    bindings = library()
    told = bindings.llama_model_default_params()
    told.load_mode = bindings.LLAMA_LOAD_MODE_NONE
    model = bindings.llama_model_load_from_file(str(folder / f"{form}.gguf").encode(), told)
    one, many = LlamaContext(model, threads, 1, LONG + 1), LlamaContext(model, threads, MANY, PROMPT + NUM_NEW_OF_MANY)

    def answer(prompts: Prompts, num_new: int) -> None:
        context = one if len(prompts) == 1 else many
        context.begin()
        rows = [(token, place, number, place == len(tokens) - 1) for number, tokens in enumerate(prompts) for place, token in enumerate(tokens)]
        for place in range(len(prompts[0]), len(prompts[0]) + num_new):
            likeliest = context.passed(rows).argmax(-1).tolist()
            rows = [(token, place, number, True) for number, token in enumerate(likeliest)]

    def logits(tokens: list[int]) -> Any:
        one.begin()
        return one.passed([(token, place, 0, True) for place, token in enumerate(tokens)])

    return Side(answer, logits)


def ctranslate2(folder: Path, form: str, threads: int) -> Side:
    """Return CTranslate2."""
    import ctranslate2 as library

    path = folder / "ctranslate2"
    generator: Any = library.Generator(str(path), device="cpu", compute_type=form, inter_threads=1, intra_threads=threads)
    words = json.loads((path / "vocabulary.json").read_text())

    def answer(prompts: Prompts, num_new: int) -> None:
        asked = [[words[token] for token in tokens] for tokens in prompts]
        found = generator.generate_batch(asked, max_length=num_new, min_length=num_new, beam_size=1, sampling_topk=1, include_prompt_in_result=False)
        assert all(len(each.sequences_ids[0]) == num_new for each in found)

    def logits(tokens: list[int]) -> Any:
        return np.array(generator.forward_batch([tokens]).to(library.DataType.float32))[0]

    return Side(answer, logits)


def vllm(folder: Path, form: str, threads: int) -> Side:
    """Return vLLM."""
    os.environ["VLLM_CACHE_ROOT"] = str(folder / "vllm_compiled")
    os.environ.update(VLLM_ENABLE_V1_MULTIPROCESSING="0", VLLM_CPU_KVCACHE_SPACE="1", VLLM_LOGGING_LEVEL="ERROR", OMP_NUM_THREADS=str(threads))
    os.environ["VLLM_CPU_OMP_THREADS_BIND"] = ",".join(map(str, sorted(os.sched_getaffinity(0))))
    import vllm as library

    engine: Any = library.LLM(
        str(folder / "checkpoint"), dtype=form, max_model_len=LONG + 64, max_num_seqs=MANY, enable_prefix_caching=False, disable_log_stats=True
    )

    def answer(prompts: Prompts, num_new: int) -> None:
        told = library.SamplingParams(temperature=0, max_tokens=num_new, ignore_eos=True, detokenize=False)
        found = engine.generate([{"prompt_token_ids": tokens} for tokens in prompts], told, use_tqdm=False)
        assert all(len(each.outputs[0].token_ids) == num_new for each in found)

    return Side(answer)


SIDES = {"ours": ours, "Transformers": transformers, "llama.cpp": llama_cpp, "CTranslate2": ctranslate2, "vLLM": vllm}
