"""Spans of time: about when, reigns, ages, how long something took.

An age that is counted to the day of reading is counted to the day on which the text was written.
"""

import calendar
import datetime
import re
from collections.abc import Callable

from kernels.reading.parsing.wikitext.templates.arguments import Arguments
from kernels.reading.parsing.wikitext.templates.dates import day_of, day_of_text
from kernels.reading.parsing.wikitext.templates.quantities.numbers import ordinal

_WHOLE = re.compile(r"\d{1,4}")


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


def _counted(count: int, unit: str) -> str:
    return f"{count:,} {unit if count == 1 else f'{unit}s'}"


def _listed(parts: list[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)


def _days(call: Arguments) -> tuple[datetime.date, datetime.date] | None:
    """Return the two days of a call; a second that is not given is the day of the text. None where one is not known."""
    values = [value for value in call.values if value]
    written_out = [day_of_text(value) for value in values[:2]]
    if written_out and written_out[0]:
        start, end = written_out[0], written_out[1] if len(values) > 1 else call.wiki.day
    else:
        start, end = day_of(values[:3]), day_of(values[3:6]) if len(values) > 3 else call.wiki.day
    return (start, end) if start and end and start <= end else None


def _parts(start: datetime.date, end: datetime.date) -> tuple[int, int, int]:
    """Return the years, months and days from one day to another."""
    months = (end.year - start.year) * 12 + end.month - start.month - (end.day < start.day)
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    last = datetime.date(year, month + 1, min(start.day, calendar.monthrange(year, month + 1)[1]))
    return months // 12, months % 12, (end - last).days


def _age(call: Arguments) -> str | None:
    """{{age|1900|1|1|1910|1|1}}: full years between two days."""
    days = _days(call)
    return str(_parts(*days)[0]) if days else None


def _age_in_days(call: Arguments) -> str | None:
    days = _days(call)
    return _counted((days[1] - days[0]).days, "day") if days else None


def _age_in_days_as_number(call: Arguments) -> str | None:
    days = _days(call)
    return str((days[1] - days[0]).days) if days else None


def _age_in_years_and_days(call: Arguments) -> str | None:
    days = _days(call)
    if not days:
        return None
    start, end = days
    years = _parts(start, end)[0]
    leaps_out = start.month == 2 and start.day == 29 and not calendar.isleap(start.year + years)
    last = datetime.date(start.year + years, 3, 1) if leaps_out else start.replace(year=start.year + years)
    return f"{_counted(years, 'year')}, {_counted((end - last).days, 'day')}"


def _interval(call: Arguments) -> str | None:
    """{{age in years, months and days|...}}: what is none is not named."""
    days = _days(call)
    if not days:
        return None
    parts = [_counted(count, unit) for count, unit in zip(_parts(*days), ("year", "month", "day"), strict=True) if count]
    return _listed(parts) if parts else "0 days"


def _ago(call: Arguments) -> str | None:
    """{{years ago|1969}}."""
    if not _WHOLE.fullmatch(call.first) or call.wiki.day is None or int(call.first) > call.wiki.day.year:
        return None
    return f"{_counted(call.wiki.day.year - int(call.first), 'year')} ago"


def _born_by_age(call: Arguments) -> str | None:
    """{{birth based on age as of date|75|2015|3|1}}: 1939 or 1940."""
    age, year = call.value(1), call.value(2)
    if not _WHOLE.fullmatch(age) or not _WHOLE.fullmatch(year):
        return None
    return f"{int(year) - int(age) - 1} or {int(year) - int(age)}"


def _duration(call: Arguments) -> str | None:
    """{{duration|1|2|3}}, {{duration|m=3|s=5}}: hours, minutes, seconds."""
    named = [call.get(name) for name in ("h", "m", "s")]
    hours, minutes, seconds = named if any(named) else [call.value(place) for place in (1, 2, 3)]
    if not any((hours, minutes, seconds)) or not all(re.fullmatch(r"\d{0,4}(\.\d+)?", part) for part in (hours, minutes, seconds)):
        return None
    parts = [hours, (minutes or "0").zfill(2)] if hours else [minutes or "0"]
    return ":".join([*parts, (seconds or "0").zfill(2)]) if seconds or not hours else ":".join(parts)


def _era(word: str) -> Callable[[Arguments], str | None]:
    """{{BCE|44}}; without a year the word alone."""
    return lambda call: " ".join(part for part in (call.first, word) if part)


def _century(call: Arguments) -> str | None:
    """{{century|19}}, {{century|2|BC}}."""
    if not call.first.isdecimal() or len(call.first) > 3:
        return None
    return f"{ordinal(int(call.first))} century" + (f" {call.value(2)}" if call.value(2) else "")


RENDERERS = (
    dict.fromkeys(("circa", "c.", "ca.", "c"), _about)
    | dict.fromkeys(("floruit", "fl.", "fl", "flourished"), _spanned("fl."))
    | dict.fromkeys(("reign", "r.", "ruled"), _spanned("r."))
    | dict.fromkeys(("b.", "born", "born-in"), _spanned("b."))
    | dict.fromkeys(("born in", "born-in-full"), _spanned("born"))
    | dict.fromkeys(("d.", "died", "died-in"), _spanned("d."))
    | dict.fromkeys(("m.",), _spanned("m."))
    | dict.fromkeys(("age", "age in years", "ageinyears", "age nts"), _age)
    | dict.fromkeys(("age in days", "ageindays"), _age_in_days)
    | dict.fromkeys(("age in days nts", "number of days", "days elapsed"), _age_in_days_as_number)
    | dict.fromkeys(("age in years and days", "ayd", "ageinyearsanddays"), _age_in_years_and_days)
    | dict.fromkeys(("age in years, months and days", "ymd", "time interval", "age ymd"), _interval)
    | dict.fromkeys(("years ago", "year ago", "time ago years"), _ago)
    | dict.fromkeys(("birth based on age as of date", "birth-based on age", "bbaaod"), _born_by_age)
    | dict.fromkeys(("duration", "dur"), _duration)
    | {era: _era(era.upper()) for era in ("bce", "bc", "ce", "ad", "ah")}
    | {"century": _century}
)
"""Renderers by the name of a template in lower case."""
