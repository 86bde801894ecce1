"""Duplicates across partitions: first come, first kept, however the documents are cut."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from kernels.curation.deduplication import first_matches, signature_index
from kernels.curation.deduplication.chains import DUPLICATES, clusters, deduplicate
from kernels.curation.deduplication.exact import exact_hashes
from kernels.curation.deduplication.loops import look_ups
from kernels.curation.deduplication.loops.minima import resemblance
from kernels.curation.deduplication.matching import DedupConfig, find_duplicates, write_index
from kernels.curation.deduplication.minhash import MAX_SHINGLES, MinHashConfig, Shingles, Signed, sign
from kernels.documents.schema import document_table
from kernels.specs.sources import Document

CONFIG = DedupConfig(minhash=MinHashConfig(seed=1), min_similarity=0.6)


def _documents(texts: list[str], first: int = 0) -> pa.Table:
    return document_table("s", "f", [Document(key=str(first + number), text=text) for number, text in enumerate(texts)])


def _variants(num_stems: int, num_documents: int, seed: int) -> list[str]:
    """Texts drawn from a few stems, each with some words changed, so that many are near each other by degrees."""
    random = np.random.default_rng(seed)
    stems = [[f"w{n}" for n in random.integers(0, 10**6, 80)] for _ in range(num_stems)]
    texts: list[str] = []
    for _ in range(num_documents):
        words = list(stems[random.integers(num_stems)])
        for place in random.choice(80, random.integers(0, 12), replace=False):
            words[place] = f"x{random.integers(10**6)}"
        texts.append(" ".join(words))
    return texts


def _find(folder: Path, texts: list[str], cuts: tuple[int, ...] = (), config: DedupConfig = CONFIG) -> list[dict[str, Any]]:
    """Return the duplicates of all partitions that the cuts make."""
    documents, found = _documents(texts), []
    folders: list[Path] = []
    for number, (start, end) in enumerate(zip((0, *cuts), (*cuts, len(texts)), strict=True)):
        own = folder / f"{len(list(folder.iterdir()))}-{number}"
        own.mkdir()
        write_index(documents.slice(start, end - start), config, own)
        duplicates = find_duplicates(own, folders, config)
        assert duplicates.schema == DUPLICATES
        found += duplicates.to_pylist()
        folders.append(own)
    return found


def _first_matches(texts: list[str]) -> dict[str, tuple[str, float]]:
    """The definition, pair by pair: each row's first earlier row that is equal, or shares a band and is similar enough."""
    signed = sign(pl.Series(texts), CONFIG.minhash)
    signature = signed.signature.reshape(len(texts), CONFIG.minhash.num_buckets, CONFIG.minhash.hashes_per_bucket)
    exact = exact_hashes(pl.Series(texts))
    sets = [signed.shingles.take(np.array([row])).values for row in range(len(texts))]
    found = {}
    for later in range(len(texts)):
        for early in range(later):
            equal = signature[later] == signature[early]
            similarity = resemblance(sets[early], sets[later], MAX_SHINGLES, 0.0)
            if exact[later] == exact[early] or (equal.all(axis=1).any() and similarity >= CONFIG.min_similarity):
                found[f"s/f#{later}"] = (f"s/f#{early}", similarity)
                break
    return found


def test_exact_and_near_duplicates_go_and_the_first_stays(tmp_path: Path) -> None:
    long = " ".join(f"w{n}" for n in range(100))
    duplicates = _find(tmp_path, [long, "other text", long.upper() + "!", long.replace("w50", "changed"), "Other text."])
    assert [(row["id"], row["kept_id"], row["kind"]) for row in duplicates] == [
        ("s/f#2", "s/f#0", "exact"),
        ("s/f#3", "s/f#0", "minhash"),
        ("s/f#4", "s/f#1", "exact"),
    ]
    assert duplicates[0]["similarity"] == duplicates[2]["similarity"] == 1
    assert duplicates[1]["similarity"] == 91 / 101, "a word of a hundred spoils five of 96 shingles on each side"


