"""What to do next: commands that a reader can copy, with the recipe that they are about."""

import shlex
from collections.abc import Collection

from assets.corpus.names import REPORT
from assets.evals.names import LEADERBOARD
from assets.models.names import model_asset
from pipelines.recipe.kinds_of_models import continues_texts
from pipelines.terminal.application import RECIPE, console, styled
from pipelines.terminal.workbench import Workbench


def command(words: str, bench: Workbench) -> str:
    """Return a command of ``mill`` for a recipe."""
    path = bench.recipe.path
    recipe = "" if bench.recipe.name == RECIPE else f" --recipe {bench.recipe.name if bench.is_shipped else shlex.quote(str(path))}"
    return f"mill {words}{recipe}"


def print_next_steps(bench: Workbench, standing: Collection[str]) -> None:
    """Say where to look at what was made: only at what there is, ``standing`` being the assets of which a cell stands."""
    commands = [("ui", "graph, checks and plots in the browser"), ("status", "every artifact on a line")]
    if LEADERBOARD in standing:
        commands.append((f"show {LEADERBOARD}", "models side by side"))
    elif REPORT in standing:
        commands.append((f"show {REPORT}", "what was kept, dropped, masked"))
    models = [name for name in bench.recipe.entries.models if model_asset(name) in standing and continues_texts(bench.recipe.entries, name)]
    if models:
        commands.append((f"chat {models[-1]}", "talk to it"))
    for words, what in commands:
        console.print(styled(f"  {command(words, bench)}  ", (what, "dim")), soft_wrap=True)
