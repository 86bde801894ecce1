"""What a change makes stale, and nothing else, run through Dagster as a user would."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

MIXTURE = "tokens/mixture_pretrain"
CARD = "tokens/card_pretrain"
STAGES = ("corpus/documents", "corpus/filtered", "corpus/signatures", "corpus/deduplicated", "corpus/decontaminated", "tokens/shards")


def chain(partition: str) -> list[str]:
    return [f"{stage}[{partition}]" for stage in STAGES]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, make_shop: Callable[[Path], Any]) -> Any:
    """A small recipe brought up to its mixture and report; tests change copies of it."""
    shop = make_shop(tmp_path_factory.mktemp("finished") / "shop")
    result = shop.up(MIXTURE, "corpus/report", CARD)
    assert not result.failed
    return shop


@pytest.fixture
def shop(finished: Any, tmp_path: Path) -> Any:
    shutil.copytree(finished.folder, tmp_path / "shop", copy_function=shutil.copy2)
    return type(finished)(tmp_path / "shop")


def test_what_was_made_is_fresh_and_only_the_model_is_missing(shop: Any) -> None:
    assert list(shop.waiting()) == ["models/base"]


def test_bringing_up_again_runs_nothing(shop: Any) -> None:
    result = shop.up(MIXTURE)
    assert (result.made, result.num_runs) == ([], 0)


def test_a_new_file_makes_its_own_chain_and_what_hangs_on_it(shop: Any, prose: Callable[[int], str]) -> None:
    before = shop.made_at()
    (shop.folder / "books" / "book-9.txt").write_text(prose(9))
    assert set(shop.waiting()) == {*chain("books.base.003"), "corpus/report", MIXTURE, CARD, "models/base"}
    made = {str(cell) for cell in shop.up(MIXTURE, "corpus/report").made}
    assert made == {*chain("books.base.003"), "corpus/report", MIXTURE}
    assert {name: when for name, when in shop.made_at().items() if name in before and name not in made} == {
        name: when for name, when in before.items() if name not in made
    }


def test_a_source_may_be_one_file(shop: Any, prose: Callable[[int], str]) -> None:
    rows = [json.dumps({"text": prose(number)}) for number in range(3)]
    (shop.folder / "rows.jsonl").write_text("\n".join(rows))
    recipe = shop.recipe_file.read_text()
    source = "  rows: {format: jsonl, path: rows.jsonl, text_field: text, max_bytes: 100000}\n"
    shop.recipe_file.write_text(recipe.replace("sources:\n", f"sources:\n{source}", 1))
    result = shop.up("corpus/report")
    assert not result.failed and {"corpus/deduplicated[rows.base.000]", "corpus/report"} <= {str(cell) for cell in result.made}


def test_touching_a_file_is_no_change(shop: Any) -> None:
    (shop.folder / "books" / "book-0.txt").touch()
    assert list(shop.waiting()) == ["models/base"]


def test_white_space_that_extraction_removes_stops_the_wave_at_the_documents(shop: Any) -> None:
    path = shop.folder / "books" / "book-0.txt"
    path.write_text(path.read_text().rstrip("\n") + "   \r\n\r\n")
    before = shop.contents()
    assert "parent sources/books[books.base.000] changed" in shop.waiting("stale")["corpus/documents[books.base.000]"]
    assert [str(cell) for cell in shop.up(MIXTURE, "corpus/report").made] == ["corpus/documents[books.base.000]"]
    assert shop.contents() == before


def test_a_threshold_makes_stale_exactly_the_cells_after_it_and_says_which(shop: Any) -> None:
    shop.change_recipe("min_words: 20", "min_words: 21")
    waiting = shop.waiting()
    books = [f"books.base.00{number}" for number in range(3)]
    after = {f"{stage}[{partition}]" for stage in STAGES[1:] for partition in books}
    later_chats = {f"{stage}[chats.base.00{number}]" for stage in STAGES[3:] for number in range(2)}
    assert set(waiting) == {*after, *later_chats, "corpus/report", "tokens/tokenizer", MIXTURE, CARD, "models/base"}
    assert waiting["corpus/filtered[books.base.000]"] == "config changed: filter gopher_quality: min_words 20 -> 21"
    made = {str(cell) for cell in shop.up(MIXTURE, "corpus/report").made}
    assert made == {f"corpus/filtered[{partition}]" for partition in books}  # nothing falls under the new threshold: the wave stops


def test_a_secret_key_makes_tokens_and_another_key_makes_them_anew(shop: Any, prose: Callable[[int], str]) -> None:
    (shop.folder / "books" / "book-0.txt").write_text(prose(0) + "Write to ann@example.com at once.\n")
    (shop.folder / "key").write_text("0123456789abcdef0123456789abcdef")
    shop.change_recipe("kinds: [email]}", "kinds: [email], treatment: token, key: pii}")
    shop.change_recipe("deduplication:", "keys: {pii: key}\ndeduplication:")
    filtered = shop.cell("corpus/filtered", "books.base.000")

    def token() -> str:
        shop.up("corpus/filtered")
        return re.findall(r"<EMAIL:[0-9a-f]+>", shop.lake.table(filtered, "documents")["text"][0].as_py())[0]

    first = token()
    (shop.folder / "key").write_text("another key, of thirty-two bytes")
    stale = shop.waiting("stale")
    assert set(stale) == {f"corpus/filtered[books.base.00{number}]" for number in range(3)}
    assert "inputs/pii changed" in stale["corpus/filtered[books.base.000]"].replace("key_", "")
    assert token() != first
    assert "0123456789abcdef" not in shop.lake.require(filtered).model_dump_json()


def test_a_mixture_has_a_data_card_that_follows_thresholds_though_no_document_changes(shop: Any) -> None:
    def card_text() -> str:
        return (shop.lake.folder(shop.cell(CARD)) / "card.md").read_text().replace("\\", "")  # what Markdown would take as marks is escaped

    card = card_text()
    assert "gopher_quality (min_words 20" in card and "personal_data (kinds ['email'], treatment mask)" in card
    assert "| books | books | 3 |" in card and "decontaminated (ngram 13, drop)" in card
    assert "Languages were not identified in books" in card
    assert str(shop.folder) not in card
    assert "| books | not stated | not stated | books | base | 3 |" in card and "The recipe states no licence of books" in card
    assert "None of the recipe's evaluations was found." in card
    shop.change_recipe("    path: books\n", "    path: books\n    about: Invented prose\n    licence: CC0-1.0\n")
    assert [str(cell) for cell in shop.up(CARD).made] == [CARD]
    assert "| books | Invented prose | CC0-1.0 | books | base | 3 |" in card_text()
    assert "Nothing is cut off" in card and "(max_epochs 50), and the training is refused" in card
    shop.change_recipe(
        "    max_epochs: 50.0\n", "    max_epochs: {books: 40}\n    stages: [{from: 0.25, weights: {books: 1.0}}]\n    max_tokens: {books: 700}\n"
    )
    assert [str(cell) for cell in shop.up(CARD).made] == [MIXTURE, CARD]
    assert "| 0.25 | 1 |" in card_text() and "(max_epochs 40)" in card_text() and "Bounds: max_tokens of books 700. Cut off by them" in card_text()
    assert "It may read 440 rows, 28160 tokens" in card_text() and "books (11 rows, 99.4% used)" in card_text()  # 700 tokens in rows of 64, 40 times
    shop.change_recipe("min_words: 20", "min_words: 21")
    assert {str(cell) for cell in shop.up(CARD).made} >= {CARD}
    assert "gopher_quality (min_words 21" in card_text()


def test_the_event_log_tells_the_same_story(shop: Any) -> None:
    import dagster as dg

    from pipelines.daemon.instance import open_instance

    with open_instance(shop.home) as instance:
        key = dg.AssetKey(["small", "corpus", "filtered"])
        tags = instance.event_log_storage.get_latest_tags_by_partition(
            key, dg.DagsterEventType.ASSET_MATERIALIZATION, tag_keys=["dagster/data_version"]
        )
        told = {f"corpus/filtered[{partition}]": values["dagster/data_version"] for partition, values in tags.items()}
        assert told == {name: content for name, content in shop.contents().items() if name.startswith("corpus/filtered[")}
        checks = instance.event_log_storage.get_latest_asset_check_execution_by_key(
            [dg.AssetCheckKey(key, name) for name in ("ids_are_unique", "text_is_not_empty", "schema_is_as_declared")]
        )
        assert {str(record.status.value) for record in checks.values()} == {"SUCCEEDED"} and len(checks) == 3


def plant(shop: Any, partition: str, rows: list[dict[str, Any]], columns: list[str]) -> None:
    """Replace a partition's documents with bad ones, as a broken reader would leave them."""
    import pyarrow as pa

    from kernels.documents.schema import REJECTS
    from resources.storage.publishing import MadeFrom, draft, publish
    from resources.storage.tables import write_table

    lake = shop.lake
    cell = shop.cell("corpus/documents", partition)
    was = lake.require(cell)
    with draft(lake, cell) as begun:
        write_table(begun.folder / "documents.parquet", pa.Table.from_pylist(rows).select(columns))
        write_table(begun.folder / "rejects.parquet", REJECTS.empty_table())
        begun.metadata |= was.metadata
        publish(lake, begun, MadeFrom(code_version=was.code_version, config=was.config, parents=was.parents))