@pytest.mark.parametrize("seed", range(4))
def test_what_goes_for_whom_does_not_depend_on_where_partitions_are_cut(seed: int, tmp_path: Path) -> None:
    texts = _variants(12, 150, seed)
    whole = _find(tmp_path, texts)
    assert 12 <= len(texts) - len(whole) < 150
    random = np.random.default_rng(seed)
    for num_cuts in (1, 3, 10):
        cuts = sorted(random.choice(np.arange(1, 150), num_cuts, replace=False).tolist())
        assert _find(tmp_path, texts, tuple(cuts)) == whole


@pytest.mark.parametrize("cuts", [(), (50,), (20, 40, 100)])
def test_matches_are_those_of_comparing_all_pairs(cuts: tuple[int, ...], tmp_path: Path) -> None:
    texts = _variants(6, 120, 9)
    found = _find(tmp_path, texts, cuts)
    assert {row["id"]: (row["first_id"], row["similarity"]) for row in found} == _first_matches(texts)


@pytest.mark.parametrize("cuts", [(), (15, 30, 45)])
def test_kept_id_follows_the_chain_to_a_document_that_was_kept(cuts: tuple[int, ...], tmp_path: Path) -> None:
    found = _find(tmp_path, _variants(3, 60, 5), cuts)
    first = {row["id"]: row["first_id"] for row in found}
    assert any(match in first for match in first.values())
    for row in found:
        root = first[row["id"]]
        while root in first:
            root = first[root]
        assert row["kept_id"] == root


def test_only_the_first_candidates_of_a_band_are_compared(tmp_path: Path) -> None:
    # Every text shares half of its words with the template, in one run: some band is equal, the similarity is too low.
    template = " ".join(f"t{n}" for n in range(60))
    texts = [template + " " + " ".join(f"u{number}x{n}" for n in range(45)) for number in range(30)]
    texts.append(texts[-1] + " end")
    config = CONFIG.model_copy(update={"min_similarity": 0.8})
    assert [row["first_id"] for row in _find(tmp_path, texts, config=config)] == ["s/f#29"]
    assert _find(tmp_path, [texts[0], *texts[:29], texts[-1]], config=config.model_copy(update={"max_candidates": 1}))[0]["first_id"] == "s/f#0"


def test_a_mass_of_one_template_is_compared_in_linear_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    count, width = 3000, CONFIG.minhash.hashes_per_bucket
    signature = np.arange(count * CONFIG.minhash.num_hashes, dtype=np.uint32).reshape(count, -1)
    signature[:, :width] = 7  # one band in common, nothing else
    shingles = Shingles(np.arange(count, dtype=np.uint32), np.arange(count + 1))
    monkeypatch.setattr(signature_index, "sign", lambda texts, config: Signed(np.arange(count, dtype=np.uint64), signature, shingles))
    num_compared: list[int] = []

    def counted(keys: Any, owners: Any, wanted: Any, index: Any, bar: Any, budgets: Any, lowest: Any) -> None:
        before = int(budgets.sum())
        look_ups.lower_matches(keys, owners, wanted, index, bar, budgets, lowest)
        num_compared.append(before - int(budgets.sum()))

    monkeypatch.setattr(first_matches, "lower_matches", counted)
    write_index(_documents(["a"] * count), CONFIG, tmp_path)
    assert find_duplicates(tmp_path, [], CONFIG.model_copy(update={"max_candidates": 10})).num_rows == 0
    assert 9 * count < sum(num_compared) <= 10 * count


