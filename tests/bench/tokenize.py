"""Speed of making token shards: ours, datatrove's `DocumentTokenizer`, and the `tokenizers` library alone, on the same documents.

Run by ``make bench NAME=tokenize``. Each runs in fresh processes of one core and one thread, on real documents (`tests.bench.texts.documents`: of
``../shared/data`` where it is there, else of packages), by one vocabulary that is trained on them, and writes what it makes; CPU seconds, the least
of as many runs. datatrove runs as its users do, in a pipeline of its own executor's world of one, but that it does not shuffle, which would cost it
more; it is given documents already in memory, as ours is, and the tokens that stand before and behind each. The library alone encodes the same
texts in batches, without those tokens, and writes nothing. The ids of all three are compared. Conversations are timed beside it: ours against the
library on what the template writes of them, the rendering left out.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tests.bench.measuring import REPEATS, Took, least, took
from tests.bench.planted import on_one_core
from tests.bench.texts import documents

NUM_DOCUMENTS = 5_000
VOCAB_SIZE = 32_768
BATCH = 1000
END_OF_TEXT = "<|endoftext|>"
METHODS = ("byte_bpe", "unigram", "wordpiece")


def trained(method: str, folder: Path, texts: list[str]) -> None:
    """Write a tokenizer trained on the texts."""
    from kernels.specs.families import specs
    from kernels.tokens.tokenizer_files import write_tokenizer

    spec = specs("tokenizers")[method]
    write_tokenizer(spec.train(iter(texts), spec.config(vocab_size=VOCAB_SIZE)), folder)


def table(texts: list[str]) -> pa.Table:
    """Return the texts as documents of a lake."""
    from kernels.documents.schema import DOCUMENTS

    rows = [
        {"id": f"s/f#{number}", "text": text, "source": "s", "path": "f", "title": None, "url": None, "metadata": "{}", "turns": None}
        for number, text in enumerate(texts)
    ]
    return pa.Table.from_pylist(rows, schema=DOCUMENTS)


def ours(folder: str, texts: list[str]) -> Took:
    """Encode documents and write their shard."""
    from kernels.tokens.shards import encode_documents, write_shard
    from kernels.tokens.tokenizer_files import read_tokenizer

    found, place = table(texts), Path(folder)
    encode_documents(found.slice(0, BATCH), read_tokenizer(place))  # compiles the loops

    def work(number: int) -> None:
        write_shard(encode_documents(found, read_tokenizer(place)), place)

    return least(work)


def theirs(folder: str, texts: list[str]) -> Took:
    """Run datatrove's tokenizer over documents."""
    from datatrove.data import Document
    from datatrove.pipeline.tokens import DocumentTokenizer
    from tokenizers.processors import TemplateProcessing

    held = [Document(text=text, id=str(number)) for number, text in enumerate(texts)]
    settings: dict[str, Any] = {"eos_token": END_OF_TEXT, "shuffle_documents": False}

    def work(number: int) -> None:
        step = DocumentTokenizer(f"{folder}/theirs", f"{folder}/tokenizer.json", **settings)
        step.post_processor = TemplateProcessing(single=f"{END_OF_TEXT} $A {END_OF_TEXT}", special_tokens=[(END_OF_TEXT, 0)])
        step.run(iter(held))

    return least(work)


def alone(folder: str, texts: list[str], fast: bool) -> Took:
    """Encode the texts by the library and keep nothing."""
    from tokenizers import Tokenizer

    def work(number: int) -> None:
        tokenizer = Tokenizer.from_file(f"{folder}/tokenizer.json")
        encode = tokenizer.encode_batch_fast if fast else tokenizer.encode_batch
        for start in range(0, len(texts), BATCH):
            encode(texts[start : start + BATCH], add_special_tokens=False)

    return least(work)


def conversations(folder: str, texts: list[str]) -> tuple[Took, Took]:
    """Encode conversations made of the texts, and what their template writes by the library alone."""
    from tokenizers import Tokenizer

    from kernels.specs.turns import Turn
    from kernels.tokens.chats import encoder_of, template
    from kernels.tokens.tokenizer_files import read_tokenizer

    files = read_tokenizer(Path(folder))
    turns = [[Turn("user", texts[place]), Turn("assistant", texts[place + 1])] for place in range(0, len(texts) - 1, 2)]
    chats = encoder_of(files.json_text, template(files.template or "", files.names))
    tokenizer = Tokenizer.from_str(files.json_text)
    rendered = [
        f"{END_OF_TEXT}<|im_start|>user\n{user.content}<|im_end|>\n<|im_start|>assistant\n{answer.content}<|im_end|>\n" for user, answer in turns
    ]
    chats.conversations(turns[:BATCH])
    held: list[Any] = []

    def work(number: int) -> None:
        held[:] = chats.conversations(turns)

    mine = least(work)
    bare = least(
        lambda number: [tokenizer.encode_batch(rendered[start : start + BATCH], add_special_tokens=False) for start in range(0, len(rendered), BATCH)]
    )
    same = [encoding.ids for encoding in tokenizer.encode_batch(rendered, add_special_tokens=False)]
    for number, text in enumerate(rendered):  # an answer that begins with a blank is encoded apart from its prompt, as it will be given
        if text.count("<|") == 5 and not turns[number][1].content[:1].isspace():
            assert held[number] == same[number], f"conversation {number} has other tokens than the library gives it"
    assert held[:BATCH] == [chats.conversation(each) for each in turns[:BATCH]], "conversations together have other tokens than one by one"
    return mine, bare