def test_a_bad_shard_stops_itself_names_its_rows_and_leaves_the_rest_alone(shop: Any, prose: Callable[[int], str]) -> None:
    (shop.folder / "books" / "book-8.txt").write_text(prose(8))
    (shop.folder / "books" / "book-9.txt").write_text(prose(9))
    shop.up("corpus/documents")
    good = shop.lake.table(shop.cell("corpus/documents", "books.base.003"), "documents").to_pylist()[0]
    columns = list(good)
    plant(
        shop,
        "books.base.003",
        [good, {**good, "text": "   "}, {**good, "id": "books/x#1", "text": "cafÃ© naÃ¯ve"}, {**good, "id": "books/x#2"}],
        columns,
    )
    result = shop.up(MIXTURE)
    blocked = {str(left.cell): left.reason for left in result.left if left.state == "blocked"}
    assert set(blocked) == {"corpus/documents[books.base.003]"}
    assert "ids_are_unique: 2 of 4 rows fail: row 0" in blocked["corpus/documents[books.base.003]"]
    verdicts = shop.lake.verdicts(shop.cell("corpus/documents", "books.base.003"))
    assert verdicts["text_is_not_empty"].description.startswith("1 of 4 rows fail: row 1")
    assert verdicts["text_is_not_mojibake"].description.startswith("1 of 4 rows fail (at most 5% may): row 2")
    made = {str(cell) for cell in result.made}
    assert {f"{stage}[books.base.004]" for stage in STAGES[1:]} | {MIXTURE} <= made
    assert not any("books.base.003" in name for name in made)
    assert shop.lake.require(shop.cell(MIXTURE)).metadata["left_out_partitions"] == "books.base.003"


