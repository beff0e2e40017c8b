"""Pages as a browser draws them: every figure, wide and narrow, without a complaint and without a request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import hpcore as hp
import hpcore.report

from .browser import Browser, chromium
from .conftest import KINDS, ODD

pytest.importorskip("plotly")
PROGRAM = chromium()
pytestmark = [pytest.mark.doors, pytest.mark.skipif(PROGRAM is None, reason="Chromium is not installed")]

READY = "document.documentElement.dataset.ready === 'yes'"
# A hint of the browser about plotly's way to draw words; nothing is wrong.
HINTS = ("Canvas2D: Multiple readback operations",)


@pytest.fixture(scope="module")
def pages(searches: Callable[[str], Any], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return the page of a search of `KINDS` by its name."""
    folder = tmp_path_factory.mktemp("pages")

    def page(kind: str) -> Path:
        path = folder / f"{kind}.html"
        return path if path.exists() else hp.report.html(searches(kind), path)

    return page


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    assert PROGRAM is not None
    with Browser(PROGRAM, tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


def complaints(page: Any) -> list[str]:
    return [text for text in page.complaints if not text.startswith(HINTS)]


# Of the odd searches, those whose pages differ most.
FAR = ("no trials", "failures only", "a hundred parameters", "huge and non-finite", "three objectives")

# What plotly draws points, bars, bands and maps with.
MARKS = ".point, .trace path, .bars path, .contourlayer path, .heatmaplayer image, .js-fill, .js-line"
COUNTS = (
    "(() => { const places = [...document.querySelectorAll('.plot')];"
    " const drawn = place => { const box = place.getBoundingClientRect();"
    f" const marks = place.querySelectorAll('{MARKS}');"
    " const canvases = [...place.querySelectorAll('canvas')].filter(c => c.width > 100 && c.height > 100);"
    " return box.width > 200 && box.height > 60 && (marks.length > 0 || canvases.length > 0); };"
    " return [places.length, places.filter(drawn).length, document.querySelectorAll('.broken').length,"
    " document.documentElement.scrollWidth]; })()"
)


@pytest.mark.parametrize("width", [1200, 400])
@pytest.mark.parametrize("kind", KINDS)
def test_every_figure_is_drawn(kind: str, width: int, browser: Browser, pages: Callable[[str], Path]) -> None:
    page = browser.open(pages(kind), width, ready=READY)
    n, drawn, broken, needed = page.evaluate(COUNTS)
    assert n >= 8 and drawn == n and broken == 0
    assert needed <= width  # nothing is cut off
    assert complaints(page) == []
    page.close()


def test_odd_searches_are_drawn(browser: Browser, tmp_path: Path) -> None:
    for kind in FAR:
        path = hp.report.html(ODD[kind](), tmp_path / "report.html")
        page = browser.open(path, 1200, ready=READY)
        n, _, broken, needed = page.evaluate(COUNTS)
        assert (broken, needed <= 1200, complaints(page)) == (0, True, []), kind
        assert page.evaluate("document.querySelectorAll('.plot[data-drawn]').length") == n, kind
        page.close()


def test_another_panel_by_keyboard(browser: Browser, pages: Callable[[str], Path]) -> None:
    page = browser.open(pages("conditional"), 1200, ready=READY)
    title = "document.getElementById('plot-contour-0').layout.xaxis.title.text"
    before = page.evaluate(title)
    page.evaluate("document.querySelector('select[data-section=contour]').focus()")
    other = page.evaluate(
        "(() => { const s = document.activeElement; const k = [...s.options].findIndex(o => !o.text.startsWith("
        "s.options[0].text.split(' ')[0])); return k < 0 ? s.options.length - 1 : k; })()"
    )
    for _ in range(other):
        page.press("ArrowDown", 40)
    page.evaluate("new Promise(done => setTimeout(done, 500))")
    assert page.evaluate("document.querySelector('select[data-section=contour]').selectedIndex") == other
    after = page.evaluate(title)
    assert after is not None and (after != before or other == 0)
    assert complaints(page) == []
    page.close()


def test_a_surface_turns_by_keyboard(browser: Browser, pages: Callable[[str], Path]) -> None:
    page = browser.open(pages("hyperband"), 1200, ready=READY)
    eye = "document.getElementById('plot-surface-0')._fullLayout.scene.camera.eye.x"
    before = page.evaluate(eye)
    page.evaluate("document.getElementById('plot-surface-0').focus()")
    page.press("ArrowRight", 39)
    page.evaluate("new Promise(done => setTimeout(done, 300))")
    assert page.evaluate(eye) != pytest.approx(before)
    page.close()


def test_text_of_a_search_is_text(browser: Browser, tmp_path: Path) -> None:
    evil = "<b>bold</b><img src=x onerror=\"document.title='broken'\">"
    study = hp.Study({evil: hp.Float(0, 1), "choice": [evil, "</script>"]}, name=evil, sampler="random", seed=0)
    study.run(lambda trial: trial[evil], 12)
    page = browser.open(hp.report.html(study, tmp_path / "report.html"), 1200, ready=READY)
    assert page.evaluate("document.querySelectorAll('img').length") == 0
    assert page.evaluate("document.querySelector('h1').textContent") == evil
    titles = page.evaluate("[...document.querySelectorAll('.xtitle')].map(title => title.textContent)")
    assert any("<img src=x" in title and "<b>" in title for title in titles)
    assert "broken" not in page.evaluate("document.title").replace(evil, "")
    assert complaints(page) == []
    page.close()


def test_paper(browser: Browser, pages: Callable[[str], Path], tmp_path: Path) -> None:
    page = browser.open(pages("conditional"), 1200, ready=READY)
    page.pdf(tmp_path / "report.pdf")
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
    assert complaints(page) == []
    # Afterwards the figures are as wide as before.
    assert page.evaluate("document.getElementById('plot-history-0')._fullLayout.width") > 800
    page.close()
