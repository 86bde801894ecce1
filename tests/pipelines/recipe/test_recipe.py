"""Recipes that load, and every kind of fault told with file, line, key and the nearest valid name."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from kernels.specs.families import FOLDERS, specs
from pipelines.recipe.schema import load_recipe, recipe_type
from pipelines.recipe.yaml_source import RecipeError
from tests.locations import PROJECT
from tests.small_recipe import RECIPE, changed, faults, line_of, write

RECIPES = PROJECT / "pipelines" / "recipes"


@pytest.mark.parametrize("path", sorted(RECIPES.rglob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_recipes_load(path: Path) -> None:
    recipe = load_recipe(path)
    assert recipe.name == path.stem
    assert recipe.entries.models or recipe.entries.sources


def test_a_recipe_says_what_it_says(tmp_path: Path) -> None:
    recipe = load_recipe(write(tmp_path, RECIPE))
    books: Any = recipe.entries.sources["books"]
    assert (books.max_chars, [step.kind for step in books.filters], books.filters[0].min_words) == (4000, ["gopher_quality", "personal_data"], 20)
    assert recipe.entries.models["sft"].parents == ["base"]
    assert recipe.entries.schedules.watch_seconds == 60


def test_paths_are_relative_to_the_recipe_embedded_or_urls(tmp_path: Path) -> None:
    recipe = load_recipe(write(tmp_path, RECIPE))
    assert recipe.locate("books", Path("/embedded")) == str(tmp_path / "books")
    assert recipe.locate("/data/books", Path("/embedded")) == "/data/books"
    assert recipe.locate("embedded:evals/piqa.jsonl", Path("/embedded")) == "/embedded/evals/piqa.jsonl"
    assert recipe.locate("s3://bucket/books", Path("/embedded")) == "s3://bucket/books"


@pytest.mark.parametrize(
    "path", ["embedded:x/../../etc", "embedded:../x", "embedded:/etc/passwd", "embedded:x/..", "embedded:..\\x", "embedded:", "embedded:x/../../etc/"]
)
def test_no_path_of_embedded_data_leads_out_of_them(tmp_path: Path, path: str) -> None:
    recipe = load_recipe(write(tmp_path, RECIPE))
    with pytest.raises(RecipeError, match="leads out of the embedded data; write embedded:NAME"):
        recipe.locate(path, Path("/embedded"))


UNKNOWN_KEYS = {
    "recipe": ("release: {", "relaese: 1\nrelease: {", "relaese", "relaese", "release"),
    "source": ("    path: books\n", "    path: books\n    snapshoot: x\n", "sources.books.snapshoot", "snapshoot", "snapshot"),
    "reader": ("    max_chars: 4000\n", "    max_chars: 4000\n    max_char: 1\n", "sources.books.max_char", "max_char", "max_chars"),
    "filter": ("        min_words: 20\n", "        min_wrods: 20\n", "sources.books.filters.0.min_wrods", "min_wrods", "min_words"),
    "deduplication": ("  min_similarity: 0.8\n", "  min_similarity: 0.8\n  max_similarity: 1\n", "deduplication.max_similarity", "max_similarity",
                      "min_similarity"),
    "minhash": ("{seed: 1}\ntokenizer", "{seed: 1, sede: 2}\ntokenizer", "deduplication.minhash.sede", "sede", "seed"),
    "tokenizer": ("  vocab_size: 300\n", "  vocab_size: 300\n  vocabulary_size: 1\n", "tokenizer.vocabulary_size", "vocabulary_size", "vocab_size"),
    "mixture": ("    max_epochs: 50.0\n", "    max_epochs: 50.0\n    max_epoch: 4.0\n", "mixtures.pretrain.max_epoch", "max_epoch", "max_epochs"),
    "model": ("    num_steps: 30\n", "    num_steps: 30\n    nmu_steps: 1\n", "models.base.nmu_steps", "nmu_steps", "num_steps"),
    "parents": ("    from: [base]\n", "    from: [base]\n    form: [base]\n", "models.sft.form", "form", "from"),
    "architecture": ("      hidden_size: 32\n", "      hidden_size: 32\n      hiden_size: 1\n", "models.base.architecture.hiden_size", "hiden_size",
                     "hidden_size"),
    "eval": ("max_bytes: 500", "max_bytes: 500, max_byte: 1", "evals.heldout.max_byte", "max_byte", "max_bytes"),
    "release": ("tolerance: 0.02", "tolerance: 0.02, tolerence: 1", "release.tolerence", "tolerence", "tolerance"),
    "schedules": ("{watch_seconds: 60}", "{watch_second: 60}", "schedules.watch_second", "watch_second", "watch_seconds"),
}  # fmt: skip


@pytest.mark.parametrize("level", UNKNOWN_KEYS)
def test_an_unknown_key_is_told_with_the_nearest_valid_one(level: str, tmp_path: Path) -> None:
    old, new, key, wrong, right = UNKNOWN_KEYS[level]
    text = changed(old, new)
    line = next(number for number, line in enumerate(text.splitlines(), 1) if re.search(rf"\b{wrong}:", line))
    assert f"{line}: {key}: unknown key {wrong!r}; did you mean {right!r}?" in faults(tmp_path, text)


UNKNOWN_NAMES = {
    "format": ("    format: books\n", "    format: boks\n", "sources.books.format", "no format is named 'boks'; did you mean 'books'?"),
    "filter": ("kind: gopher_quality", "kind: gofer_quality", "sources.books.filters.0.kind",
               "no kind is named 'gofer_quality'; did you mean 'gopher_quality'?"),
    "method": ("    method: pretrain\n", "    method: pretrian\n", "models.base.method", "no method is named 'pretrian'; did you mean 'pretrain'?"),
    "task": ("task: perplexity", "task: preplexity", "evals.heldout.task", "no task is named 'preplexity'; did you mean 'perplexity'?"),
}  # fmt: skip


@pytest.mark.parametrize("kind", UNKNOWN_NAMES)
def test_an_unknown_kind_is_told_with_the_nearest_valid_one(kind: str, tmp_path: Path) -> None:
    old, new, key, message = UNKNOWN_NAMES[kind]
    (told,) = faults(tmp_path, changed(old, new))
    line, where, said = told.split(": ", 2)
    assert (where, said) == (key, message)
    assert int(line) == line_of(changed(old, new), new.strip())


RUNS = {
    "nobody to share with": ("    method: pretrain\n", "    method: pretrain\n    run: {processes: 2, tensor: 2, zero: 1}\n", "models.base.run.zero",
                             "there is one copy of the model, which nobody shares; give more 'processes', or leave the key out"),
    "no group": ("    method: pretrain\n", "    method: pretrain\n    run: {processes: 3, pipeline: 2}\n", "models.base.run.pipeline",
                 "3 processes are no whole number of groups of 2; change one of them"),
    "no share of a node": ("    method: pretrain\n", "    method: pretrain\n    run: {processes: 3, nodes: 2}\n", "models.base.run.nodes",
        "3 processes are no whole number for each of 2 nodes; change one of them"),
    "no training": ("{method: int8, from: [sft],", "{method: int8, run: {processes: 2}, from: [sft],", "models.small_sft.run.processes",
                    "the method 'int8' trains nothing and takes one process; leave the key out"),
}  # fmt: skip


@pytest.mark.parametrize("fault", RUNS)
def test_processes_that_a_model_cannot_be_made_by_are_told_with_their_line(fault: str, tmp_path: Path) -> None:
    old, new, key, message = RUNS[fault]
    text = changed(old, new)
    line = next(number for number, line in enumerate(text.splitlines(), 1) if "run: {" in line)
    assert faults(tmp_path, text) == [f"{line}: {key}: {message}"]


def test_a_kind_that_resembles_none_is_told_with_all(tmp_path: Path) -> None:
    (told,) = faults(tmp_path, changed("    format: books\n", "    format: zzz\n"))
    assert told.endswith(f"no format is named 'zzz'; valid: {', '.join(specs('sources'))}")


@pytest.mark.parametrize(("old", "new", "names"), [("method: byte_bpe", "method: byte_bep", "byte_bpe"), ("kind: llama", "kind: lama", "llama")])
def test_an_unknown_tokenizer_or_architecture_is_told_with_the_valid_one(old: str, new: str, names: str, tmp_path: Path) -> None:
    text = changed(old, new)
    (told,) = faults(tmp_path, text)
    assert told.startswith(f"{line_of(text, new)}: ") and repr(names) in told


DANGLING = {
    "tokenizer's source": ("  sources: [books]\n", "  sources: [book]\n", "tokenizer.sources.0", "no source is named 'book'; did you mean 'books'?"),
    "filter's key": ("kinds: [email]}", "kinds: [email], treatment: token, key: pii}", "sources.books.filters.1",
                     "no key is named 'pii'; valid: none"),
    "filter's classifier": ("{kind: personal_data, kinds: [email]}", "{kind: quality_classifier, classifier: good, keep_rate: 0.5}",
                            "sources.books.filters.1", "no classifier is named 'good'; valid: none"),
    "mixture's source": ("weights: {books: 1.0}", "weights: {boks: 1.0}", "mixtures.pretrain.weights.boks",
                         "no source is named 'boks'; did you mean 'books'?"),
    "model's mixture": ("    data: pretrain\n", "    data: pretrian\n", "models.base.data",
                        "no mixture is named 'pretrian'; did you mean 'pretrain'?"),
    "model's conversations": ("    data: [chats]\n", "    data: [chat]\n", "models.sft.data.0", "no source is named 'chat'; did you mean 'chats'?"),
    "model's parent": ("    from: [base]\n", "    from: [bse]\n", "models.sft.from.0", "no model is named 'bse'; did you mean 'base'?"),
    "eval's mixture": ("data: pretrain, num_items", "data: petrain, num_items", "evals.heldout.data",
                       "no mixture is named 'petrain'; did you mean 'pretrain'?"),
    "candidate": ("candidate: sft", "candidate: sfft", "release.candidate", "no model is named 'sfft'; did you mean 'sft'?"),
    "metric": ("metric: heldout/", "metric: held_out/", "release.metric", "no eval is named 'held_out'; did you mean 'heldout'?"),
    "conversations as a word": ("    data: [chats]\n", "    data: chats\n", "models.sft.data",
                                "name the sources of conversations as a list, such as [chats]"),
    "parents too many": ("    from: [base]\n", "    from: [base, adopted]\n", "models.sft.from",
                         "the method 'sft' takes 1 parent(s) ['parent'], found ['base', 'adopted']"),
}  # fmt: skip


@pytest.mark.parametrize("kind", DANGLING)
def test_a_name_that_points_nowhere_is_told(kind: str, tmp_path: Path) -> None:
    old, new, key, message = DANGLING[kind]
    text = changed(old, new)
    assert faults(tmp_path, text) == [f"{line_of(text, new.strip())}: {key}: {message}"]


@pytest.mark.parametrize(
    ("old", "new", "key", "message"),
    [
        ("    from: [base]\n", "", "models.sft.from", "the method 'sft' takes 1 parent(s) ['parent'], found []"),
        ("data: piqa.jsonl, ", "", "evals.piqa", "the task 'piqa' needs the key 'data': the path of its data file"),
        ("data: model.gguf, ", "", "models.adopted.data", "the method 'adopt_gguf' needs the path of a folder or file, such as embedded:smollm2"),
    ],
)
def test_what_a_method_needs_and_is_not_there_is_told_where_it_belongs(old: str, new: str, key: str, message: str, tmp_path: Path) -> None:
    text = changed(old, new)
    owner = line_of(text, f"  {key.split('.')[1]}:")
    assert faults(tmp_path, text) == [f"{owner}: {key}: {message}"]


def test_an_arrival_of_no_source_or_of_one_twice_is_told(tmp_path: Path) -> None:
    text = changed("deduplication:\n", "arrival: [chats, boks, chats]\ndeduplication:\n")
    line = line_of(text, "arrival:")
    assert faults(tmp_path, text) == [
        f"{line}: arrival.1: no source is named 'boks'; did you mean 'books'?",
        f"{line}: arrival.2: the source 'chats' stands here twice; leave one out",
    ]


def test_a_heldout_task_without_its_mixture_is_told_so(tmp_path: Path) -> None:
    text = changed("task: perplexity, data: pretrain", "task: perplexity")
    (told,) = faults(tmp_path, text)
    assert told.startswith(f"{line_of(text, 'heldout: {')}: evals.heldout")
    assert "pretrain" in told and "'None'" not in told


def test_models_made_from_each_other_are_told(tmp_path: Path) -> None:
    text = changed("    from: [base]\n", "    from: [small_sft]\n")
    assert faults(tmp_path, text) == [
        f"{line_of(text, 'from: [small_sft]')}: models.sft.from: the model 'sft' is made from itself; cut the cycle",
        f"{line_of(text, 'small_sft: {')}: models.small_sft.from: the model 'small_sft' is made from itself; cut the cycle",
    ]


def test_a_model_below_a_cycle_is_not_blamed_for_it(tmp_path: Path) -> None:
    text = changed("    from: [base]\n", "    from: [sft]\n")
    assert [told.split(": ")[1] for told in faults(tmp_path, text)] == ["models.sft.from"]


def test_a_key_that_is_missing_is_told(tmp_path: Path) -> None:
    text = changed("  vocab_size: 300\n", "")
    assert faults(tmp_path, text) == [f"{line_of(text, 'tokenizer:')}: tokenizer: the key 'vocab_size' is missing; add it"]
    text = changed("    format: books\n", "")
    assert faults(tmp_path, text) == [f"{line_of(text, '  books:')}: sources.books: the key 'format' is missing; add it"]


@pytest.mark.parametrize(
    ("old", "new", "key", "message"),
    [
        ("min_words: 20", "min_words: many", "sources.books.filters.0.min_words", "(found 'many')"),
        ("num_steps: 30", "num_steps: [30]", "models.base.num_steps", "(found [30])"),
        ("watch_seconds: 60", "watch_seconds: 1", "schedules.watch_seconds", "greater than or equal to 30 (found 1)"),
        ("name: small\n", "name: Small One\n", "name", "(found 'Small One')"),
    ],
)
def test_a_wrong_value_is_told_with_what_was_found(old: str, new: str, key: str, message: str, tmp_path: Path) -> None:
    text = changed(old, new)
    (told,) = faults(tmp_path, text)
    assert told.startswith(f"{line_of(text, new.strip())}: {key}: ") and message in told


def test_a_name_that_may_not_be_one_is_told(tmp_path: Path) -> None:
    text = changed("  chats: {", "  Chat-Logs: {").replace("data: [chats]", "data: [books]")
    (told,) = faults(tmp_path, text)
    assert told.startswith(f"{line_of(text, 'Chat-Logs')}: sources.Chat-Logs: ")


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    text = changed("min_words: 20", "min_wrods: 20").replace("num_steps: 30", "num_steps: few").replace("  vocab_size: 300\n", "")
    assert sorted(told.split(": ")[1] for told in faults(tmp_path, text)) == [
        "models.base.num_steps",
        "sources.books.filters.0.min_wrods",
        "tokenizer",
    ]


def test_a_key_written_twice_is_told_with_its_first_line(tmp_path: Path) -> None:
    text = changed("    max_chars: 4000\n", "    max_chars: 4000\n    format: web\n")
    assert faults(tmp_path, text) == [f"{line_of(text, 'format: web')}: the key 'format' stands here again (first on line 4); keep one"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("name: small\nsources: [books\nmodels: {}\n", 3),
        ("name: small\n\tsources: {}\n", 2),
        ("name: small\nsources: *books\n", 2),
        ("name: small\n---\nname: other\n", 2),
        ("name: !!python/object/apply:os.system [ls]\n", 1),
        ("name: small\x00\n", 1),
    ],
)
def test_text_that_is_not_plain_yaml_is_told_with_its_line(text: str, line: int, tmp_path: Path) -> None:
    assert faults(tmp_path, text)[0].startswith(f"{line}: not YAML: ")


def test_a_value_that_holds_itself_is_told(tmp_path: Path) -> None:
    assert faults(tmp_path, "name: &name [*name]\n")[0].startswith("1: ")


def test_a_fault_in_values_merged_from_an_anchor_is_told(tmp_path: Path) -> None:
    text = changed("    path: books\n", "    <<: {path: books, snapshoot: x}\n")
    (told,) = faults(tmp_path, text)
    assert "unknown key 'snapshoot'; did you mean 'snapshot'?" in told


@pytest.mark.parametrize("text", ["", "# only a comment\n", "- a\n- list\n", "a sentence\n", "null\n"])
def test_a_file_that_holds_no_mapping_is_told(text: str, tmp_path: Path) -> None:
    assert faults(tmp_path, text)[0].startswith("1: ")


def test_a_file_that_is_not_text_is_told(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_bytes(b"name: caf\xe9\n")
    with pytest.raises(RecipeError, match=re.escape(str(path))):
        load_recipe(path)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=rf"{tmp_path}/recipe\.yaml: no such recipe file"):
        load_recipe(tmp_path / "recipe.yaml")


def test_the_json_schema_knows_every_name_that_a_recipe_may_use() -> None:
    schema = json.loads(json.dumps(recipe_type().model_json_schema()))
    text = json.dumps(schema)
    for kind in FOLDERS:
        assert specs(kind), kind
        for name in specs(kind):
            assert f'"{name}"' in text, f"{kind}: {name}"
    assert schema["required"] == ["name"]
    assert schema["additionalProperties"] is False
    assert "How many new files make one partition." in text


def test_a_module_that_does_not_load_stops_only_what_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kernels.specs.families import collect

    folder = tmp_path / "family"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "good.py").write_text("class Spec:\n    name = 'good'\n\n\nSPEC = Spec()\n")
    (folder / "bad.py").write_text("import nothing_of_this_name\n")
    monkeypatch.syspath_prepend(tmp_path)
    found = collect(("family",))
    assert list(found.specs) == ["good"]
    assert found.broken == {"bad": "family.bad: ModuleNotFoundError: No module named 'nothing_of_this_name'"}
