"""The examples do what their page says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pi0bench.data.array_files import write
from pi0bench.policy.policy_folders import EYES_CARD, WEIGHTS, folders
from pi0bench.policy.weights_file import digest, read
from pi0bench.records.run_folder import RunFolder
from tests.faults.processes import PLAIN


@pytest.fixture(scope="module")
def installed(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the external policy is installed, as anyone would."""
    target = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation"]
    pip += ["--no-index", "--target", str(target), str(checkout / "examples" / "policy")]
    subprocess.run(pip, check=True)
    return target


def pi0bench(checkout: Path, site: Path, *args: str) -> str:
    paths = os.pathsep.join(map(str, (site, checkout)))
    done = subprocess.run(
        [sys.executable, *PLAIN, *args],
        capture_output=True,
        text=True,
        cwd=site,
        env={**os.environ, "PYTHONPATH": paths},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_policy_of_another_package_is_listed_and_measured(
    checkout: Path, installed: Path, tmp_path: Path
) -> None:
    (installed / "servo.py").rename(installed / "hidden.py")
    assert "pi0bench-servo:servo" in pi0bench(checkout, installed, "list")  # nothing is imported
    (installed / "hidden.py").rename(installed / "servo.py")
    out = tmp_path / "run"
    asked = "run --policy pi0bench-servo:servo --task reach_cube --renderer tiny --episodes 6"
    pi0bench(checkout, installed, *asked.split(), "--no-video", "--workers", "2", "--out", str(out))
    folder = RunFolder(out)
    assert {record.status for record in folder.records()} <= {"success", "failure"}
    assert "success" in {record.status for record in folder.records()}
    assert folder.manifest()["packages"] == {"pi0bench-servo:servo": "pi0bench-servo==0.1"}


def test_a_policy_with_a_history_has_the_same_records_alone_and_in_company(
    checkout: Path, installed: Path, tmp_path: Path
) -> None:
    found = []
    asked = "run --policy pi0bench-servo:steady --task reach_cube --renderer tiny --episodes 3"
    for how in ("--executor inline --batch 1", "--workers 2 --batch 2"):
        out = tmp_path / how.split()[1]
        more = f"{how} --no-video --out {out}"
        pi0bench(checkout, installed, *asked.split(), *more.split())
        assert {record.fault for record in RunFolder(out).records()} == {""}
        found.append((out / "episodes.jsonl").read_bytes())
    assert found[0] == found[1]


def test_tasks_of_ones_own_are_checked_listed_and_measured(checkout: Path, tmp_path: Path) -> None:
    content = str(checkout / "examples" / "content")
    task = f"{content}/tasks/mine/red_beside_blue.toml"
    pi0bench(checkout, tmp_path, "check", "--content", content, "--", task)
    assert "red_beside_blue" in pi0bench(checkout, tmp_path, "list", "--content", content)
    out = tmp_path / "run"
    asked = "run --policy expert --suite mine --renderer tiny --episodes 4 --no-video --workers 2"
    pi0bench(checkout, tmp_path, *asked.split(), "--content", content, "--out", str(out))
    assert [record.status for record in RunFolder(out).records()] == ["success"] * 4


def test_a_head_of_ones_own_is_trained_and_measured(checkout: Path, tmp_path: Path) -> None:
    content, out = tmp_path / "content", tmp_path / "run"
    shutil.copytree(checkout / "examples" / "head", content)
    home, head = content / "policies" / "my_mixture", content / "heads" / "my_mixture.py"
    small = {"steps": 12, "batch": 4, "depth": 1}
    card = (home / "policy.toml").read_text()
    for key, value in small.items():
        card = re.sub(f"(?m)^{key} = .*", f"{key} = {value}", card)
    (home / "policy.toml").write_text(card)
    features = seen_by_eyes(tmp_path / "features.npz")
    fit = f"train my_mixture --content {content} --features {features} --data {tmp_path / 'data'}"
    assert "my_mixture: 12 of 12" in pi0bench(checkout, tmp_path, *fit.split())
    assert {path.name for path in home.iterdir()} == {"policy.toml", "model.safetensors"}
    _, about = read(home / "model.safetensors")
    assert about["recipe"]["head"] == digest(head)
    measure = (
        f"run --policy zero my_mixture --task reach_cube --renderer tiny --episodes 2 --out {out}"
    )
    asked = [*measure.split(), "--no-video", "--workers", "1", "--content", str(content)]
    assert "my_mixture" in pi0bench(checkout, tmp_path, *asked)
    assert {record.fault for record in RunFolder(out).records()} == {""}
    head.write_text(head.read_text() + "# changed\n")
    with pytest.raises(AssertionError, match="weights"):
        pi0bench(checkout, tmp_path, *asked)


def seen_by_eyes(path: Path, count: int = 16) -> Path:
    """Windows of no demonstration, as the benchmark's own eyes would have seen them."""
    home, rng = folders(EYES_CARD)["eyes"], np.random.default_rng(0)
    looks = read(home / WEIGHTS)[1]["keypoints"]
    arrays = {
        "features": rng.normal(0, 1, (count, len(looks), 10)).astype(np.float16),
        "proprio": rng.normal(0, 1, (count, 13)).astype(np.float32),
        "actions": rng.uniform(-1, 1, (count, 16, 7)).astype(np.float32),
        "valid": rng.random((count, 16)) < 0.9,
        "said": np.zeros(count, np.int64),
        "episode": np.zeros(count, np.int64),
    }
    about = {"sentences": ["touch the red cube"], "looks": looks, "eyes": digest(home / WEIGHTS)}
    episodes = [{"task": "reach_cube", "episode": 0, "mode": ""}]
    return write(path, arrays, {**about, "tasks": {"reach_cube": "0"}, "episodes": episodes})


def test_the_page_names_only_what_there_is(checkout: Path) -> None:
    page = (checkout / "examples" / "README.md").read_text("utf-8")
    for path in re.findall(r"\]\(([^):#]+)\)", page):
        assert (checkout / "examples" / path).exists(), path