def same_ids(folder: Path, texts: list[str]) -> int:
    """Return the number of tokens, of which those of all sides are the same. Raises AssertionError: some are not."""
    from tokenizers import Tokenizer

    from kernels.tokens.shards import open_shard

    shard = open_shard(folder)
    token_size = 2 if shard.tokens.dtype == np.uint16 else 4
    other = np.fromfile(next((folder / "theirs").glob("*.ds")), f"<u{token_size}")
    ends = np.fromfile(next((folder / "theirs").glob("*.index")), "<u8")
    plain = [number for number, text in enumerate(texts) if "<|" not in text]  # datatrove makes control tokens of what spells them
    starts = [0, *ends.tolist()]
    for number in plain:
        mine = shard.tokens[shard.offsets[number] : shard.offsets[number + 1]]
        assert np.array_equal(mine, other[starts[number] : starts[number + 1]]), f"document {number} has other tokens"
    encodings = Tokenizer.from_file(str(folder / "tokenizer.json")).encode_batch([texts[number] for number in plain], add_special_tokens=False)
    for number, encoding in zip(plain, encodings, strict=True):
        assert shard.tokens[shard.offsets[number] + 1 : shard.offsets[number + 1] - 1].tolist() == encoding.ids, f"document {number} has other tokens"
    print(f"{len(plain)} of {len(texts)} documents compared (the others spell '<|'), all alike", flush=True)
    return len(shard.tokens)


def measured(method: str, texts: list[str]) -> dict[str, float]:
    """Return MB a CPU second of each side, by one method's vocabulary."""
    size_mb = sum(len(text.encode()) for text in texts) / 1e6
    with tempfile.TemporaryDirectory() as name:
        training = took(lambda: trained(method, Path(name), texts))
        (mine, peak), (their, _) = on_one_core(ours, name, texts), on_one_core(theirs, name, texts)
        (bare, _), (fast, _) = on_one_core(alone, name, texts, False), on_one_core(alone, name, texts, True)
        num_tokens = same_ids(Path(name), texts)
        sides = {"ours": mine, "datatrove": their, "encode_batch": bare, "encode_batch_fast": fast}
        if method == METHODS[0]:
            (sides["chats"], sides["chats by encode_batch"]), _ = on_one_core(conversations, name, texts)
    print(f"\n{method}: {len(texts)} documents, {size_mb:.2f} MB, {num_tokens} tokens, trained in {training.cpu_seconds:.1f} CPU seconds")
    for side, taken in sides.items():
        print(f"  {side:24s}{size_mb / taken.cpu_seconds:8.2f} MB a CPU second, {taken.wall_seconds:6.2f} s by the clock")
    return {side: size_mb / taken.cpu_seconds for side, taken in sides.items()} | {"peak_mb": peak}


def main() -> None:
    """Print a table for each method."""
    texts = [text for _, text in documents(NUM_DOCUMENTS)]
    print(f"least of {REPEATS} runs each; conversations are two documents each, a question and an answer")
    found = {method: measured(method, texts) for method in METHODS}
    least_of = {key: min(found[method]["ours"] / found[method][key] for method in METHODS) for key in ("datatrove", "encode_batch")}
    bpe = found["byte_bpe"]
    figures = {
        "name": "tokenize", "ours": round(bpe["ours"], 2), "peer": round(bpe["datatrove"], 2), "ratio": round(bpe["ours"] / bpe["datatrove"], 2),
        "unit": "MB per CPU second", "peak_mb": round(bpe["peak_mb"]), "ratio_least": round(least_of["datatrove"], 2),
        "ratio_encode_batch": round(bpe["ours"] / bpe["encode_batch"], 2), "ratio_encode_batch_least": round(least_of["encode_batch"], 2),
        "ratio_conversations": round(bpe["chats"] / bpe["chats by encode_batch"], 2),
    }  # fmt: skip
    print(json.dumps(figures))


if __name__ == "__main__":
    import os

    os.environ["RAYON_NUM_THREADS"] = "1"  # which the processes that are measured inherit
    main()
