"""Which documents of a shard have no tokens."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from assets.tokens.checks import TOKENS_ARE_PRESENT
from kernels.documents.schema import document_table
from kernels.specs.sources import Document
from kernels.tokens.shards import encode_documents, write_shard
from kernels.tokens.tokenizer_files import read_tokenizer, write_tokenizer
from kernels.tokens.tokenizers.byte_bpe import ByteBpeConfig, train
from resources.quality.expectations import validate


def test_a_document_of_control_tokens_alone_has_no_tokens(tmp_path: Path) -> None:
    write_tokenizer(train(iter(["one"]), ByteBpeConfig(vocab_size=264)), tmp_path)
    documents = document_table("s", "f", [Document("0", "o"), Document("1", ""), Document("2", "<|endoftext|>")])
    write_shard(encode_documents(documents, read_tokenizer(tmp_path)), tmp_path)
    rows = pq.read_table(tmp_path / "documents.parquet", partitioning=None)  # pyright: ignore[reportUnknownMemberType]
    rows = rows.append_column("partition", pa.array(["s.base.000"] * 3))
    found = validate("tokens", rows, [TOKENS_ARE_PRESENT], partition_column="partition", example_columns=["id"], site=tmp_path)
    finding = found["s.base.000"][TOKENS_ARE_PRESENT.name]
    assert finding.num_bad == 1 and [example["id"] for example in finding.examples] == ["s/f#1"]
