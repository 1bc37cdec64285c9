"""One page that shows everything, asks for nothing, and obeys no one's name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from pi0bench.records.record import Record, Timing
from pi0bench.records.run_folder import RunFolder
from pi0bench.report.html.html_page import run_page
from pi0bench.report.html.methods_section import executed
from pi0bench.report.html.video_gallery import gallery
from pi0bench.report.rollout_videos import VIDEOS, file_name, write_video
from pi0bench.report.run_files import tables
from pi0bench.report.run_report import run_report
from tests import browser
from tests.fake_records import cell, record

HOSTILE = "</script><img src=x onerror=alert(1)>"
MANIFEST = {
    "command": f"pi0bench run --policy '{HOSTILE}'",
    "settings": {
        "engine": "mujoco",
        "renderer": "gl",
        "episodes": 4,
        "seed": 0,
        "tasks": ["stack"],
    },
    "versions": {"mujoco": "3.9.0", "pi0bench": "0.1.0"},
    "machine": {"system": "Linux", "processor": HOSTILE},
    "weights": {HOSTILE: HOSTILE},
}
HARMLESS = {
    *("html", "head", "meta", "link", "title", "style", "body", "header", "main", "section"),
    *("footer", "nav", "h1", "h2", "h3", "p", "ul", "li", "a", "span", "strong", "br", "i"),
    *("code", "pre", "div", "table", "thead", "tbody", "tr", "th", "td", "svg", "rect"),
    *("details", "summary", "dl", "dt", "dd", "figure", "figcaption", "img", "video"),
}


def written(root: Path, policies: tuple[str, ...], status: str = "policy_fault") -> RunFolder:
    """A run with hostile names, and a video of each policy's failure."""
    records: list[Record] = []
    for policy in policies:
        for task in (HOSTILE, "stack"):
            for episode in range(4):
                asked = cell(episode, policy=policy, task=task)
                failed = episode == 1 or status == "infra_error"
                one = record(asked, status if failed else "success", instruction=HOSTILE)
                records.append(replace(one, fault=HOSTILE) if failed else one)
    with RunFolder.open(root, MANIFEST, [r.cell for r in records]) as folder:
        for one in records:
            folder.append(one, Timing(one.cell.key(), 0.1, 30.0, 10.0, 5.0, 15.0))
    for policy in policies:
        mine = next(r for r in records if r.cell.policy == policy and r.status != "success")
        frames = [np.full((96, 96, 3), 8 * i, dtype=np.uint8) for i in range(20)]
        assert write_video(root / VIDEOS / file_name(mine), frames, 20)
    return RunFolder(root)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return written(tmp_path_factory.mktemp("run"), (HOSTILE, "flow"))


def written_page(folder: RunFolder, incomplete: bool = False) -> str:
    report = run_report(folder, incomplete)
    return run_page(folder.root, report, tables(report)).decode()


@pytest.fixture(scope="module")
def page(folder: RunFolder) -> str:
    return written_page(folder)


class Elements(HTMLParser):
    """All elements of a page, and its words."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data


def test_hostile_words_are_shown_and_not_obeyed(page: str) -> None:
    seen = Elements(page)
    assert {tag for tag, _ in seen.found} <= HARMLESS
    assert not [name for _, attrs in seen.found for name in attrs if name.startswith("on")]
    images = [attrs["src"] or "" for tag, attrs in seen.found if tag == "img"]
    assert len(images) == 1
    assert images[0].startswith("data:image/png;base64,")
    assert f"“{HOSTILE}”" in seen.words
    assert MANIFEST["command"] in seen.words
    assert seen.words.count(HOSTILE) > 20


def test_nothing_lies_elsewhere(page: str) -> None:
    asked = [
        attrs[name] or ""
        for _, attrs in Elements(page).found
        for name in ("src", "href", "poster", "data")
        if name in attrs
    ]
    outside = [a for a in asked if not re.match(r"data:|#|[\w/.-]+\.(md|csv|tex|png)$", a)]
    assert outside == []
    assert "url(" not in page
    assert "@import" not in page
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src data:" in page


def test_equal_records_give_equal_bytes(folder: RunFolder, page: str, tmp_path: Path) -> None:
    other = written(tmp_path / "other", (HOSTILE, "flow"))
    assert written_page(other) == page


def test_the_page_says_what_a_paper_needs(page: str) -> None:
    words = Elements(page).words
    for said in (
        "MuJoCo 3.9.0 with pictures drawn by MuJoCo's OpenGL renderer",
        "the same 4 start states of each task (seed 0)",
        "re-planned after 8 control steps",
        "Clopper and Pearson, 1934",
        "McNemar (1947)",
        "Bold: not distinguishable from the best on the 8 episodes",
        "10.0",
    ):
        assert said in words


def test_films_beyond_the_limit_are_counted_and_failures_stay(folder: RunFolder) -> None:
    records = folder.records()
    success = next(r for r in records if r.status == "success" and r.cell.policy == "flow")
    path = folder.path(VIDEOS) / file_name(success)
    path.write_bytes(b"0" * 100_000)
    try:
        assert len(gallery(folder.root, records).films) == 3
        some = gallery(folder.root, records, 50_000)
        assert [film.success for film in some.films] == [False, False]
        assert some.left_out == 1
        assert some.bytes <= 50_000
    finally:
        path.unlink()


def test_a_run_that_measured_nothing_has_a_page_of_its_faults(tmp_path: Path) -> None:
    folder = written(tmp_path, ("flow",), status="infra_error")
    words = Elements(written_page(folder, incomplete=True)).words
    assert "infra_error" in words
    assert HOSTILE in words


def test_control_steps_between_plans_are_told_where_all_agree() -> None:
    eight = [record(cell(0), length=120, replans=15), record(cell(1), length=60, replans=8)]
    assert executed(eight) == {"pi0": 8}
    assert executed([*eight, record(cell(2), length=60, replans=60)]) == {}


def test_a_video_has_a_name_that_is_a_file_s() -> None:
    names = [file_name(record(cell(policy=p, task="../x"))) for p in (HOSTILE, HOSTILE + " ")]
    assert len(set(names)) == 2
    assert all(re.fullmatch(r"[\w.-]+\.mp4", name) for name in names)
    assert file_name(record(cell())) == "pi0-stack-success-0.mp4"


PROGRAM = browser.found()


@pytest.fixture(scope="module")
def tab() -> Iterator[browser.Tab]:
    if PROGRAM is None:
        pytest.skip(f"no browser is installed; one of {', '.join(browser.NAMES)} would do")
    with browser.opened(PROGRAM) as tab:
        yield tab


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_a_browser_shows_it_and_plays_its_videos(
    tab: browser.Tab, page: str, tmp_path: Path, width: int, dark: bool
) -> None:
    path = tmp_path / "index.html"
    path.write_text(page)
    tab.requests.clear()
    tab.open(path, width, dark)
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert tab.evaluate("document.querySelector('img').naturalWidth > 0")
    played = """(async () => {
        const video = document.querySelector('video');
        await video.play();
        while (video.currentTime < 0.1) await new Promise(done => setTimeout(done, 20));
        return video.videoWidth;
    })()"""
    assert tab.evaluate(played) > 0
    assert tab.complaints == []
    assert [url for url in tab.requests if not url.startswith("data:")] == [path.as_uri()]
