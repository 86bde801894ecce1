"""Cron expressions, as Dagster's scheduler reads them: one that it cannot read, or that never comes, is a fault of the recipe."""

EVERY_DAY = "0 5 * * *"
REMEDY = "write minute, hour, day of month, month and day of week, such as '0 5 * * *' for every day at 5"


def fault_of_cron(expression: str) -> str:
    """Return what is wrong with an expression of five fields and the remedy, empty where nothing is."""
    if expression == EVERY_DAY:
        return ""
    from dagster._utils.schedules import cron_string_iterator, is_valid_cron_string  # takes a second to load

    try:
        if not is_valid_cron_string(expression):
            return f"{expression!r} is no time; {REMEDY}"
        next(cron_string_iterator(0.0, expression, "UTC"))
    except Exception:  # whatever the scheduler's parser raises at a day that no month has
        return f"{expression!r} never comes; {REMEDY}"
    return ""
