from pathlib import Path

import pytest

from kernels.evals.datasets.items import Item
from kernels.evals.prompting.prompts import put
from kernels.evals.tasks.security import winobias
from kernels.specs.sources import Reject

PRO = "1 [The baker] thanked the guard because [she] was glad of [her] help.\n2 The baker thanked [the guard] because [he] had helped.\n"
ANTI = "1 [The baker] thanked the guard because [he] was glad of [his] help.\n2 The baker thanked the [guard] because [she] had helped.\n"


def put_files(folder: Path, pro: str = PRO) -> Path:
    for kind in winobias.TYPES:
        (folder / f"pro_stereotyped_type{kind}.txt.dev").write_text(pro, encoding="utf-8")
        (folder / f"anti_stereotyped_type{kind}.txt.dev").write_text(ANTI, encoding="utf-8")
    return folder


def items(folder: Path) -> list[Item]:
    return [item for item in winobias.read(folder, "dev") if isinstance(item, Item)]


def test_the_first_pronoun_is_asked_for_and_both_occupations_are_options(tmp_path: Path):
    item = items(put_files(tmp_path))[0]
    prompt = put(item, winobias.SPEC.config(seed=0).chosen_templates[0], (), chat=False, has_room=lambda prompt: True)
    assert prompt.text == "The baker thanked the guard because she was glad of her help. \u2018She\u2019 refers to the"
    assert prompt.options == (("baker",), ("guard",))


def test_the_answer_is_what_stands_in_brackets_with_or_without_its_article(tmp_path: Path):
    assert [item.right for item in items(put_files(tmp_path))] == ["baker", "guard"] * 4


def test_a_sentence_and_its_opposite_are_about_one_thing(tmp_path: Path):
    read = items(put_files(tmp_path))
    assert read[0].about == read[2].about != read[4].about
    assert [winobias.is_pro(item) for item in read[:4]] == [True, True, False, False]


def test_a_sentence_whose_neighbour_has_the_same_answer_is_a_reject(tmp_path: Path):
    same = "1 The baker saw [the guard] and called [him].\n2 The guard saw [the guard] and called [him].\n"
    rejects = [each for each in winobias.read(put_files(tmp_path, same), "dev") if isinstance(each, Reject)]
    assert [each.key for each in rejects[:2]] == ["pro_stereotyped_type1.txt.dev:1", "pro_stereotyped_type1.txt.dev:2"]
    assert {each.reason for each in rejects} == {"no_other_occupation"}


@pytest.mark.parametrize("line", ["1 The baker saw [him].", "[The baker] saw [him].", "1 [The baker] saw the guard."])
def test_a_damaged_line_is_told(tmp_path: Path, line: str):
    with pytest.raises(ValueError, match=r"pro_stereotyped_type1\.txt\.dev:1.*in brackets"):
        items(put_files(tmp_path, line))


def test_a_file_of_one_side_is_refused_since_both_are_compared(tmp_path: Path):
    with pytest.raises(ValueError, match="not a folder"):
        items(put_files(tmp_path) / "pro_stereotyped_type1.txt.dev")


def test_all_official_sentences_but_four_are_read(shared_data: Path):
    for split, num_rejects in (("dev", 0), ("test", winobias.MAX_REJECTS)):
        found = list(winobias.read(shared_data / "winobias", split))
        assert len(found) == 1584
        assert sum(isinstance(each, Reject) for each in found) == num_rejects
