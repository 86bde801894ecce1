"""Dates and spans of time: births and deaths, "as of", about when, ages between two given days."""

import datetime
import re
from collections.abc import Callable

from kernels.reading.parsing.wikitext.templates.arguments import Arguments

_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_SIGNS_OF_DAY_FIRST = ("y", "yes", "true", "1", "dmy")


def _month(text: str) -> int:
    """Return the number of a month by its number or English name, 0 where it is none."""
    if text.isdecimal() and len(text) < 3:
        return int(text) if 1 <= int(text) <= 12 else 0
    return next((place for place, name in enumerate(_MONTHS, 1) if len(text) > 2 and name.lower().startswith(text.lower())), 0)


def _written(year: str, month: str, day: str, *, is_day_first: bool) -> str:
    """Return year, month and day, as far as they are given in numbers, as an English date."""
    year = year if year.isdecimal() and len(year) < 5 else ""
    place = _month(month)
    if not place:
        return year
    name = _MONTHS[place - 1]
    shown_day = str(int(day)) if day.isdecimal() and len(day) < 3 else ""
    if is_day_first:
        return " ".join(part for part in (shown_day, name, year) if part)
    return f"{name} {f'{shown_day}, ' if shown_day and year else shown_day}{year}".strip()


def _is_day_first(call: Arguments) -> bool:
    return call.get("df").lower() in _SIGNS_OF_DAY_FIRST


def _date(call: Arguments) -> str | None:
    """{{birth date|year|month|day}} and its kin; of the two dates of a death the first."""
    values = [*call.values, "", "", ""]
    if iso := _ISO.fullmatch(values[0]):
        values = list(iso.groups())
    return _written(*values[:3], is_day_first=_is_day_first(call)) or _in_words(call.first)


def _in_words(text: str) -> str | None:
    """Return a date that is written out: 4 July 1776."""
    return text if any(character.isdecimal() for character in text) else None


def _film_dates(call: Arguments) -> str | None:
    """{{film date|year|month|day|place|...}}."""
    return _date(call._replace(values=call.values[:3]))


def _table_date(call: Arguments) -> str | None:
    """{{dts|year|month|day}}, {{dts|day|month|year}} or {{dts|a date in words}}."""
    if len([value for value in call.values if value]) == 1:
        return _date(call) if call.first.isdecimal() or _ISO.fullmatch(call.first) else call.first
    is_day_first = "d" in call.get("format").lower() or (len(call.value(1)) < 3 and len(call.value(3)) > 2)
    values = [*call.values, "", "", ""][:3]
    if is_day_first and len(values[0]) < 3:
        values = [values[2], values[1], values[0]]
    return _written(*values, is_day_first=is_day_first) or None


def _as_of(call: Arguments) -> str | None:
    """{{as of|year|month|day|lc=|since=|alt=|bare=|df=|post=}}."""
    if call.get("alt"):
        return call.get("alt") + call.get("post")
    values = [*call.values, "", "", ""][:3]
    is_month_first = call.get("df").lower() in ("us", "mdy", "n", "no")
    date = _written(*values, is_day_first=not is_month_first) or values[0]
    if not date:
        return None
    word = "since" if call.says("since") else "as of"
    word = word if call.says("lc") else word.capitalize()
    return ("" if call.says("bare") else f"{word} {call.get('pre')} ".replace("  ", " ")) + date + call.get("post")


def _about(call: Arguments) -> str | None:
    """{{circa|1850}}, {{circa|1850|1860}}."""
    values = [value for value in call.values if value]
    if not values:
        return None
    if len(values) > 1:
        return " \u2013 ".join(value if call.get("lk").isdecimal() else f"c. {value}" for value in values[:2])
    return f"c. {values[0]}"


def _spanned(word: str) -> Callable[[Arguments], str | None]:
    def render(call: Arguments) -> str | None:
        values = [value for value in call.values if value]
        span = "\u2013".join(values[:2])
        return f"{word} {span}" if values else None

    return render


