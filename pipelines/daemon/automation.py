"""What runs by itself: a job that brings a recipe up to date, its daily schedule, and a sensor on its source folders."""

import dagster as dg

from assets.graph.artifact import Graph
from pipelines.planning.bring_up import bring_up
from pipelines.planning.planner import observe_sources, plan
from resources.storage.home import Home
from resources.storage.lake import Lake


def refresh_job(graph: Graph) -> dg.JobDefinition:
    """Return the job that does what ``mill up`` does, each wave a run of its own."""

    @dg.op(name=f"{graph.recipe}_observe_plan_and_run", description="Observes the sources, makes what is stale, and says what it came to.")
    def body(context: dg.OpExecutionContext, lake: dg.ResourceParam[Lake], home: dg.ResourceParam[Home]) -> None:
        job = context.repository_def.get_job(f"{graph.recipe}_materialize")
        result = bring_up(graph, job, context.instance, lake, home, set(graph.artifacts))
        context.log.info(f"{len(result.made)} cells made in {result.num_runs} runs")
        if result.left:
            raise dg.Failure("\n".join(f"{left.cell}: {left.state}: {left.reason}" for left in result.left[:20]))

    @dg.job(name=f"{graph.recipe}_bring_up_to_date", description=f"Observes the sources of {graph.recipe} and makes whatever is stale.")
    def job() -> None:
        body()

    return job


def refresh_schedule(graph: Graph, job: dg.JobDefinition, cron: str) -> dg.ScheduleDefinition:
    """Return the recurring refresh."""
    return dg.ScheduleDefinition(
        name=f"{graph.recipe}_refresh", job=job, cron_schedule=cron, description="Observes the sources and brings the recipe up to date."
    )


def source_sensor(graph: Graph, job: dg.JobDefinition, watch_seconds: int) -> dg.SensorDefinition:
    """Return the sensor that starts the job when files came, went or changed, or when anything else made a cell stale."""

    @dg.sensor(
        name=f"{graph.recipe}_new_files",
        job=job,
        minimum_interval_seconds=watch_seconds,
        description="Looks at the source folders and at the plan; starts a refresh when something is stale and none is under way.",
    )
    def body(context: dg.SensorEvaluationContext, lake: dg.ResourceParam[Lake], home: dg.ResourceParam[Home]) -> dg.SensorResult | dg.SkipReason:
        running = context.instance.get_runs(dg.RunsFilter(job_name=job.name, statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.QUEUED]))
        if running:
            return dg.SkipReason("a refresh is under way")
        planned = plan(graph, lake, observe_sources(graph, lake))
        stale = planned.having("stale", "unjudged")
        if not stale:
            return dg.SkipReason(f"nothing to do: {len(planned.cells)} cells are as they should be")
        names = ", ".join(str(p.cell) for p in stale[:5])
        return dg.SensorResult(run_requests=[dg.RunRequest(tags={"modelmill/reason": f"{len(stale)} stale: {names}"[:200]})])

    return body
