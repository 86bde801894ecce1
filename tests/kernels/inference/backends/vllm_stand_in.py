"""What a Python finds in vLLM's place: as much of its form as our process asks, and answers that count on from the last token that was given."""

from pathlib import Path

BODY = '''
import sys, types

__version__ = "0.32.7"
NUM_BLOCKS, VOCABULARY = 9, 300


class Of(types.SimpleNamespace):
    """Anything that has some fields."""


class EngineArgs(Of):
    def create_engine_config(self):
        return Of(parallel_config=Of(), arguments=self)


class SamplingParams(Of):
    pass


class LLMEngine:
    def __init__(self, vllm_config, executor_class, log_stats):
        assert vllm_config.parallel_config.distributed_executor_backend == "uni"
        pool = Of(num_gpu_blocks=NUM_BLOCKS + 1, get_num_free_blocks=lambda: NUM_BLOCKS - len(self.under_way))
        self.engine_core = Of(engine_core=Of(scheduler=Of(kv_cache_manager=Of(block_pool=pool))))
        self.under_way = {}
        print("what a library prints is no answer")

    def add_request(self, name, prompt, sampling):
        if len(prompt["prompt_token_ids"]) > 40:
            raise ValueError("the prompt is too long for vLLM")
        self.under_way[name] = (prompt["prompt_token_ids"], sampling, [])

    def abort_request(self, names):
        for name in names:
            self.under_way.pop(name, None)

    def step(self):
        return [self.output(name) for name in list(self.under_way)]

    def row(self, token, count):
        places = [(token + place) % VOCABULARY for place in range(max(1, count))]
        return {each: Of(rank=place + 1, logprob=-1.0 - place) for place, each in enumerate(places)}

    def output(self, name):
        given, sampling, made = self.under_way[name]
        token = (given[-1] + len(made) + 1) % VOCABULARY
        made.append(token)
        is_over = len(made) == sampling.max_tokens or token in sampling.stop_token_ids
        if is_over:
            del self.under_way[name]
        count = sampling.prompt_logprobs
        told = None if count is None or len(made) > 1 else [None, *(self.row(each, count) for each in given[1:])]
        logprobs = None if sampling.logprobs is None else [self.row(token, sampling.logprobs)]
        piece = Of(token_ids=[token], logprobs=logprobs, finish_reason="length" if is_over else None)
        return Of(request_id=name, outputs=[piece], prompt_logprobs=told)


for name, fields in {
    "envs": {},
    "platforms": {"current_platform": Of(is_cpu=lambda: True)},
    "sampling_params": {"RequestOutputKind": Of(DELTA="delta")},
    "v1": {},
    "v1.executor": {"Executor": Of(get_class=lambda config: None)},
    "v1.attention": {},
    "v1.attention.backends": {},
    "v1.attention.backends.cpu_attn": {"CPUAttentionBackend": Of(get_supported_head_sizes=lambda: [32, 64])},
}.items():
    module = sys.modules[f"vllm.{name}"] = types.ModuleType(f"vllm.{name}")
    module.__dict__.update(fields)
__path__ = []
'''


def put_python(folder: Path, body: str, executable: str) -> Path:
    """Write a Python that finds a module named vllm, and return where it is."""
    (folder / "vllm.py").write_text(body)
    python = folder / "python"
    python.write_text(f"#!/bin/sh\nshift\nPYTHONPATH={folder} exec {executable} -P $@\n")
    python.chmod(0o700)
    return python
