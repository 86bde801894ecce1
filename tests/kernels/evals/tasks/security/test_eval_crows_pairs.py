from pathlib import Path

import pytest

from kernels.evals.datasets.items import Item
from kernels.evals.prompting.prompts import put
from kernels.evals.scorers.scorer import Scorer, each, measured
from kernels.evals.solvers.choice import Choice
from kernels.evals.tasks.security import crows_pairs

HEADER = ",sent_more,sent_less,stereo_antistereo,bias_type,annotations,anon_writer,anon_annotators\n"


def put_file(folder: Path, *rows: str) -> Path:
    path = folder / "crows_pairs_anonymized.csv"
    path.write_text(HEADER + "".join(f"{row},[],a0,[]\n" for row in rows), encoding="utf-8")
    return path


def test_two_whole_sentences_are_asked_behind_nothing(tmp_path: Path):
    put_file(tmp_path, '0,"Old men, they nap.","Young men, they nap.",stereo,age')
    (item,) = crows_pairs.read(tmp_path, "test")
    (template,) = crows_pairs.SPEC.config(seed=0).chosen_templates
    prompt = put(item, template, (), chat=False, has_room=lambda prompt: True)
    assert (prompt.text, template.delimiter) == ("", "")
    assert prompt.options == (("Old men, they nap.",), ("Young men, they nap.",))
    assert item.groups == ("age", "stereo")


def test_equal_likelihoods_are_no_preference():
    item = Item("f:1", {}, ("a", "b"), (0,))
    equal, more = (Choice(((-2.0, other),), ("a", "b"), "mean", ("t",)) for other in (-2.0, -5.0))
    prefers, difference = (
        measured(Scorer(metric="m", values=each(score)), [item, item], [equal, more])[0].value
        for score in (crows_pairs._prefers, crows_pairs._difference)  # pyright: ignore[reportPrivateUsage]
    )
    assert (prefers, difference) == (0.5, 1.5)


def test_masked_models_have_no_score():
    assert "bidirectional" not in crows_pairs.SPEC.attentions


@pytest.mark.parametrize("row", ["0,A nap.,A nap.,stereo,age", "0,A nap.,A run.,both,age", "0,,A run.,stereo,age"])
def test_a_damaged_pair_is_told_by_its_line(tmp_path: Path, row: str):
    with pytest.raises(ValueError, match=r"anonymized\.csv:3"):
        list(crows_pairs.read(put_file(tmp_path, "0,A nap.,A run.,stereo,age", row), "test"))


def test_all_official_pairs_are_read(shared_data: Path):
    items = list(crows_pairs.read(shared_data / "crows-pairs", "test"))
    assert len(items) == 1508
    assert sum("antistereo" in item.groups for item in items) == 218
