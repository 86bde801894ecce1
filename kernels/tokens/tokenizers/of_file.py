"""A tokenizer that somebody else made: a folder in Transformers form, or its ``tokenizer.json`` alone.

Only files of text are read, and nothing in them is run: pickles and code of its own are refused, as is a tokenizer without a fast form.
"""

import json
import shutil
from pathlib import Path
from typing import Any, cast

from kernels.specs.config import Config
from kernels.specs.tokenizers import TokenizerOfFile
from kernels.tokens.tokenizer_files import FILES, JSON, SETTINGS, read_tokenizer

SLOW = {
    ".model": "is a SentencePiece model",
    ".vocab": "is the vocabulary of a SentencePiece model",
    ".tiktoken": "is a list of ranks for tiktoken",
    ".txt": "is a vocabulary without the rest of its tokenizer",
    ".json": "is not the whole of a tokenizer",
    ".pkl": "is a pickle, and reading one may run code",
    ".pickle": "is a pickle, and reading one may run code",
    ".bin": "is a pickle, and reading one may run code",
}
REMEDY = (
    "where you trust it, load it elsewhere with Transformers' AutoTokenizer.from_pretrained and write it by save_pretrained, "
    "then name the folder, which has a tokenizer.json"
)


class OfFileConfig(Config):
    """A tokenizer that somebody else made, its chat template with it."""


def take(given: Path, source: str, out: Path) -> None:
    """Copy a tokenizer, given as copies of its files; errors call it by ``source``.

    Raises:
        ValueError: it is no fast tokenizer, asks for code of its own, or no token is known to end a text.
    """
    names = {path.name: path for path in sorted(given.iterdir()) if path.is_file()}
    alone = next(iter(names.values())) if len(names) == 1 else None
    found = names.get(JSON, alone if alone is not None and alone.suffix == ".json" else None)
    if found is None:
        told = [f"{name} {SLOW[path.suffix]}" for name, path in names.items() if path.suffix in SLOW and name not in FILES]
        raise ValueError(f"{source}: has no {JSON} ({'; '.join(told) or 'nor anything else of a tokenizer'}); {REMEDY}")
    _require_fast(found, source)
    shutil.copyfile(found, out / JSON)
    for name in FILES[1:]:
        if name in names:
            shutil.copyfile(names[name], out / name)
    _require_settings(out / SETTINGS, source)
    try:
        read_tokenizer(out)
    except ValueError as error:
        raise ValueError(str(error).replace(str(out), source)) from None


def _require_fast(path: Path, source: str) -> None:
    """Raise ValueError where a file is not the JSON of a tokenizer."""
    from tokenizers import Tokenizer

    try:
        text = path.read_text(encoding="utf-8")
        settings = json.loads(text)
    except ValueError as error:
        raise ValueError(f"{source}: {path.name} is not JSON ({error}); fetch it again") from None
    if not isinstance(settings, dict) or not isinstance(cast(Any, settings).get("model"), dict):
        raise ValueError(f"{source}: {path.name} {SLOW['.json']} (it has no 'model'); {REMEDY}")
    try:
        cast(Any, Tokenizer).from_str(text)
    except Exception as error:  # the library raises the plainest kind
        raise ValueError(f"{source}: the library 'tokenizers' does not read {path.name} ({error}); {REMEDY}") from None


def _require_settings(path: Path, source: str) -> None:
    """See that the settings are there, and ask for no code; those of a lone ``tokenizer.json`` say only how Transformers opens it."""
    if not path.is_file():
        path.write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False}, indent=1), encoding="utf-8")
        return
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{source}: {SETTINGS} is not JSON ({error}); fetch it again") from None
    if "auto_map" in settings:
        raise ValueError(f"{source}: {SETTINGS} asks for code of its own (auto_map), which is never run; name a copy of the folder without that key")


PATTERNS = tuple(
    f"/{name}" for name in (*FILES, *(f"*{suffix}" for suffix in SLOW if suffix not in (".json", ".bin")), "vocab.json", "*tokenizer*.bin")
)
SPEC = TokenizerOfFile(name="of_file", version=1, config=OfFileConfig, patterns=PATTERNS, take=take)