def test_a_shard_of_another_schema_is_stopped_with_the_columns_named(shop: Any) -> None:
    plant(shop, "books.base.002", [{"id": "a", "body": "text"}], ["id", "body"])
    result = shop.up(MIXTURE)
    (reason,) = [left.reason for left in result.left if left.state == "blocked"]
    assert "not judged" in reason or "text is missing" in reason
    description = shop.lake.verdicts(shop.cell("corpus/documents", "books.base.002"))["schema_is_as_declared"].description
    assert "text is missing" in description and "body is unknown" in description


def test_a_source_file_of_broken_records_stops_its_partition_with_lines_named(shop: Any) -> None:
    (shop.folder / "chats" / "log-9.jsonl").write_text('{"messages": []}\n{"text": "no turns"}\nnot json\n')
    result = shop.up("tokens/shards")
    blocked = {str(left.cell): left.reason for left in result.left if left.state == "blocked"}
    assert set(blocked) == {"corpus/documents[chats.base.002]"}
    assert "log-9.jsonl line 2: schema" in blocked["corpus/documents[chats.base.002]"]


def test_no_partition_is_lost_when_a_file_goes(shop: Any) -> None:
    (shop.folder / "books" / "book-1.txt").unlink()
    made = {str(cell) for cell in shop.up(MIXTURE).made}
    assert MIXTURE in made and not any("books.base.000" in name for name in made)
    assert "books.base.001" not in {cell.partition for cell in [p.cell for p in shop.plan().cells]}


