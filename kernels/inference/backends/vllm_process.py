"""What the Python that has vLLM runs: an engine of one checkpoint, asked by lines of JSON (vllm_calls.py has the other end).

It is started as a file, imports nothing of this project, and ends with its input. What vLLM prints goes where errors go.
"""

import importlib
import json
import logging
import os
import sys
from typing import Any

VERSION = "0.32"
"""Of vLLM, whose private fields are read, so that no other is taken."""


def part(name: str) -> Any:
    """Return a module of vLLM's."""
    return importlib.import_module(f"vllm.{name}")


def engine_of(library: Any, words: dict[str, Any]) -> Any:
    """Return vLLM's engine of a checkpoint, in this process. Raises ValueError: it has no kernel for such a model."""
    part("envs").VLLM_NO_USAGE_STATS = True  # else it reports to its makers
    is_cpu, width = part("platforms").current_platform.is_cpu(), words.pop("head_width")
    if is_cpu and width not in (known := part("v1.attention.backends.cpu_attn").CPUAttentionBackend.get_supported_head_sizes()):
        raise ValueError(f"heads are {width} wide, and on a CPU vLLM reads those of {', '.join(map(str, known))}; ask it by the back end own")
    arguments = library.EngineArgs(
        skip_tokenizer_init=True,
        enable_chunked_prefill=not is_cpu,  # on a CPU vLLM 0.32 fails where a prompt with a seed is read in parts
        enforce_eager=is_cpu,
        max_logprobs=-1,
        generation_config="vllm",
        disable_log_stats=True,
        use_tqdm_on_load=False,
        **{**words, "max_num_batched_tokens": max(words["max_num_batched_tokens"], words["max_model_len"] if is_cpu else 0)},
    )
    config = arguments.create_engine_config()
    config.parallel_config.distributed_executor_backend = "uni"  # for a CPU it is another process, whatever was asked
    executor = part("v1.executor").Executor.get_class(config)
    return library.LLMEngine(vllm_config=config, executor_class=executor, log_stats=False)


def row_of(logprobs: Any) -> list[tuple[int, float]] | None:
    """Return the tokens of one place with their log-probabilities, the likeliest first; None where nothing is told."""
    if logprobs is None:
        return None
    ordered = sorted(logprobs.items(), key=lambda each: each[1].rank)
    return [(token, found.logprob) for token, found in ordered]


def words_of(output: Any) -> dict[str, Any]:
    """Return what came to a request."""
    made = output.outputs[0]
    given = None if output.prompt_logprobs is None else [row_of(row) for row in output.prompt_logprobs]
    logprobs = None if made.logprobs is None else [row_of(row) for row in made.logprobs]
    return {
        "name": output.request_id,
        "tokens": list(made.token_ids),
        "logprobs": logprobs,
        "given": given,
        "is_over": made.finish_reason is not None,
    }


class Answering:
    """The engine, by the words of who asks it."""

    def __init__(self, words: dict[str, Any]) -> None:
        """Load the checkpoint. Raises ValueError: vLLM is of another version, or cannot express the model."""
        self._library: Any = importlib.import_module("vllm")
        if not (found := str(self._library.__version__)).startswith(f"{VERSION}."):
            raise ValueError(f"vLLM {found} is installed there, and {VERSION} is what is known how to ask; install 'vllm=={VERSION}.*'")
        logging.getLogger("vllm").setLevel(logging.ERROR)
        self._engine = engine_of(self._library, words)

    def outputs(self, words: dict[str, Any]) -> list[dict[str, Any]]:
        """Do what is asked, and return what came to requests."""
        if words["do"] == "add":
            kind = part("sampling_params").RequestOutputKind.DELTA
            sampling = self._library.SamplingParams(**words["sampling"], detokenize=False, output_kind=kind)
            self._engine.add_request(words["name"], {"prompt_token_ids": words["tokens"]}, sampling)
        elif words["do"] == "abort":
            self._engine.abort_request(words["names"])
        else:
            return [words_of(output) for output in self._engine.step()]
        return []

    @property
    def use(self) -> dict[str, int]:
        """How many blocks there are, and how many are free."""
        pool = self._engine.engine_core.engine_core.scheduler.kv_cache_manager.block_pool
        return {"num_blocks": pool.num_gpu_blocks - 1, "num_free": pool.get_num_free_blocks()}  # one block stands for none


def main() -> None:
    """Answer until nobody asks any more."""
    told = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    sys.stdout = os.fdopen(1, "w", buffering=1)  # so that it is there if the process is lost
    engine: Answering | None = None
    for line in sys.stdin:
        words = json.loads(line)
        try:
            outputs: list[dict[str, Any]] = []
            if engine is None:
                engine = Answering(words)
            else:
                outputs = engine.outputs(words)
            answer = {"outputs": outputs, **engine.use}
        except ValueError as error:
            answer = {"refused": str(error)}
        print(json.dumps(answer), file=told, flush=True)


if __name__ == "__main__":
    main()
