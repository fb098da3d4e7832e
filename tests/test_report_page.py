"""The HTML page in a browser: what a person sees, with the eyes of axe too.

Needs `.[browser]`, a Chromium of the system, and for the judgement of axe the path of its script in AXE_SCRIPT
(npm: axe-core). Without them the tests are skipped; `.ci/run` brings them.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.checking import cli

if TYPE_CHECKING:
    from collections.abc import Iterator

sync_api = pytest.importorskip("playwright.sync_api", reason="needs .[browser]")
CHROMIUM: Final = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
AXE: Final = os.environ.get("AXE_SCRIPT")
WIDTHS: Final = (360, 1280)
WRONG: Final = """SMTP_HOST=smtp.gmail.com
SMTP_PORT=465
SMTP_TLS=false
SMTP_USERNAME=shop@gmail.com
SMTP_PASSWORD=abcdabcdabcdabcd
SMTP_SENDER=shop@gmail.com
"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return a page of a healthy check with its transcript, and one of settings that are wrong."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "wrong.env").write_text(WRONG)
    healthy, wrong = folder / "healthy.html", folder / "wrong.html"
    cli("check", "--sandbox", "--transcript", "--format", f"html={healthy}", code=0)
    settings = ("--no-environment", "--env-file", folder / "wrong.env")
    cli("lint", *settings, "--format", f"html={wrong}", code=1)
    return {"healthy": healthy, "wrong": wrong}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Start the system's Chromium."""
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["healthy", "wrong"])
def test_the_page_fits_and_loads_nothing(
    browser: Any, pages: dict[str, Path], name: str, width: int, scheme: str
) -> None:
    """No sideways scrolling, nothing fetched, nothing refused by its own policy, one language at a time."""
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, locale="en-US"
    )
    page = context.new_page()
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(pages[name].as_uri())
    assert (said, asked) == ([], [pages[name].as_uri()])
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    english, korean = page.locator(".in-en"), page.locator(".in-ko")
    assert (english.is_visible(), korean.is_visible()) == (True, False)
    # As who has no mouse does it: the buttons are reached with Tab, and chosen with the arrows.
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    assert (english.is_visible(), korean.is_visible()) == (False, True)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.emulate_media(media="print")
    assert not page.locator(".switch").is_visible()
    assert korean.is_visible()
    context.close()


@pytest.mark.skipif(AXE is None, reason="AXE_SCRIPT names no axe-core")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["healthy", "wrong"])
def test_axe_finds_nothing(browser: Any, pages: dict[str, Path], name: str, scheme: str) -> None:
    """No barrier that the checker knows, in either language: contrast, landmarks, headings, labels."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 800}, color_scheme=scheme, bypass_csp=True
    )
    page = context.new_page()
    page.goto(pages[name].as_uri())
    page.add_script_tag(path=AXE)
    for language in ("en", "ko"):
        page.click(f"label[for=lang-{language}]")
        found = page.evaluate("axe.run()")["violations"]
        assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []
    context.close()
