"""Content hashes see what a file says and nothing else."""

import json
import struct
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from resources.storage.content import BLOCK_ROWS, hash_file, hash_folder, hash_json, hash_tables, hash_text

LISTS = pa.list_(pa.string())
PEOPLE = pa.struct([("name", pa.string()), ("age", pa.int64())])

COLUMNS = {
    "strings": pa.array(["one", None, "", "drei", "vier"]),
    "strings without nulls": pa.array(["one", "two", "", "drei", "vier"]),
    "bytes without nulls": pa.array([b"a", b"bc", b"", b"d", b"ef"], pa.large_binary()),
    "integers without nulls": pa.array([1, 2, 3, 4, 5], pa.int16()),
    "lists without nulls": pa.array([["a"], ["b", "c"], [], ["d"], ["e", "f"]], pa.large_list(pa.string())),
    "structs without nulls": pa.array([{"name": str(n), "age": n} for n in range(5)], PEOPLE),
    "decimals": pa.array(["1.5", None, "2.5", "3.5", "4.5"]).cast(pa.decimal128(5, 2)),
    "dictionaries": pa.array(["a", "b", None, "b", "c"]).dictionary_encode(),
    "dates": pa.array([1, None, 3, 4, 5], pa.int32()).cast(pa.date32()),
    "half floats": pa.array([0.5, None, 1.5, 2.5, 3.5], pa.float16()),
    "large strings": pa.array(["one", None, "", "drei", "vier"], pa.large_string()),
    "bytes": pa.array([b"a", b"", None, b"\x00b", b"c"]),
    "integers": pa.array([1, 2, None, 4, 5]),
    "floats": pa.array([0.5, float("nan"), None, -1.0, 2.0]),
    "booleans": pa.array([True, None, False, True, False]),
    "lists": pa.array([["a"], None, [], ["b", None], ["c", "d"]], LISTS),
    "fixed lists": pa.array([[1, 2], [3, 4], None, [5, 6], [7, 8]], pa.list_(pa.int32(), 2)),
    "structs": pa.array([{"name": "x", "age": 1}, None, {"name": None, "age": 2}, {"name": "y", "age": None}, {"name": "z", "age": 3}], PEOPLE),
    "lists of structs": pa.array([[{"name": "x", "age": 1}], [], None, [{"name": "y", "age": 2}] * 2, []], pa.list_(PEOPLE)),
    "times": pa.array([1, None, 3, 4, 5], pa.timestamp("us")),
}


def hash_tables_of(*tables: pa.Table) -> str:
    return hash_tables(tables)


def test_how_many_rows_come_at_a_time_does_not_count() -> None:
    whole = pa.table({"n": list(range(3 * BLOCK_ROWS + 5)), "s": [str(n) for n in range(3 * BLOCK_ROWS + 5)]})
    cuts = [whole.slice(0, 10), whole.slice(10, 0), whole.slice(10, 2 * BLOCK_ROWS), whole.slice(10 + 2 * BLOCK_ROWS)]
    assert hash_tables_of(*cuts) == hash_tables_of(whole)
    assert hash_tables_of(whole.slice(1)) != hash_tables_of(whole)


def table(*values: object, kind: pa.DataType | None = None, name: str = "c") -> pa.Table:
    return pa.table({name: pa.array(list(values), kind)})


@pytest.mark.parametrize("kind", COLUMNS)
def test_chunks_do_not_count(kind: str) -> None:
    column = COLUMNS[kind]
    chunked = pa.table({"c": pa.chunked_array([column.slice(0, 2), column.slice(2, 0), column.slice(2, 3)])})
    assert hash_tables_of(chunked) == hash_tables_of(pa.table({"c": column}))


@pytest.mark.parametrize("kind", COLUMNS)
def test_a_slice_is_what_it_shows_and_not_what_it_is_cut_from(kind: str) -> None:
    column = COLUMNS[kind]
    alone = pa.table({"c": pa.array(column.slice(1, 3).to_pylist(), column.type)})
    assert hash_tables_of(pa.table({"c": column}).slice(1, 3)) == hash_tables_of(alone)


@pytest.mark.parametrize("kind", COLUMNS)
def test_row_groups_and_compression_of_a_parquet_file_do_not_count(kind: str, tmp_path: Path) -> None:
    whole = pa.table({"c": COLUMNS[kind]})
    pq.write_table(whole, tmp_path / "one.parquet", compression="zstd")
    pq.write_table(whole, tmp_path / "many.parquet", row_group_size=2, compression="snappy", use_dictionary=False)
    assert (tmp_path / "one.parquet").read_bytes() != (tmp_path / "many.parquet").read_bytes()
    assert hash_file(tmp_path / "one.parquet") == hash_file(tmp_path / "many.parquet")


@pytest.mark.parametrize("kind", COLUMNS)
def test_every_value_counts(kind: str) -> None:
    values = COLUMNS[kind].to_pylist()
    hashes = {hash_tables_of(table(*values[:index], values[(index + 1) % 5], *values[index + 1 :], kind=COLUMNS[kind].type)) for index in range(5)}
    assert hash_tables_of(table(*values, kind=COLUMNS[kind].type)) not in hashes


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (table("a", None), table("a", "")),
        (table(0, None), table(None, 0)),
        (table(0, kind=pa.int64()), table(None, kind=pa.int64())),
        (table([], kind=LISTS), table(None, kind=LISTS)),
        (table([None], kind=LISTS), table([""], kind=LISTS)),
        (table({"name": None, "age": None}, kind=PEOPLE), table(None, kind=PEOPLE)),
        (table(False, kind=pa.bool_()), table(None, kind=pa.bool_())),
    ],
)
def test_a_null_is_no_empty_value(one: pa.Table, other: pa.Table) -> None:
    assert hash_tables_of(one) != hash_tables_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (table(["a"], ["b", "c"]), table(["a", "b"], ["c"])),
        (table("ab", "c"), table("a", "bc")),
        (table([["a"]], [["b"], ["c"]]), table([["a"], ["b"]], [["c"]])),
    ],
)
def test_where_a_value_ends_counts(one: pa.Table, other: pa.Table) -> None:
    assert hash_tables_of(one) != hash_tables_of(other)


