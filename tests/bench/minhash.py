"""How fast documents are signed: MinHash of five-word shingles, 112 hashes a document, against the fastest libraries and datatrove's stage.

Run by ``make bench NAME=minhash``. Every side runs in a process of its own on one core over the same documents, as often, by the call that its
documentation gives for masses of documents; loading and compiling come before the clock. Ours also keeps each document's distinct
shingles, by which pairs are compared later, and a hash of its text; "index" sorts all that and writes it to disk. gaoya (Rust) splits words itself
and puts signatures into its index in memory; rensa (Rust) and datasketch (NumPy) are given shingles made by a regular expression.
datatrove writes sorted buckets; its words are spaCy's, or by a regular expression.
"""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.bench.measuring import Took, least
from tests.bench.planted import _WORD, on_one_core, peer_signatures, planted

NUM_BANDS, BAND_HASHES, NGRAM = 14, 8, 5
NUM_HASHES = NUM_BANDS * BAND_HASHES


def _config() -> "object":
    from kernels.curation.deduplication.minhash import MinHashConfig

    return MinHashConfig(num_buckets=NUM_BANDS, hashes_per_bucket=BAND_HASHES, ngram=NGRAM, seed=1)


def ours(texts: list[str]) -> Took:
    """Return what signing all texts takes."""
    import polars as pl

    from kernels.curation.deduplication.minhash import sign

    series = pl.Series(texts)
    sign(series[:1], _config())  # pyright: ignore[reportArgumentType]
    return least(lambda number: sign(series, _config()))  # pyright: ignore[reportArgumentType]


def our_index(texts: list[str]) -> Took:
    """Return what the index of all texts takes."""
    from kernels.curation.deduplication.matching import DedupConfig, write_index
    from kernels.documents.schema import document_table
    from kernels.specs.sources import Document

    config = DedupConfig.model_validate({"minhash": _config(), "min_similarity": 0.8})
    table = document_table("bench", "texts", (Document(key=str(number), text=text) for number, text in enumerate(texts)))
    with tempfile.TemporaryDirectory() as name:

        def run(number: int) -> None:
            folder = Path(name) / str(number)
            folder.mkdir()
            write_index(table if number >= 0 else table.slice(0, 1), config, folder)

        run(-1)
        return least(run)


def gaoya(texts: list[str]) -> Took:
    """Return what gaoya's index takes."""
    from gaoya.minhash import MinHashStringIndex  # pyright: ignore[reportMissingImports, reportUnknownVariableType]

    def run(number: int) -> None:
        index = MinHashStringIndex(
            hash_size=32, jaccard_threshold=0.8, num_bands=NUM_BANDS, band_size=BAND_HASHES, num_hashes=None,
            analyzer="word", lowercase=True, ngram_range=(NGRAM, NGRAM), id_container="smallvec",
        )  # fmt: skip
        index.par_bulk_insert_docs(list(range(len(texts))), texts)

    return least(run)


def _shingles(text: str) -> list[str]:
    words = _WORD.findall(text.lower())
    return [" ".join(words[start : start + NGRAM]) for start in range(max(1, len(words) - NGRAM + 1))]


def rensa(texts: list[str]) -> Took:
    """Return what rensa's matrix of signatures takes."""
    from rensa import RMinHash  # pyright: ignore[reportMissingImports, reportUnknownVariableType]

    return least(lambda number: RMinHash.digest_matrix_from_token_sets([_shingles(text) for text in texts], NUM_HASHES, 1))


def datasketch(texts: list[str]) -> Took:
    """Return what datasketch's bulk takes, with xxHash for its SHA-1."""
    import xxhash
    from datasketch import MinHash  # pyright: ignore[reportMissingImports, reportUnknownVariableType]

    def run(number: int) -> None:
        tokens = [[shingle.encode() for shingle in _shingles(text)] for text in texts]
        MinHash.bulk(tokens, num_perm=NUM_HASHES, hashfunc=xxhash.xxh32_intdigest)

    return least(run)


def _datatrove(texts: list[str], *, regular_words: bool) -> Took:
    from datatrove.data import Document
    from datatrove.pipeline.dedup.minhash import MinhashConfig
    from datatrove.utils.logging import logger

    logger.remove()
    config = MinhashConfig(n_grams=NGRAM, num_buckets=NUM_BANDS, hashes_per_bucket=BAND_HASHES)
    documents = [Document(text=text, id=str(number)) for number, text in enumerate(texts)]
    with tempfile.TemporaryDirectory() as folder:
        peer_signatures(f"{folder}/warm", config, regular_words=regular_words).run(iter(documents[:1]))
        return least(lambda number: peer_signatures(f"{folder}/{number}", config, regular_words=regular_words).run(iter(documents)))


def datatrove(texts: list[str]) -> Took:
    """Return what datatrove's first stage takes with words by a regular expression."""
    return _datatrove(texts, regular_words=True)


def datatrove_spacy(texts: list[str]) -> Took:
    """Return what datatrove's first stage takes as it comes."""
    return _datatrove(texts, regular_words=False)


SIDES: dict[str, Callable[[list[str]], Took]] = {
    "modelmill": ours,
    "modelmill, index": our_index,
    "gaoya": gaoya,
    "rensa": rensa,
    "datasketch": datasketch,
    "datatrove": datatrove,
    "datatrove, spaCy": datatrove_spacy,
}


def main() -> None:
    """Time all and print their throughput."""
    corpus = planted(seed=1)
    print(f"{len(corpus.texts)} documents, {corpus.size_mb:.1f} MB, one core; MB a CPU second, MB a second")
    print(f"{'':18}{'CPU':>9}{'wall':>9}{'peak MB':>9}")
    speeds: dict[str, float] = {}
    peaks: dict[str, float] = {}
    for name, measure in SIDES.items():
        seconds, peaks[name] = on_one_core(measure, corpus.texts)
        speeds[name] = corpus.size_mb / seconds.cpu_seconds
        print(f"{name:18}{speeds[name]:>9.2f}{corpus.size_mb / seconds.wall_seconds:>9.2f}{peaks[name]:>9.0f}", flush=True)
    best = max((name for name in speeds if not name.startswith("modelmill")), key=speeds.__getitem__)
    figures = {
        "name": "minhash", "ours": round(speeds["modelmill"], 2), "peer": round(speeds[best], 2), "peer_name": best,
        "ratio": round(speeds["modelmill"] / speeds[best], 2), "unit": "MB per CPU second", "peak_mb": round(peaks["modelmill"]),
        **{name.replace(", ", "_"): round(speed, 2) for name, speed in speeds.items()},
    }  # fmt: skip
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
