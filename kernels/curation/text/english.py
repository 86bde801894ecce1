"""spaCy's English tokenizer, without the two seconds of imports that it does not need. Import spaCy through this file only."""

import importlib
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np

from kernels.specs.instead import instead


@cache
def spacy_tokenizer() -> Any:
    """Return the tokenizer of ``spacy.blank("en")``, without the registry that takes seconds to load."""
    commands = ModuleType("spacy.cli.info")
    commands.__dict__["info"] = None
    # spaCy's machine learning imports torch, which takes seconds, and spaCy itself its command line, which takes half of one; neither is used
    with instead({"torch": None, "spacy.cli.info": commands}):
        defaults: Any = importlib.import_module("spacy.lang.en").EnglishDefaults  # spaCy's types are partly unknown
    util: Any = importlib.import_module("spacy.util")
    return importlib.import_module("spacy.tokenizer").Tokenizer(
        importlib.import_module("spacy.vocab").Vocab(),
        rules=defaults.tokenizer_exceptions,
        prefix_search=util.compile_prefix_regex(defaults.prefixes).search,
        suffix_search=util.compile_suffix_regex(defaults.suffixes).search,
        infix_finditer=util.compile_infix_regex(defaults.infixes).finditer,
        token_match=defaults.token_match,
        url_match=defaults.url_match,
    )


def spacy_ends(runs: list[str]) -> list[list[int]]:
    """Return where the words of each run end, as spaCy splits it."""
    ends: list[list[int]] = [[] for _ in runs]
    starts = np.cumsum([0, *(len(run) + 1 for run in runs)])
    number = 0
    for token in spacy_tokenizer()("\n".join(runs)):
        end = token.idx + len(token)
        while token.idx >= starts[number + 1]:
            number += 1
        if not token.text.isspace():
            ends[number].append(int(end - starts[number]))
    return ends