def test_names_types_and_order_of_columns_count() -> None:
    hashes = [
        hash_tables_of(table(1, 2)),
        hash_tables_of(table(1, 2, name="d")),
        hash_tables_of(table(1, 2, kind=pa.int32())),
        hash_tables_of(table(1, 2, kind=pa.uint64())),
        hash_tables_of(table(2, 1)),
        hash_tables_of(pa.table({"a": [1], "b": [1]})),
        hash_tables_of(pa.table({"b": [1], "a": [1]})),
    ]
    assert len(set(hashes)) == len(hashes)


def test_tables_without_rows_differ_by_schema_alone() -> None:
    empty = table(kind=pa.string())
    assert hash_tables_of(empty) == hash_tables_of(table("a").slice(1)) == hash_tables_of(pa.table({"c": pa.chunked_array([], pa.string())}))
    assert hash_tables_of(empty) != hash_tables_of(table(kind=pa.int64()))


def test_texts_are_set_off_from_each_other() -> None:
    assert hash_text("ab", "c") != hash_text("a", "bc")
    assert hash_text("a", "") != hash_text("a")


def test_the_order_of_json_keys_does_not_count() -> None:
    assert hash_json({"a": 1, "b": [2, 3]}) == hash_json({"b": [2, 3], "a": 1})
    assert hash_json({"a": 1, "b": [2, 3]}) != hash_json({"a": 1, "b": [3, 2]})


def test_the_version_of_transformers_in_a_config_does_not_count(tmp_path: Path) -> None:
    for name, value in {"old": {"hidden_size": 8, "transformers_version": "5.1"}, "new": {"transformers_version": "5.23", "hidden_size": 8}}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(json.dumps(value))
    (tmp_path / "wide.json").write_text('{"hidden_size": 16, "transformers_version": "5.1"}')
    assert hash_folder(tmp_path / "old") == hash_folder(tmp_path / "new")
    assert hash_file(tmp_path / "wide.json") != hash_file(tmp_path / "old" / "config.json")


def test_npy_arrays_are_values_shape_and_type(tmp_path: Path) -> None:
    values = np.arange(6, dtype=np.uint16)
    arrays = {"a": values, "reshaped": values.reshape(2, 3), "wider": values.astype(np.uint32), "other": values + 1}
    for name, array in arrays.items():
        np.save(tmp_path / f"{name}.npy", array)
    (tmp_path / "b").mkdir()
    with (tmp_path / "b" / "a.npy").open("wb") as stream:
        np.lib.format.write_array(stream, values, version=(2, 0))
    assert (tmp_path / "b" / "a.npy").read_bytes() != (tmp_path / "a.npy").read_bytes()
    assert hash_file(tmp_path / "b" / "a.npy") == hash_file(tmp_path / "a.npy")
    assert len({hash_file(tmp_path / f"{name}.npy") for name in arrays}) == len(arrays)


def write_safetensors(path: Path, tensors: dict[str, np.ndarray], metadata: dict[str, str] | None = None, padding: int = 0) -> Path:
    """Write tensors in the order given, as another writer of the format might."""
    header: dict[str, object] = {} if metadata is None else {"__metadata__": metadata}
    position = 0
    for name, tensor in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [position, position + tensor.nbytes]}
        position += tensor.nbytes
    text = json.dumps(header).encode() + b" " * padding
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(tensor.tobytes() for tensor in tensors.values()))
    return path


def test_the_header_of_safetensors_does_not_count_beyond_names_types_and_shapes(tmp_path: Path) -> None:
    first, second = np.ones((2, 3), np.float32), np.arange(4, dtype=np.float32)
    plain = hash_file(write_safetensors(tmp_path / "a.safetensors", {"first": first, "second": second}))
    turned = write_safetensors(tmp_path / "b.safetensors", {"second": second, "first": first}, metadata={"format": "pt"}, padding=7)
    assert hash_file(turned) == plain
    for name, tensors in {
        "value": {"first": first, "second": second + 1},
        "shape": {"first": first.reshape(3, 2), "second": second},
        "name": {"first": first, "third": second},
        "fewer": {"first": first},
    }.items():
        assert hash_file(write_safetensors(tmp_path / f"{name}.safetensors", tensors)) != plain, name


def test_safetensors_that_are_cut_off_are_named(tmp_path: Path) -> None:
    path = write_safetensors(tmp_path / "cut.safetensors", {"first": np.ones(8, np.float32)})
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(ValueError, match=r"cut\.safetensors: tensor first is cut off 5 bytes early"):
        hash_file(path)


def test_a_folder_is_its_files_by_name_those_left_out_aside(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "text.txt").write_text("one")
    (tmp_path / "speeds.txt").write_text("fast")
    before = hash_folder(tmp_path, ["speeds.txt"])
    (tmp_path / "speeds.txt").write_text("slow")
    assert hash_folder(tmp_path, ["speeds.txt"]) == before
    assert hash_folder(tmp_path) != before
    (tmp_path / "deep" / "text.txt").rename(tmp_path / "deep" / "other.txt")
    assert hash_folder(tmp_path, ["speeds.txt"]) != before