CHINESE = (
    "她的儿子在学堂里教书，冬天的大风常常把浪花吹到窗户上，秋天满载而归，后来政府在旁边修了一所学校，教他们读书写字，也教他们看海图，"
    "听老人讲海上的故事，春天渔船从这里出海，港口的灯塔建于一八五零年，用布匹换取咸鱼，白天可以看到红白相间的条纹。"
)
THAI = "ประภาคารริมท่าเรือสร้างขึ้นเมื่อร้อยปีก่อน ทาสีแดงสลับขาวเห็นได้แต่ไกลในเวลากลางวัน ส่วนกลางคืนไฟจะกะพริบทุกสิบวินาที ผู้ดูแลจดทิศทางลมและระดับน้ำทุกเช้าแล้วเติมน้ำมันให้เต็ม"
SPACELESS = {
    "Chinese": (CHINESE, "常常", "总是"),
    "Chinese with Latin words": (CHINESE.replace("学校", " School ").replace("灯塔", "Tower"), "常常", "总是"),
    "Japanese": (
        ("港の灯台は百年前に建てられ、赤と白の縞模様は昼間でも遠くからよく見える。夜になると十秒ごとに光が点滅し、船長たちは家が近いことを知る。"),
        "赤と白",
        "青と白",
    ),
    "Thai": (THAI, "ร้อย", "พัน"),
    "Lao": (("ປະພາຄານຢູ່ແຄມທ່າເຮືອຖືກສ້າງຂຶ້ນເມື່ອຮ້ອຍປີກ່ອນທາສີແດງສະຫຼັບຂາວເຫັນໄດ້ແຕ່ໄກໃນເວລາກາງເວັນແລະໄຟຈະກະພິບທຸກສິບວິນາທີໃນຕອນກາງຄືນ"), "ຮ້ອຍ", "ພັນ"),
    "Khmer": (("ប៉មភ្លើងនៅមាត់កំពង់ផែត្រូវបានសាងសង់កាលពីមួយរយឆ្នាំមុនលាបពណ៌ក្រហមឆ្លាស់សមើលឃើញពីចម្ងាយនៅពេលថ្ងៃហើយភ្លើងភ្លឹបភ្លែតៗរៀងរាល់ដប់វិនាទីនៅពេលយប់"), "មួយរយ", "មួយពាន់"),
    "Myanmar": (("ဆိပ်ကမ်းအနီးရှိမီးပြတိုက်ကိုလွန်ခဲ့သောနှစ်တစ်ရာကတည်ဆောက်ခဲ့ပြီးအနီနှင့်အဖြူရောင်ဆေးသုတ်ထားသည်နေ့ဘက်တွင်အဝေးမှမြင်နိုင်ပြီးညဘက်တွင်ဆယ်စက္ကန့်တိုင်းမီးလင်းသည်"), "တစ်ရာ", "တစ်ထောင်"),
    "Tibetan": (
        ("གྲུ་ཁའི་འགྲམ་གྱི་གློག་མཁར་དེ་ལོ་བརྒྱའི་སྔོན་ལ་བཞེངས་པ་རེད། ཉིན་མོར་དམར་པོ་དང་དཀར་པོའི་རི་མོ་རྒྱང་རིང་ནས་མཐོང་ཐུབ། མཚན་མོར་སྐར་ཆ་བཅུ་རེའི་ནང་འོད་འཕྲོ་བཞིན་ཡོད།"),
        "བརྒྱའི",
        "སྟོང་གི",
    ),
}


