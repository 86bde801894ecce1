"""Dates: of births and deaths, "as of", in tables, in the old calendar."""

import datetime
import re

from kernels.reading.parsing.wikitext.templates.arguments import Arguments

MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_DAY_FIRST = re.compile(r"(\d{1,2}) ([A-Z][a-z]{2,8}),? (\d{4})")
_MONTH_FIRST = re.compile(r"([A-Z][a-z]{2,8}) (\d{1,2}),? (\d{4})")
_SIGNS_OF_DAY_FIRST = ("y", "yes", "true", "1", "dmy")


def month_number(text: str) -> int:
    """Return the number of a month by its number or English name, 0 where it is none."""
    if text.isdecimal() and len(text) < 3:
        return int(text) if 1 <= int(text) <= 12 else 0
    return next((place for place, name in enumerate(MONTHS, 1) if len(text) > 2 and name.lower().startswith(text.lower())), 0)


def written(year: str, month: str, day: str, *, is_day_first: bool) -> str:
    """Return year, month and day, as far as they are given in numbers, as an English date."""
    year = year if year.isdecimal() and len(year) < 5 else ""
    place = month_number(month)
    if not place:
        return year
    name = MONTHS[place - 1]
    shown_day = str(int(day)) if day.isdecimal() and len(day) < 3 else ""
    if is_day_first:
        return " ".join(part for part in (shown_day, name, year) if part)
    return f"{name} {f'{shown_day}, ' if shown_day and year else shown_day}{year}".strip()


def day_of(values: list[str]) -> datetime.date | None:
    """Return the day that year, month and day name, of which the month may be a word."""
    if len(values) < 3 or not all(value.isdecimal() and len(value) < 5 for value in (values[0], values[2])) or not month_number(values[1]):
        return None
    try:
        return datetime.date(int(values[0]), month_number(values[1]), int(values[2]))
    except ValueError:
        return None


def day_of_text(text: str) -> datetime.date | None:
    """Return the day that is written as 1776-07-04, 4 July 1776 or July 4, 1776."""
    if iso := _ISO.fullmatch(text):
        return day_of(list(iso.groups()))
    if words := _DAY_FIRST.fullmatch(text):
        return day_of([words[3], words[2], words[1]])
    if words := _MONTH_FIRST.fullmatch(text):
        return day_of([words[3], words[1], words[2]])
    return None


def _is_day_first(call: Arguments) -> bool:
    return call.get("df").lower() in _SIGNS_OF_DAY_FIRST


def _date(call: Arguments) -> str | None:
    """{{birth date|year|month|day}} and its kin; of the two dates of a death the first."""
    values = [*call.values, "", "", ""]
    if iso := _ISO.fullmatch(values[0]):
        values = list(iso.groups())
    date = written(*values[:3], is_day_first=_is_day_first(call))
    return _time(call) + date if date else _in_words(call.first)


def _time(call: Arguments) -> str:
    """Return the hour and minute of {{start date|2001|9|11|8|46}} as it shows them, before the date."""
    hour, minute = call.value(4), call.value(5)
    is_time = call.name in ("start date", "end date") and hour.isdecimal() and minute.isdecimal() and len(hour) < 3 and len(minute) < 3
    return f"{hour.zfill(2)}:{minute.zfill(2)}, " if is_time else ""


def _date_in_form(call: Arguments) -> str | None:
    """{{date|2011-05-04|mdy}}: the day first unless it is asked for otherwise."""
    day = day_of_text(call.value(1))
    if day is None:
        return _in_words(call.value(1))
    form = call.value(2).lower()
    if form in ("iso", "ymd"):
        return day.isoformat() if form == "iso" else f"{day.year} {MONTHS[day.month - 1]} {day.day}"
    return written(str(day.year), str(day.month), str(day.day), is_day_first=form != "mdy")


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
    return written(*values, is_day_first=is_day_first) or None


def _as_of(call: Arguments) -> str | None:
    """{{as of|year|month|day|lc=|since=|alt=|bare=|df=|post=}}."""
    if call.get("alt"):
        return call.get("alt") + call.get("post")
    values = [*call.values, "", "", ""][:3]
    is_month_first = call.get("df").lower() in ("us", "mdy", "n", "no")
    date = written(*values, is_day_first=not is_month_first) or values[0]
    if not date:
        return None
    word = "since" if call.says("since") else "as of"
    word = word if call.says("lc") else word.capitalize()
    return ("" if call.says("bare") else f"{word} {call.get('pre')} ".replace("  ", " ")) + date + call.get("post")


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
            "birth date", "birth date and age", "birth-date", "birth-date and age", "bda", "birthdate", "dob", "death date",
            "death date and age", "death-date", "death-date and age", "dda", "death date and given age", "start date", "end date", "start-date",
            "end-date", "start date and age", "end date and age", "start date and years ago", "film date and age", "birth year and age",
            "death year and age", "birth year",
        ),
        _date,
    )
    | {"film date": _film_dates, "date": _date_in_form}
    | dict.fromkeys(("dts", "sort date", "date table sorting"), _table_date)
    | dict.fromkeys(("as of", "asof"), _as_of)
    | dict.fromkeys(("oldstyledate", "old style date"), _old_style)
    | dict.fromkeys(("oldstyledatedy", "oldstyledateny"), _old_style_new_year)
)  # fmt: skip
"""Renderers by the name of a template in lower case."""