def test_a_classifier_is_trained_on_the_sources_and_judges_them(shop: Any, prose: Callable[[int], str]) -> None:
    lines = [json.dumps({"text": f"BUY cheap pills {number} !!! click click {number * 7} offer"}) for number in range(80)]
    (shop.folder / "spam").mkdir()
    (shop.folder / "spam" / "a.jsonl").write_text("\n".join([*lines, *(json.dumps({"text": prose(number)[:400]}) for number in range(24))]))
    (shop.folder / "good").mkdir()
    (shop.folder / "good" / "a.jsonl").write_text("\n".join(json.dumps({"text": prose(number)[:400]}) for number in range(100, 180)))
    entry = "{format: jsonl, text_field: text, max_bytes: 10000"
    shop.change_recipe(
        "sources:\n",
        f"sources:\n  good: {entry}, path: good}}\n  spam:\n    {entry}, path: spam, filters: "
        "[{kind: quality_classifier, classifier: clean, min_score: 0.5}]}\n",
    )
    classifier = (
        "classifiers:\n  clean: {positive: [good], negative: [spam], partitions_per_source: 1, max_documents: 1000, "
        "min_auc: 0.7, seed: 1, max_chars: 300, epochs: 3, learning_rate: 0.3, bits: 12}\n"
    )
    shop.change_recipe("deduplication:", classifier + "deduplication:")
    made = [str(cell) for cell in shop.up("corpus/filtered").made]
    assert "classifiers/clean" in made
    partition = "spam.base.000"
    dropped = shop.lake.table(shop.cell("corpus/filtered", partition), "dropped").to_pylist()
    assert {row["reason"] for row in dropped} == {"low_quality"} and len(dropped) >= 70
    assert shop.lake.require(shop.cell("classifiers/clean")).metadata["auc"] > 0.7
    (shop.folder / "spam" / "b.jsonl").write_text("\n".join(lines[:20]))
    made = {str(cell) for cell in shop.up("corpus/filtered").made}
    assert made == {"corpus/documents[spam.base.001]", "corpus/filtered[spam.base.001]"}
    shop.change_recipe("min_auc: 0.7", "min_auc: 0.999999")
    shop.up("corpus/filtered")
    assert shop.waiting("blocked")["classifiers/clean"].startswith("separates: AUC 0.")
    assert f"corpus/filtered[{partition}]" in shop.waiting("held")


# --- evals ---

QUESTION = "Which river has the fastest current of all those that reach the northern sea in spring?"
QUIZ = json.dumps({"question": QUESTION, "answer": "A. x", "options": "A. x\nB. y"}) + "\n"


def with_evals(shop: Any, text: str) -> None:
    """Give the recipe some evals and no models."""
    recipe = shop.recipe_file.read_text()
    start = recipe.index("models:" if "models:" in recipe else "evals:")
    shop.recipe_file.write_text(recipe[:start] + text)