@pytest.mark.parametrize("script", SPACELESS)
def test_a_word_changed_in_a_script_without_spaces_leaves_a_near_duplicate(script: str, tmp_path: Path) -> None:
    text, old, new = SPACELESS[script]
    assert old in text
    shop = DedupConfig(minhash=MinHashConfig(seed=1), min_similarity=0.8)
    (found,) = _find(tmp_path, [text, text[len(text) // 2 :] + text[: len(text) // 4], text.replace(old, new)], config=shop)
    assert (found["id"], found["kept_id"], found["kind"]) == ("s/f#2", "s/f#0", "minhash")
    assert 0.8 < found["similarity"] < 1


def test_short_texts_that_differ_in_a_sign_are_both_kept(tmp_path: Path) -> None:
    texts = ["a + b", "a * b", "3 < 5", "3 > 5", "def f(a, b): return a + b", "def f(a, b): return a - b", "def f(a, b): return a / b", "A + B."]
    assert [(row["id"], row["kept_id"], row["kind"]) for row in _find(tmp_path, texts)] == [("s/f#7", "s/f#0", "exact")]


def test_pairs_at_the_similarity_that_is_asked_are_found_and_pairs_below_it_are_not(tmp_path: Path) -> None:
    texts, expected = [], set()
    for number in range(400):  # 96 shingles; each changed word far from the others spoils five of both sides
        words = [f"w{number}x{place}" for place in range(100)]
        changed = 2 if number % 2 else 3
        texts += [" ".join(words), " ".join("other" if place in range(10, 10 + 30 * changed, 30) else word for place, word in enumerate(words))]
        if changed == 2:
            expected.add(f"s/f#{2 * number + 1}")
    config = DedupConfig(minhash=MinHashConfig(seed=1), min_similarity=86 / 106)  # 81 / 111 = .73 is below
    found = {row["id"] for row in _find(tmp_path, texts, config=config)}
    assert found <= expected
    assert len(found) >= 0.985 * len(expected)


def test_bands_follow_the_similarity_unless_the_recipe_shapes_them() -> None:
    def shape(minhash: dict[str, int], min_similarity: float) -> tuple[int, int]:
        config = DedupConfig.model_validate({"minhash": minhash, "min_similarity": min_similarity})
        return config.minhash.num_buckets, config.minhash.hashes_per_bucket

    assert [shape({"seed": 1}, similarity) for similarity in (0.6, 0.8, 0.9)] == [(42, 3), (21, 6), (14, 9)]
    assert shape({"seed": 1, "num_buckets": 14, "hashes_per_bucket": 8}, 0.6) == (14, 8)


def test_empty_partitions_are_fine(tmp_path: Path) -> None:
    for name, texts in [("empty", []), ("one", ["a"])]:
        (tmp_path / name).mkdir()
        write_index(_documents(texts), CONFIG, tmp_path / name)
    assert find_duplicates(tmp_path / "empty", [], CONFIG).num_rows == 0
    assert find_duplicates(tmp_path / "empty", [tmp_path / "one"], CONFIG).num_rows == 0
    assert find_duplicates(tmp_path / "one", [tmp_path / "empty"], CONFIG).num_rows == 0


def test_duplicates_are_taken_out(tmp_path: Path) -> None:
    texts = ["one two", "three four", "One, two!", "five", "one two."]
    documents = _documents(texts)
    write_index(documents, CONFIG, tmp_path)
    duplicates = find_duplicates(tmp_path, [], CONFIG)
    assert deduplicate(documents, duplicates)["id"].to_pylist() == ["s/f#0", "s/f#1", "s/f#3"]
    assert deduplicate(documents, DUPLICATES.empty_table()).equals(documents)


def test_clusters_count_what_went_for_whom_the_largest_first() -> None:
    rows = [("b", "a", "a", "minhash", 0.9), ("c", "a", "b", "minhash", 0.8), ("d", "a", "a", "exact", 1.0), ("f", "e", "e", "semantic", 0.7)]
    table = pa.Table.from_pylist([dict(zip(DUPLICATES.names, row, strict=True)) for row in rows], schema=DUPLICATES)
    assert clusters(pl.DataFrame(pl.from_arrow(table)).lazy()).rows() == [("a", 4, 1, 2, 0, 0.8), ("e", 2, 0, 0, 1, 0.7)]
    assert clusters(pl.DataFrame(pl.from_arrow(DUPLICATES.empty_table())).lazy()).rows() == []


def test_an_index_of_another_config_is_refused(tmp_path: Path) -> None:
    other = DedupConfig(minhash=MinHashConfig(num_buckets=2, seed=1), min_similarity=0.6)
    for name, config in [("own", CONFIG), ("other", other)]:
        (tmp_path / name).mkdir()
        write_index(_documents(["a"]), config, tmp_path / name)
    with pytest.raises(ValueError, match="made with another config"):
        find_duplicates(tmp_path / "own", [tmp_path / "other"], CONFIG)


def test_speeches_given_twice_are_found_in_real_text(shared_data: Path, tmp_path: Path) -> None:
    text = (shared_data / "tinyshakespeare" / "input.txt").read_text("utf-8")
    scenes = [text[start : start + 3000] for start in range(0, 90_000, 3000)]
    edited = [scene.replace("shall", "will").replace("\n", "\r\n") for scene in scenes[:10]]
    found = _find(tmp_path, scenes + edited, (30,))
    assert {row["id"]: row["kept_id"] for row in found} == {f"s/f#{30 + number}": f"s/f#{number}" for number in range(10)}
