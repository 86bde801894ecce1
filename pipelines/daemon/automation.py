"""What runs by itself: a job that brings a recipe up to date, its daily schedule, and a sensor on its source folders.

All three read the recipe as it stands when they run: the process that holds the definitions may have loaded an earlier one.
"""

from pathlib import Path

import dagster as dg

from assets.graph.artifact import Graph
from assets.graph.state import GraphState
from assets.orchestration.mirror import restamp
from pipelines.planning.bring_up import MIRROR_FILE, bring_up
from pipelines.planning.materialize import materialize_jobs
from pipelines.planning.planner import Plan, look_at_sources
from pipelines.planning.runs import claim_run
from pipelines.recipe.graph import build_graph
from pipelines.recipe.schema import Recipe, load_recipe
from resources.storage.home import Busy, Home
from resources.storage.lake import Lake

SHOWN_CELLS = 20


def refresh_job(name: str, recipe_file: Path) -> dg.JobDefinition:
    """Return the job that does what ``mill up`` does, each wave a run of its own."""

    @dg.op(name=f"{name}_observe_plan_and_run", description="Observes the sources, makes what is stale, and says what it came to.")
    def body(context: dg.OpExecutionContext, lake: dg.ResourceParam[Lake], home: dg.ResourceParam[Home]) -> None:
        claim_run(context)
        recipe = load_recipe(recipe_file)
        graph = build_graph(recipe, home)
        jobs = materialize_jobs(graph, recipe_file, home, lake)
        with home.lock_in_turn("up", lambda busy: context.log.info(f"waiting for its turn: {busy}")):
            result = bring_up(graph, jobs, context.instance, lake, home, _scheduled(graph, recipe))
        context.log.info(f"{len(result.made)} cells made in {result.num_runs} runs")
        if result.left:
            raise dg.Failure("\n".join(f"{left.cell}: {left.state}: {left.reason}" for left in result.left[:SHOWN_CELLS]))

    @dg.job(name=f"{name}_bring_up_to_date", description=f"Observes the sources of {name} and makes whatever is stale.")
    def job() -> None:
        body()

    return job


def _scheduled(graph: Graph, recipe: Recipe) -> set[str]:
    """Return the assets that are made by themselves."""
    until = recipe.entries.schedules.until
    return set(graph.artifacts) if until is None else graph.until(until)


def refresh_schedule(name: str, job: dg.JobDefinition, cron: str) -> dg.ScheduleDefinition:
    """Return the recurring refresh."""
    return dg.ScheduleDefinition(
        name=f"{name}_refresh", job=job, cron_schedule=cron, description="Observes the sources and brings the recipe up to date."
    )


def source_sensor(name: str, recipe_file: Path, job: dg.JobDefinition, watch_seconds: int) -> dg.SensorDefinition:
    """Return the sensor that starts the job when files came, went or changed, or when anything else made a cell stale."""

    @dg.sensor(
        name=f"{name}_new_files",
        job=job,
        minimum_interval_seconds=watch_seconds,
        description="Looks at the source folders and at the plan; starts a refresh when something is stale and none is under way.",
    )
    def body(context: dg.SensorEvaluationContext, lake: dg.ResourceParam[Lake], home: dg.ResourceParam[Home]) -> dg.SensorResult | dg.SkipReason:
        running = context.instance.get_runs(dg.RunsFilter(job_name=job.name, statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.QUEUED]))
        if running:
            return dg.SkipReason("a refresh is under way")
        try:
            with home.lock("up"):
                pass  # only to see whether somebody has it
            recipe = load_recipe(recipe_file)
            graph = build_graph(recipe, home)
            chosen = _scheduled(graph, recipe)
            state = GraphState(graph, lake, look_at_sources(graph, lake))
        except Busy as busy:
            return dg.SkipReason(f"the recipe is being brought up to date: {busy}")
        except (ValueError, OSError) as error:
            return dg.SkipReason(f"the recipe or its sources cannot be read: {error}")
        restamp(context.instance, state, home.dagster / MIRROR_FILE)
        stale = [status for status in Plan(state.cells).having("stale", "unjudged") if status.cell.asset in chosen]
        if not stale:
            return dg.SkipReason(f"nothing to do: {len(state.cells)} cells are as they should be")
        names = ", ".join(str(status.cell) for status in stale[:5])
        return dg.SensorResult(run_requests=[dg.RunRequest(tags={"modelmill/reason": f"{len(stale)} stale: {names}"[:200]})])

    return body
