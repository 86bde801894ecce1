"""The day that a page is of, as its variables and ``{{#time:...}}`` show it.

A page shows the day on which it is read. A text has no reader yet, so it is told as it was on the day it was written, the timestamp of its
revision. https://www.mediawiki.org/wiki/Help:Magic_words#Date_and_time.
"""

import datetime
import re

from kernels.reading.parsing.wikitext.templates.arguments import Wiki
from kernels.reading.parsing.wikitext.templates.dates import MONTHS, day_of_text

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_VARIABLES = {
    "currentyear": "Y", "localyear": "Y", "currentmonth": "m", "currentmonth1": "n", "currentmonth2": "m", "localmonth": "m", "localmonth1": "n",
    "currentmonthname": "F", "localmonthname": "F", "currentmonthnamegen": "F", "localmonthnamegen": "F", "currentmonthabbrev": "M",
    "localmonthabbrev": "M", "currentday": "j", "localday": "j", "currentday2": "d", "localday2": "d", "currentdayname": "l", "localdayname": "l",
    "currentdate": "j F Y",
}  # fmt: skip
"""Variables of the day, by the form of ``{{#time:...}}`` that they show."""
_IN_WORDS = re.compile(r"[FMlD]")
_LITERAL = re.compile(r'"([^"]*)"|(.)', re.DOTALL)
_FORMS = {"dmy": "j F Y", "mdy": "F j, Y", "ymd": "Y F j", "iso 8601": "Y-m-d", "iso8601": "Y-m-d"}


def variable(name: str, wiki: Wiki) -> str | None:
    """Return what a variable of the day shows, None where the name is none."""
    form = _VARIABLES.get(name)
    return formed(form, wiki.day, wiki) if form else None


def time(parameters: list[str], wiki: Wiki) -> str | None:
    """{{#time:Y-m-d|4 July 1776}}; without a day that of the page."""
    words = parameters[1] if len(parameters) > 1 else ""
    return formed(parameters[0], day_of_text(words) if words and words != "now" else wiki.day, wiki)


def date_format(parameters: list[str], wiki: Wiki) -> str | None:
    """{{#dateformat:2009-12-25|mdy}}; what is no date is shown as it is."""
    day = day_of_text(parameters[0])
    form = _FORMS.get(parameters[1].lower() if len(parameters) > 1 else "dmy")
    return formed(form, day, wiki) if day and form else parameters[0] or None


def formed(form: str, day: datetime.date | None, wiki: Wiki) -> str | None:
    """Return a day in a form of ``{{#time:...}}``; None for forms that hold a time, and for English names in a text of another language."""
    if day is None or (_IN_WORDS.search(form) and not wiki.is_english):
        return None
    return _formed(form, day)


def _formed(form: str, day: datetime.date) -> str | None:
    month, weekday = MONTHS[day.month - 1], _WEEKDAYS[day.weekday()]
    signs = {
        "Y": f"{day.year:04d}", "y": f"{day.year % 100:02d}", "m": f"{day.month:02d}", "n": str(day.month), "d": f"{day.day:02d}", "j": str(day.day),
        "F": month, "M": month[:3], "l": weekday, "D": weekday[:3], "N": str(day.isoweekday()), "z": str(day.timetuple().tm_yday - 1),
    }  # fmt: skip
    parts: list[str] = []
    for found in _LITERAL.finditer(form):
        literal, sign = found.groups(default="")
        if sign.isalpha() and sign not in signs:
            return None
        parts.append(literal + signs.get(sign, sign))
    return "".join(parts)