def _day(values: list[str]) -> datetime.date | None:
    """Return the day that three values name."""
    if len(values) < 3 or not all(value.isdecimal() and len(value) < 5 for value in (values[0], values[2])) or not _month(values[1]):
        return None
    try:
        return datetime.date(int(values[0]), _month(values[1]), int(values[2]))
    except ValueError:
        return None


def _days(call: Arguments) -> tuple[datetime.date, datetime.date] | None:
    """Return the two days of a call; None where one is not given, which stands for the day of reading."""
    values = [value for value in call.values if value]
    if len(values) == 2 and all(_ISO.fullmatch(value) for value in values):
        values = [part for value in values for part in value.split("-")]
    start, end = _day(values[:3]), _day(values[3:6])
    return (start, end) if start and end else None


def _age(call: Arguments) -> str | None:
    """{{age|1900|1|1|1910|1|1}}: full years between two days."""
    days = _days(call)
    if not days:
        return None
    start, end = days
    return str(end.year - start.year - ((end.month, end.day) < (start.month, start.day)))


def _age_in_days(call: Arguments) -> str | None:
    days = _days(call)
    if not days:
        return None
    count = (days[1] - days[0]).days
    return f"{count:,} {'day' if count == 1 else 'days'}"


def _age_in_years_and_days(call: Arguments) -> str | None:
    days = _days(call)
    years = _age(call)
    if not days or years is None:
        return None
    start, end = days
    try:
        last = start.replace(year=start.year + int(years))
    except ValueError:  # born on the 29th of February
        last = datetime.date(start.year + int(years), 3, 1)
    rest = (end - last).days
    return f"{years} {'year' if years == '1' else 'years'}, {rest} {'day' if rest == 1 else 'days'}"


def _old_style(call: Arguments) -> str | None:
    """{{OldStyleDate|day and month|year|old day and month}}."""
    shown = f"{call.value(1)} {call.value(2)}".strip()
    return f"{shown} [O.S. {call.value(3)}]" if shown and call.value(3) else shown or None


def _old_style_new_year(call: Arguments) -> str | None:
    """{{OldStyleDateNY|25 May|13 May 1699}} shows the same brackets."""
    return f"{call.value(1)} [O.S. {call.value(2)}]" if call.value(2) else call.value(1) or None


RENDERERS = (
    dict.fromkeys(
        (
            "birth date", "birth date and age", "birth-date", "birth-date and age", "bda", "birth based on age as of date", "death date",
            "death date and age", "death-date", "death-date and age", "dda", "death date and given age", "start date", "end date", "start-date",
            "end-date", "start date and age", "end date and age", "start date and years ago", "film date and age", "date", "birth year and age",
            "death year and age", "birth year",
        ),
        _date,
    )
    | dict.fromkeys(("film date",), _film_dates)
    | dict.fromkeys(("dts", "sort date", "date table sorting"), _table_date)
    | dict.fromkeys(("as of", "asof"), _as_of)
    | dict.fromkeys(("circa", "c.", "ca.", "c"), _about)
    | dict.fromkeys(("floruit", "fl.", "fl", "flourished"), _spanned("fl."))
    | dict.fromkeys(("reign", "r.", "ruled"), _spanned("r."))
    | dict.fromkeys(("b.", "born"), _spanned("b."))
    | dict.fromkeys(("d.", "died"), _spanned("d."))
    | dict.fromkeys(("age", "age in years", "ageinyears"), _age)
    | dict.fromkeys(("age in days", "ageindays"), _age_in_days)
    | dict.fromkeys(("age in years and days", "ayd"), _age_in_years_and_days)
    | dict.fromkeys(("oldstyledate", "old style date"), _old_style)
    | dict.fromkeys(("oldstyledatedy", "oldstyledateny"), _old_style_new_year)
)  # fmt: skip
"""Renderers by the name of a template in lower case."""
