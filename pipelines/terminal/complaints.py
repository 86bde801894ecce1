"""What a command says when it fails: one line, with the remedy where it is known; else the traceback is kept in a file that the line names."""

import os
import tempfile
import traceback
from pathlib import Path

from pipelines.settings import PROJECT
from resources.storage.faults import fault_in_words

OURS = tuple(str(PROJECT / folder) + os.sep for folder in ("pipelines", "assets", "resources", "kernels"))


def complaint(error: Exception) -> str:
    """Return what is said of an error that ended a command."""
    known = fault_in_words(error)
    if known is not None:
        return known
    if _is_told_by_us(error):
        return str(error.args[0]) if isinstance(error, KeyError) else str(error)
    words = " ".join(f"{type(error).__name__}: {error}".split())
    return f"{words[:500]}: this was not foreseen; {_keep_traceback(error)}"


def _is_told_by_us(error: Exception) -> bool:
    """Return whether our own code raised an error, with a message that is meant to be read."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    told = ValueError | FileNotFoundError | FileExistsError | RuntimeError | ImportError | KeyError
    return isinstance(error, told) and place is not None and str(Path(place.tb_frame.f_code.co_filename)).startswith(OURS)


def _keep_traceback(error: Exception) -> str:
    text = "".join(traceback.format_exception(error))
    try:
        with tempfile.NamedTemporaryFile("w", prefix="modelmill-", suffix=".log", delete=False, errors="backslashreplace") as log:
            log.write(text)
    except OSError:
        return f"its traceback could not be kept:\n{text}"
    return f"its traceback is in {log.name}"