def test_one_more_eval_looks_for_its_own_texts_and_the_wave_stops_where_no_document_goes(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import kernels.curation.contamination as contamination

    (shop.folder / "quiz.jsonl").write_text(QUIZ)
    (shop.folder / "more.jsonl").write_text(QUIZ.replace("river", "mountain"))
    quiz = "  quiz: {task: piqa, data: quiz.jsonl, num_items: 5, seed: 1}\n"
    with_evals(shop, "evals:\n" + quiz)
    shop.up()
    asked: list[int] = []
    index = contamination.index_evals

    def counting(texts: Any, n: int = 13) -> Any:
        asked.append(len({text.item for text in texts}))
        return index(texts, n)

    monkeypatch.setattr(contamination, "index_evals", counting)
    with_evals(shop, "evals:\n  more: {task: piqa, data: more.jsonl, num_items: 5, seed: 1}\n" + quiz)
    made = [str(cell) for cell in shop.up().made]
    assert {name.split("[")[0] for name in made} == {"corpus/eval_texts", "corpus/decontaminated", "corpus/report", "tokens/card_pretrain"}
    assert made[0] == "corpus/eval_texts[more]" and set(asked) == {1}, "the other eval's item is not looked for again"


def test_an_eval_under_another_name_or_in_another_place_is_nothing_new(shop: Any) -> None:
    (shop.folder / "quiz.jsonl").write_text(QUIZ)
    (shop.folder / "same.jsonl").write_text(QUIZ)
    with_evals(shop, "evals:\n  quiz: {task: piqa, data: quiz.jsonl, num_items: 5, seed: 1}\n")
    shop.up()
    with_evals(shop, "evals:\n  renamed: {task: piqa, data: same.jsonl, num_items: 9, seed: 2}\n")
    assert [str(cell) for cell in shop.up().made] == ["corpus/eval_texts[renamed]"]


def test_an_eval_whose_text_is_in_the_corpus_takes_the_document_out_and_goes_all_the_way(shop: Any) -> None:
    book = (shop.folder / "books" / "book-1.txt").read_text()
    passage = " ".join(book.split()[20:50]).replace('"', "")
    (shop.folder / "quiz.jsonl").write_text(QUIZ.replace("Which river", f"{passage} Which river"))
    with_evals(shop, "")
    shop.up()
    shop.recipe_file.write_text(shop.recipe_file.read_text() + "evals:\n  quiz: {task: piqa, data: quiz.jsonl, num_items: 5, seed: 1}\n")
    made = {str(cell) for cell in shop.up().made}
    assert {"tokens/shards[books.base.001]", MIXTURE} <= made
    assert "tokens/shards[books.base.000]" not in made
    assert shop.lake.table(shop.cell("corpus/decontaminated", "books.base.001"), "contaminated").num_rows > 0


def test_planning_writes_nothing(shop: Any) -> None:
    def files() -> dict[str, float]:
        return {str(path): path.stat().st_mtime for path in shop.home.root.rglob("*") if path.is_file() and path.suffix != ".lock"}

    shop.up("corpus/filtered")
    (shop.folder / "books" / "book-0.txt").unlink()
    (shop.folder / "books" / "new.txt").write_text("new")
    before = files()
    process = shop.start("plan", "--details")
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0 and "books.base.003" in said and "1 new: new.txt; 1 gone: book-0.txt" in said, said
    assert files() == before


def test_a_new_file_is_made_and_judged_by_one_run_that_logs_each_cell_once(shop: Any, prose: Callable[[int], str]) -> None:
    import dagster as dg

    from pipelines.daemon.instance import open_instance

    (shop.folder / "books" / "book-3.txt").write_text(prose(3))
    result = shop.up("tokens/shards")
    assert result.num_runs == 1
    assert {str(cell) for cell in result.made} == {f"{stage}[books.base.003]" for stage in STAGES}
    with open_instance(shop.home) as instance:
        run = instance.get_runs(limit=1)[0]
        events = [entry.dagster_event for entry in instance.all_logs(run.run_id) if entry.dagster_event]
    made = [event for event in events if event.event_type == dg.DagsterEventType.ASSET_MATERIALIZATION]
    assert [event.partition for event in made] == ["books.base.003"] * len(STAGES), "no event tells of an asset as a whole"
    judged = [event.asset_check_evaluation_data for event in events if event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION]
    assert {"text_is_not_empty", "not_everything_is_dropped"} <= {found.check_name for found in judged}
    assert all(found.passed for found in judged)


def test_a_partition_that_is_stopped_does_not_stop_the_others_though_all_were_to_be_made_in_one_run(shop: Any, prose: Callable[[int], str]) -> None:
    (shop.folder / "books" / "book-3.txt").write_text("Ã¼ber Ã¼ber Ã¼ber mojibake â€œ all along. " * 40)
    (shop.folder / "books" / "book-4.txt").write_text(prose(4))
    result = shop.up("corpus/decontaminated")
    assert "corpus/decontaminated[books.base.004]" in map(str, result.made)
    assert [str(cell) for cell in result.made if "base.003" in str(cell)] == ["corpus/documents[books.base.003]"]
    assert {left.state for left in result.left} == {"blocked", "held"}
