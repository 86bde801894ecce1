"""A stranger on the chat page: asks, sees the answer come, what the model thought of a word, stops it and has it said anew."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.pipelines.serving.house import House, Shelved, opened, tiny

pytestmark = pytest.mark.browser
CHROMIUM = "/usr/bin/chromium"
HOSTILE = "<img src=x onerror=\"document.title='taken'\">"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with opened([Shelved("tiny", tiny(tmp_path))]) as found:
        yield found


@pytest.fixture
def page(house: House) -> Iterator[Any]:
    """The page, which must not complain of anything."""
    pytest.importorskip("playwright")
    if not Path(CHROMIUM).exists():
        pytest.skip("chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        found = browser.new_page()
        complaints: list[str] = []
        found.on("pageerror", lambda error: complaints.append(str(error)))
        found.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        found.goto(house.url)
        found.locator("#version", has_text="c0ffee").wait_for()
        yield found
        browser.close()
        assert complaints == []


def ask(page: Any, words: str, most: int) -> None:
    page.evaluate("most => { document.getElementById('most').value = most }", most)
    page.fill("#words", words)
    page.keyboard.press("Enter")


def test_what_is_said_is_text_and_each_word_tells_what_the_model_thought(page: Any) -> None:
    ask(page, HOSTILE, 20)
    page.wait_for_selector("article.assistant .about")
    assert page.inner_text("article.user .said") == HOSTILE and page.title() == "Modelmill" and page.locator("main img").count() == 0
    page.locator("article.assistant .said span").first.hover()
    rows = page.locator("#hover .row")
    assert rows.count() in (5, 6) and page.locator("#hover .row.chosen").count() == 1 and "%" in rows.first.inner_text()
    assert page.inner_text("#version") == "c0ffee"


def test_an_answer_is_stopped_and_said_anew(page: Any, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    served = house.serving.shelf.get("tiny")
    engine: Any = served.engine
    step = engine.step
    monkeypatch.setattr(engine, "step", lambda: time.sleep(0.02) or step())
    served.stops = frozenset()  # a long answer, which comes slowly
    ask(page, "Hi", 700)
    page.click("#stop")
    page.wait_for_selector("article.assistant .about")
    assert "stopped" in page.inner_text("article.assistant .about")
    page.evaluate("document.getElementById('most').value = 5")
    page.click(".again")
    page.locator("article.assistant .about", has_text="tokens").wait_for()
    assert page.locator("article.assistant").count() == 1 and page.locator("article.user").count() == 1
    page.click("#fresh")
    assert page.locator("article").count() == 0
