from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pi0bench.cli import main
from pi0bench.envs.render.presentation import PlainPresentation
from pi0bench.evaluate import task_gallery as module
from pi0bench.evaluate.task_gallery import EYES_PX, PANEL_PX, Row, gallery, sheet
from pi0bench.task.task_files import task


@pytest.fixture(autouse=True)
def without_opengl(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every machine can draw with tiny."""
    monkeypatch.setattr(module, "choose", lambda name, engine: ("tiny", ""))
    monkeypatch.setattr(module, "presentation", lambda: (PlainPresentation(), ""))


def flat(size: tuple[int, int], value: int) -> np.ndarray:
    return np.full((*size, 3), value, np.uint8)


def row(task_id: str, first: int) -> Row:
    panels = tuple(flat(PANEL_PX, first + number) for number in range(6))
    return Row(task_id, "do the thing", panels, flat((EYES_PX, EYES_PX), first + 6))


def test_a_sheet_has_every_panel_whole_in_rows_and_in_order() -> None:
    picture = sheet([row("one", 100), row("two", 150)], ["mujoco", "pybullet"])
    assert picture.shape[1] <= 1500
    corners = []
    for first in (100, 150):
        for number in range(7):
            ys, xs = np.nonzero((picture == first + number).all(axis=2))
            height, width = PANEL_PX if number < 6 else (EYES_PX, EYES_PX)
            solid = picture[ys.min() : ys.min() + height, xs.min() : xs.min() + width]
            assert solid.shape == (height, width, 3)
            assert (solid == first + number).all()
            corners.append((ys.min(), xs.min()))
    for line in (corners[:7], corners[7:]):
        lefts = [int(left) for _, left in line]
        assert lefts == sorted(lefts)
        assert len({top for top, _ in line[:6]}) == 1
        assert min(np.diff(lefts)) > PANEL_PX[1]
    assert corners[7][0] >= corners[0][0] + PANEL_PX[0]


def test_a_sheet_says_which_task_and_what_is_asked() -> None:
    one, other = (sheet([row(name, 100)], ["mujoco"]) for name in ("one_task", "another"))
    assert one.shape == other.shape
    _, columns = np.nonzero((one != other).any(axis=2))
    left_panel = np.nonzero((one == 100).all(axis=2))[1].min()
    assert columns.size > 0
    assert columns.max() < left_panel


def test_start_middle_and_end_differ_and_the_same_command_gives_the_same_file(
    tmp_path: Path,
) -> None:
    said: list[str] = []
    paths = [tmp_path / "new" / "a.png", tmp_path / "b.png"]
    for path in paths:
        assert gallery([task("reach_cube")], path, said.append) == 0
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert said == [f"1 tasks: {path}" for path in paths]
    pixels = np.asarray(Image.open(paths[0]))
    lefts, top = module._lefts(2), module._HEAD_PX
    panels = [pixels[top : top + PANEL_PX[0], x : x + PANEL_PX[1]] for x in lefts[:6]]
    for one in range(6):
        assert panels[one].std() > 5
        for other in range(one + 1, 6):
            if {one, other} != {0, 3}:  # the engines agree on the start
                assert not np.array_equal(panels[one], panels[other])


def test_a_task_whose_expert_fails_is_drawn_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from pi0bench.task.tabletop_episode import Tabletop

    monkeypatch.setattr(Tabletop, "expert_action", lambda env: np.zeros(7))
    out = tmp_path / "gallery.png"
    assert main(["gallery", "--task", "reach_cube", "--out", str(out)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "reach_cube: mujoco: the expert failed",
        "reach_cube: pybullet: the expert failed",
        f"1 tasks: {out}",
    ]
    assert Image.open(out).size[1] > PANEL_PX[0]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--suite", "tabletap"], 'no suite "tabletap"; did you mean "tabletop"?'),
        (["--task", "reach_cub"], 'no task "reach_cub"; did you mean "reach_cube"?'),
    ],
)
def test_an_unknown_name_is_refused(
    args: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["gallery", *args]) == 2
    assert capsys.readouterr().err == f"pi0bench: {message}\n"
    assert not list(tmp_path.iterdir())
