"""``mill graph``: every asset on a line."""

from pipelines.terminal.application import RECIPE, RecipeOption, app
from pipelines.terminal.workbench import Workbench


@app.command()
def graph(recipe: RecipeOption = RECIPE) -> None:
    """Print every asset with what it hangs on and its checks, one line each."""
    bench = Workbench(recipe)
    for kind, names in (("sources", bench.graph.sources), ("inputs", bench.graph.inputs)):
        for name in names:
            print(f"{kind}/{name}")
    for artifact in bench.graph.artifacts.values():
        checks = [check.name for suite in bench.graph.suites.get(artifact.name, []) for check in suite.checks]
        shape = f" per {artifact.partitioning.name}" if artifact.partitioning else ""
        print(f"{artifact.name} [{artifact.code_version}{shape}] <- {', '.join(artifact.upstream)}" + (f" ? {', '.join(checks)}" if checks else ""))
