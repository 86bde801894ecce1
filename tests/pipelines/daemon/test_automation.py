"""What runs by itself: the sensor sees what is stale, and the job it starts makes it."""

import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg

from tests.locations import PROJECT


def definitions(shop: Any) -> dg.Definitions:
    from pipelines.definitions import build_definitions

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return build_definitions([shop.recipe_file], shop.home)


def tick(shop: Any, instance: dg.DagsterInstance, loaded: dg.Definitions | None = None) -> Any:
    sensor = (loaded or definitions(shop)).resolve_sensor_def("small_new_files")
    with dg.build_sensor_context(instance=instance, resources={"lake": shop.lake, "home": shop.home}) as context:
        return sensor(context)


def test_the_sensor_asks_for_a_refresh_when_a_file_comes_and_for_none_when_nothing_is_stale(shop: Any, prose: Callable[[int], str]) -> None:
    from pipelines.daemon.instance import open_instance

    shop.change_recipe(shop.recipe_file.read_text()[shop.recipe_file.read_text().index("models:") :], "")
    assert not shop.up().left
    with open_instance(shop.home) as instance:
        answer = tick(shop, instance)
        assert isinstance(answer, dg.SkipReason) and "nothing to do" in str(answer.skip_message)
        (shop.folder / "books" / "book-9.txt").write_text(prose(9))
        requests = tick(shop, instance).run_requests
    assert [request.tags["modelmill/reason"] for request in requests] == ["1 stale: corpus/documents[books.base.003]"]


def test_a_sensor_that_was_loaded_earlier_sees_the_recipe_as_it_stands_and_waits_for_whoever_is_at_work(shop: Any) -> None:
    from pipelines.daemon.instance import open_instance

    shop.change_recipe(shop.recipe_file.read_text()[shop.recipe_file.read_text().index("models:") :], "")
    loaded = definitions(shop)
    assert not shop.up().left
    with open_instance(shop.home) as instance:
        with shop.home.lock("up"):
            assert "is being brought up to date" in str(tick(shop, instance, loaded).skip_message)
        shop.change_recipe("min_words: 20", "min_words: 21")
        (request,) = tick(shop, instance, loaded).run_requests
        assert request.tags["modelmill/reason"].startswith("3 stale: corpus/filtered[books.base.000]")
        assert request.asset_selection is None, "the run reads the recipe itself"
        shop.up()
        assert "nothing to do" in str(tick(shop, instance, loaded).skip_message)
        shop.recipe_file.write_text("name: [")
        assert "cannot be read" in str(tick(shop, instance, loaded).skip_message)


def test_a_recipe_that_does_not_load_is_shown_and_stops_only_itself(shop: Any, tmp_path: Path) -> None:
    from pipelines.definitions import build_definitions

    broken = tmp_path / "broken one.yaml"
    broken.write_text("name: broken\nsources: {x: {format: nothing}}\n")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = build_definitions([broken, shop.recipe_file], shop.home)
        graph = found.resolve_asset_graph()
    assert "no format is named 'nothing'" in str(graph.get(dg.AssetKey(["broken_recipes", "broken_one"])).description)
    assert found.resolve_job_def("small_bring_up_to_date")


def test_a_broken_recipe_beside_it_stops_no_command(shop: Any, monkeypatch: Any, tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("name: [")
    monkeypatch.setenv("MILL_RECIPES", f"{broken}{os.pathsep}{shop.recipe_file}")
    process = shop.start("up", "corpus/documents")
    said, _ = process.communicate(timeout=240)
    assert process.returncode == 0, said
    assert "5 cells made" in said


def test_the_refresh_job_brings_the_recipe_up_to_date(shop: Any) -> None:
    shop.change_recipe(shop.recipe_file.read_text()[shop.recipe_file.read_text().index("models:") :], "")
    from pipelines.daemon.instance_folder import prepare_instance

    environment = {
        **os.environ,
        "DAGSTER_HOME": str(prepare_instance(shop.home)),
        "MILL_RECIPES": str(shop.recipe_file),
        "MILL_HOME": str(shop.home.root),
    }
    command = [str(Path(sys.executable).with_name("dagster")), "job", "execute", "-m", "pipelines.definitions", "-j", "small_bring_up_to_date"]
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "RUN_SUCCESS" in done.stderr
    assert shop.waiting() == {}


def test_the_schedule_runs_at_the_recipes_time(shop: Any) -> None:
    schedule = definitions(shop).resolve_schedule_def("small_refresh")
    assert (schedule.cron_schedule, schedule.job_name) == ("0 5 * * *", "small_bring_up_to_date")


def test_a_schedule_may_keep_data_fresh_and_leave_models_alone(shop: Any) -> None:
    from pipelines.daemon.instance import open_instance

    shop.recipe_file.write_text(shop.recipe_file.read_text() + "schedules: {until: corpus/filtered}\n")
    assert not shop.up("corpus/filtered").failed
    loaded = definitions(shop)
    with open_instance(shop.home) as instance:
        assert "nothing to do" in str(tick(shop, instance, loaded).skip_message)
        shop.change_recipe("min_words: 20", "min_words: 21")
        (request,) = tick(shop, instance, loaded).run_requests
        assert request.tags["modelmill/reason"].startswith("3 stale: corpus/filtered[books.base.000]")
        shop.change_recipe("until: corpus/filtered", "until: filtred")
        assert "schedules.until: no stage or asset is named 'filtred'" in str(tick(shop, instance, loaded).skip_message)
