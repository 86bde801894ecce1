"""What to do next: commands that a reader can copy, with the recipe that they are about."""

import shlex

from pipelines.terminal.application import RECIPE, console, styled
from pipelines.terminal.workbench import Workbench


def command(words: str, bench: Workbench) -> str:
    """Return a command of ``mill`` for a recipe."""
    path = bench.recipe.path
    recipe = "" if bench.recipe.name == RECIPE else f" --recipe {bench.recipe.name if bench.is_shipped else shlex.quote(str(path))}"
    return f"mill {words}{recipe}"


def print_next_steps(bench: Workbench) -> None:
    """Say where to look at what was made: only at what there is."""
    commands = [("ui", "graph, checks and plots in the browser"), ("status", "every artifact on a line")]
    if bench.recipe.entries.evals and bench.recipe.entries.models:
        commands.append(("show evals/leaderboard", "models side by side"))
    elif "corpus/report" in bench.graph.artifacts:
        commands.append(("show corpus/report", "what was kept, dropped, masked"))
    if bench.recipe.entries.models:
        commands.append((f"chat {list(bench.recipe.entries.models)[-1]}", "talk to it"))
    for words, what in commands:
        console.print(styled(f"  {command(words, bench)}  ", (what, "dim")), soft_wrap=True)
