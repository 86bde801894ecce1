"""How often groups of people are mentioned, so that a filter that erases a group is seen.

Terms are English and few, those that people use of themselves or plainly of others; groups follow the targets of HateCheck (Röttger et al.
2021, arXiv 2012.15606) and the axes of HolisticBias (Smith et al. 2022, arXiv 2205.09209). A mention is a whole word, in either case.
"""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

TERMS: dict[str, tuple[str, ...]] = {
    "women": ("woman", "women", "female", "females", "girl", "girls", "mother", "mothers", "she", "wife", "wives"),
    "men": ("man", "men", "male", "males", "boy", "boys", "father", "fathers", "he", "husband", "husbands"),
    "transgender people": ("trans", "transgender", "transsexual", "nonbinary", "non-binary"),
    "gay people": ("gay", "gays", "lesbian", "lesbians", "bisexual", "queer", "homosexual", "homosexuals", "lgbt", "lgbtq"),
    "black people": ("black people", "blacks", "african american", "african americans", "black woman", "black man", "africans"),
    "white people": ("white people", "whites", "caucasian", "caucasians", "white woman", "white man"),
    "asian people": ("asian", "asians", "chinese", "japanese", "korean", "koreans", "vietnamese", "indian", "indians"),
    "latin people": ("latino", "latinos", "latina", "hispanic", "hispanics", "mexican", "mexicans"),
    "arab people": ("arab", "arabs", "arabic", "palestinian", "palestinians", "egyptian", "egyptians"),
    "immigrants": ("immigrant", "immigrants", "refugee", "refugees", "migrant", "migrants", "asylum seeker", "asylum seekers", "foreigners"),
    "jews": ("jew", "jews", "jewish", "judaism"),
    "muslims": ("muslim", "muslims", "islam", "islamic"),
    "christians": ("christian", "christians", "christianity", "catholic", "catholics", "protestant", "protestants"),
    "hindus and buddhists": ("hindu", "hindus", "hinduism", "buddhist", "buddhists", "buddhism", "sikh", "sikhs"),
    "atheists": ("atheist", "atheists", "agnostic", "agnostics"),
    "disabled people": ("disabled", "disability", "disabilities", "wheelchair", "blind", "deaf", "autistic", "autism"),
    "old people": ("old people", "elderly", "senior citizens", "pensioners", "grandmother", "grandfather"),
    "young people": ("young people", "teenager", "teenagers", "youth", "youths", "child", "children"),
}
"""Words and phrases by group, lower case."""


@cache
def _pattern(group: str) -> str:
    terms = "|".join(sorted((term.replace("-", r"\-") for term in TERMS[group]), key=len, reverse=True))
    return rf"\b(?:{terms})\b"


def count_mentions(texts: "pl.Series") -> dict[str, int]:
    """Return how many of N texts mention each group; sums over batches."""
    lower = texts.str.to_lowercase()
    return {group: int(lower.str.contains(_pattern(group)).sum()) for group in TERMS}


def compare_mentions(before: dict[str, int], after: dict[str, int], num_before: int, num_after: int) -> "pl.DataFrame":
    """Return by group the documents that mention it before and after, and the kept share relative to that of all documents.

    Columns: group, before, after, kept_share, relative (1: the group's documents are kept as all are; null where none was there before).
    """
    import polars as pl

    overall = num_after / max(1, num_before)
    rows: list[dict[str, str | int | float | None]] = []
    for group in TERMS:
        old, new = before.get(group, 0), after.get(group, 0)
        share = new / old if old else None
        rows.append(
            {"group": group, "before": old, "after": new, "kept_share": share, "relative": share / overall if share is not None and overall else None}
        )
    schema = {"group": pl.String(), "before": pl.Int64(), "after": pl.Int64(), "kept_share": pl.Float64(), "relative": pl.Float64()}
    return pl.DataFrame(rows, schema=schema)
