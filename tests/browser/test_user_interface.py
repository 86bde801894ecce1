"""A stranger in the UI: looks at the graph, makes an asset, sees that it succeeded, its checks and its loss curve."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.locations import PROJECT
from tests.small_recipe import SMALL

pytestmark = pytest.mark.browser
CHROMIUM = "/usr/bin/chromium"
WAIT_MS = 90_000
RECIPE = SMALL.replace("name: small\n", "name: shop\nowner: team:shop\n").replace("  chats: {format: chats, path: chats}\n", "")


CHECKS = """{ assetNodeOrError(assetKey: {path: ["shop", "models", "base"]}) { ... on AssetNode { assetChecksOrError { ... on AssetChecks {
    checks { name executionForLatestMaterialization { status evaluation { success } } } } } } } }"""


def check_outcomes(answer: dict[str, Any]) -> dict[str, tuple[str, bool]]:
    """Return what came of each check of the model, by name, as the UI itself asks for it."""
    checks = answer["data"]["assetNodeOrError"]["assetChecksOrError"]["checks"]
    runs = {check["name"]: check["executionForLatestMaterialization"] for check in checks}
    return {name: (run["status"], run["evaluation"]["success"]) for name, run in runs.items()}


def free_ports() -> int:
    """Return a port that is free and whose next one is too."""
    for port in range(3400, 3600, 2):
        with socket.socket() as first, socket.socket() as second:
            if first.connect_ex(("127.0.0.1", port)) and second.connect_ex(("127.0.0.1", port + 1)):
                return port
    raise RuntimeError("no two free ports between 3400 and 3600")


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return response.status == 200
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe made up to its mixture; the model is left for the browser."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "books").mkdir()
    passage = "The river ran by the old house of stone and people have seen that light with wonder to be told. "
    for number in range(6):
        words = [f"{word}{'' if index % 5 else number}" for index, word in enumerate((passage * 12).split())]
        (folder / "books" / f"book-{number}.txt").write_text(" ".join(words))
    (folder / "recipe.yaml").write_text(RECIPE)
    command = [sys.executable, "-m", "pipelines.commands", "up", "tokens/mixture_pretrain", "--recipe", str(folder / "recipe.yaml")]
    made = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=240, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    return folder


@pytest.fixture(scope="module")
def ui(shop: Path) -> Iterator[str]:
    """The address of the running UI."""
    port = free_ports()
    command = [sys.executable, "-m", "pipelines.commands", "ui", "--recipe", str(shop / "recipe.yaml"), "--port", str(port)]
    with (shop / "ui.log").open("w") as log:
        process = subprocess.Popen(command, cwd=PROJECT, stdout=log, stderr=log, start_new_session=True)
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 180
        while not answers(url):
            assert process.poll() is None and time.monotonic() < deadline, (shop / "ui.log").read_text()[-3000:]
            time.sleep(1)
        yield url
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def test_a_stranger_makes_a_model_and_sees_its_checks_and_loss_curve(ui: str, shop: Path, request: pytest.FixtureRequest) -> None:
    from playwright.sync_api import Error, expect, sync_playwright

    pictures = Path(os.environ.get("MILL_SCREENSHOTS", shop / "screenshots"))
    pictures.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        page = browser.new_page(viewport={"width": 1700, "height": 1050})
        page.set_default_timeout(WAIT_MS)

        page.goto(f"{ui}/asset-groups")
        expect(page.get_by_text("shop_models").first).to_be_visible(timeout=WAIT_MS)
        with contextlib.suppress(Error):  # the greeting is shown on a first visit only
            page.get_by_role("button", name="Skip").click(timeout=3000)
        page.wait_for_timeout(2000)
        page.screenshot(path=pictures / "graph.png")

        page.goto(f"{ui}/assets/shop/models/base")
        page.get_by_role("button", name="Materialize").first.click()
        model = shop / ".mill" / "lake" / "shop" / "models" / "base" / "_" / "manifest.json"
        deadline = time.monotonic() + 180
        while not model.exists():
            assert time.monotonic() < deadline, (shop / "ui.log").read_text()[-3000:]
            page.wait_for_timeout(1000)

        page.goto(f"{ui}/runs")
        expect(page.get_by_text("Success").first).to_be_visible(timeout=WAIT_MS)
        page.screenshot(path=pictures / "runs.png")

        page.goto(f"{ui}/assets/shop/models/base")
        curve = page.get_by_text("loss_curve").first
        expect(curve).to_be_visible(timeout=WAIT_MS)
        page.screenshot(path=pictures / "model.png")
        curve.scroll_into_view_if_needed()
        page.get_by_role("row", name="loss_curve").get_by_text("Show Markdown").click()
        expect(page.get_by_alt_text("loss_curve")).to_be_visible(timeout=WAIT_MS)
        page.screenshot(path=pictures / "loss_curve.png")

        page.goto(f"{ui}/assets/shop/models/base?view=checks")
        expect(page.get_by_text("loss_is_finite_and_fell").first).to_be_visible(timeout=WAIT_MS)
        page.get_by_text("loss_is_finite_and_fell").first.click()
        expect(page.get_by_text("Passed", exact=True).first).to_be_visible(timeout=WAIT_MS)
        page.screenshot(path=pictures / "checks.png")
        outcomes = check_outcomes(page.request.post(f"{ui}/graphql", data={"query": CHECKS}).json())
        assert outcomes["loss_is_finite_and_fell"] == ("SUCCEEDED", True), "its name on the page is not its passing"
        assert set(outcomes.values()) == {("SUCCEEDED", True)}, outcomes
        browser.close()

    port = int(ui.rpartition(":")[2]) + 1
    assert answers(f"http://127.0.0.1:{port}/index.html"), "Data Docs are served beside the UI"
