"""The release: which model is the recipe's best word. It holds the version of the model that it names."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from assets.evals.names import RELEASE, scores_asset
from assets.evals.needs import EvalPlan, kind_of
from assets.evals.scores import SCORES, request_of, run_evals
from assets.graph.artifact import Artifact
from assets.graph.build import CellBuild
from assets.graph.upstream import named, whole
from assets.graph.waivers import Waiver
from assets.models.names import model_asset
from kernels.evals.gates import GateConfig, decide
from kernels.specs.tasks import Score
from resources.storage.content import hash_json
from resources.storage.manifest import KeptVersion, Manifest, Parent
from resources.storage.tables import read_table

RELEASE_VERSION = 2
RELEASE_FILE = "release.json"


class ReleasePlan(NamedTuple):
    """The candidate, and the eval that decides."""

    candidate: str
    gate: GateConfig
    eval_plan: EvalPlan
    waivers: Sequence[Waiver] = ()
    """What the recipe decides over single cells: those in force are named in the release."""


class ReleaseConfig(GateConfig):
    """What decides, and what was decided over the cells that it is made from."""

    waivers: list[Waiver]


class Released(NamedTuple):
    """What stands released."""

    model: str
    content: str
    score: Score
    test: str
    """Digest of the test that gave the score: its code, config and data."""
    kept: KeptVersion


def release(recipe: str, plan: ReleasePlan) -> Artifact:
    """Return the artifact that names the released model; a candidate takes its place only if it is not worse on the same test."""
    config = ReleaseConfig(**plan.gate.model_dump(), waivers=list(plan.waivers))
    return Artifact(
        recipe=recipe,
        name=RELEASE,
        description="The released model. A candidate is promoted only if it is not worse, on the same test, than the one that stands.",
        group="release",
        kinds=("json",),
        code_version=f"release:{RELEASE_VERSION}",
        config=lambda partition: config,
        made_from=(
            named(scores_asset(plan.candidate), [plan.eval_plan.name]),
            whole(model_asset(plan.candidate)),
            *kind_of(plan.eval_plan.task).upstream(plan.eval_plan),
        ),
        build=lambda build: decide_release(build, plan),
        uses_gpu=True,
    )


def decide_release(build: CellBuild, plan: ReleasePlan) -> None:
    """Put the candidate against what stands released."""
    candidate = _candidate(build, plan)
    standing = _standing(build)
    rescored = standing is not None and standing.test != candidate.test
    if standing is not None and rescored:
        standing = standing._replace(score=_score_again(build, plan, standing), test=candidate.test)
    decision = decide(candidate.score, standing.score if standing else None, plan.gate)
    if standing is None and not decision.promote:
        raise ValueError(f"release: {decision.reason}; there is nothing to release")
    chosen = candidate if standing is None or decision.promote else standing
    words = {"model": chosen.model, "content": chosen.content, "score": chosen.score._asdict(), "test": chosen.test}
    (build.draft.folder / RELEASE_FILE).write_text(json.dumps(words, indent=1, sort_keys=True))
    build.draft.keeps.append(chosen.kept)
    build.draft.metadata |= {
        "released_model": chosen.model,
        plan.gate.metric: chosen.score.value,
        "promoted": decision.promote,
        "reason": decision.reason,
        "released_model_scored_anew": rescored,
        "released_version": chosen.kept.version,
        "released_content": chosen.content,
        "waivers": [str(waiver) for waiver in plan.waivers if (found := build.state.manifest(*_cell_of(waiver))) and waiver.holds(found)],
    }


def _cell_of(waiver: Waiver) -> tuple[str, str | None]:
    return waiver.asset, waiver.partition


def _candidate(build: CellBuild, plan: ReleasePlan) -> Released:
    """Return the candidate with its score. Raises ValueError: the score is another version's, as where it was pinned."""
    model = build.manifest(model_asset(plan.candidate))
    scored = build.manifest(scores_asset(plan.candidate), plan.eval_plan.name)
    if Parent(name=model.asset, content=model.content) not in scored.parents:
        raise ValueError(f"release: {scored.cell} is of another version of {plan.candidate} than stands; let go of its pin with mill unpin")
    score = read_score(build.folder(scores_asset(plan.candidate), plan.eval_plan.name), plan.gate.metric)
    kept = KeptVersion(asset=model.asset, partition=None, version=model.version)
    return Released(plan.candidate, model.content, score, _test_of(scored), kept)


def _test_of(scored: Manifest) -> str:
    """Return the digest of what a cell of scores asked, whichever model it asked."""
    data = [parent.model_dump() for parent in scored.parents if not parent.name.startswith("models/")]
    return hash_json([scored.code_version, scored.config, data])


def _standing(build: CellBuild) -> Released | None:
    """Return what stands released, None the first time."""
    manifest = build.state.manifest(RELEASE)
    if manifest is None or build.state.record(RELEASE).trouble:
        return None
    words: dict[str, Any] = json.loads((build.folder(RELEASE) / RELEASE_FILE).read_text())
    if not manifest.keeps:
        return None  # a release of an earlier version of modelmill, which held no model: its bytes may be gone
    return Released(words["model"], words["content"], Score(**words["score"]), words["test"], manifest.keeps[0])


def _score_again(build: CellBuild, plan: ReleasePlan, standing: Released) -> Score:
    """Run the test as it is now on the released model's own version."""
    cell = build.cell._replace(asset=standing.kept.asset)
    with build.lake.reading([(cell, standing.kept.version)]):
        folder = build.lake.folder(cell, standing.kept.version)
        asked = request_of(plan.eval_plan, build)
        failed = run_evals(build.place, build.scratch / "job", folder, [asked])
    if failed:
        raise ValueError(f"release: the released model {standing.model!r} could not be scored anew: {failed[plan.eval_plan.name]}")
    return read_score(asked.out, plan.gate.metric)


def read_score(folder: Path, metric: str) -> Score:
    """Return the score of a metric written ``eval/metric`` from a folder of scores.

    Raises:
        ValueError: there is none (names those there are).
    """
    rows = read_table(folder / f"{SCORES}.parquet").to_pylist()
    wanted = metric.split("/", 1)[1]
    for row in rows:
        if row["metric"] == wanted:
            return Score(**row)
    raise ValueError(f"release: the eval has no metric {wanted!r}; it has {', '.join(row['metric'] for row in rows)}")
