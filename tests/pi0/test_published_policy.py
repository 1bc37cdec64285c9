"""A checkpoint on disk drives the benchmark's robot."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sentencepiece import SentencePieceTrainer

from pi0bench.errors import UsageError
from pi0bench.evaluate import policy_sources
from pi0bench.pi0.checkpoint import WEIGHTS, Told
from pi0bench.pi0.checkpoint_folder import opened
from pi0bench.pi0.random_checkpoint import write
from pi0bench.policy.policy_protocol import Observation
from tests.pi0.conftest import MAPPING, SMALL

TEXT = ("open the drawer", "pick up the red cube", "put it in the bowl", "press the button")


@pytest.fixture(scope="session")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of a few words, as PaliGemma's is of many."""
    home = tmp_path_factory.mktemp("words")
    (home / "text").write_text("\n".join(TEXT * 20))
    SentencePieceTrainer.train(
        input=str(home / "text"),
        model_prefix=str(home / "tokenizer"),
        vocab_size=40,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    return home / "tokenizer.model"


@pytest.fixture
def name(checkpoint: Path, tokenizer: Path) -> str:
    shutil.copy(tokenizer, checkpoint)
    (checkpoint / "pi0bench.toml").write_text(MAPPING)
    return f"pi0@{checkpoint}?dtype=float32"


def seen(instruction: str, shade: int = 100) -> Observation:
    images = {view: np.full((28, 28, 3), shade, np.uint8) for view in ("front", "wrist")}
    felt = np.zeros(13, np.float32)
    return Observation(images, felt, instruction, joints_rad=np.full(7, 0.3, np.float32))


def planned(name: str, *observations: Observation, steps: int = 3) -> np.ndarray:
    policy = policy_sources.load(name)
    noise = [np.random.default_rng(4) for _ in observations]
    plan = policy.plan(observations, noise, steps, "euler")
    assert np.array_equal(plan.trunk_evaluations, [steps] * len(observations))
    assert list(plan.spent_ms) == ["eyes", "prefix", "sampler"]
    return plan.actions


def test_it_plans_by_what_it_sees_and_is_told(name: str) -> None:
    policy_sources.check(name)
    plain = planned(name, seen("open the drawer"))
    assert plain.shape == (1, SMALL.action_horizon, 7)
    assert np.array_equal(plain, planned(name, seen("open the drawer")))
    for other in (seen("open the drawer", 200), seen("press the button")):
        assert np.abs(planned(name, other) - plain).max() > 1e-3
    both = planned(name, seen("press the button", 7), seen("open the drawer"))
    assert np.array_equal(both[1:], plain)


@pytest.mark.parametrize("layout", ["LeRobot"])
def test_either_layout_is_the_same_policy(tmp_path: Path, name: str, layout: str) -> None:
    write(tmp_path / "other", SMALL, "openpi", torch.float32)
    for file in ("pi0bench.toml", "tokenizer.model"):
        shutil.copy(tmp_path / "LeRobot" / file, tmp_path / "other")
    other = name.replace(str(tmp_path / "LeRobot"), str(tmp_path / "other"))
    actions = planned(name, seen("open the drawer"))
    # They add another epsilon to a spread of one.
    assert planned(other, seen("open the drawer")) == pytest.approx(actions, abs=1e-4)


def changed(checkpoint: Path, **tensors: torch.Tensor | None) -> Path:
    """The checkpoint with tensors added, replaced or, where they are None, left out."""
    path = checkpoint / WEIGHTS
    own = load_file(path)
    prefix = "model." if all(name.startswith("model.") for name in own) else ""
    for name, x in tensors.items():
        named = prefix + name.replace("__", ".")
        if x is None:
            del own[named]
        else:
            own[named] = x
    save_file(own, path)
    return checkpoint


TOLD = Told(action_horizon=SMALL.action_horizon)


def test_what_does_not_fit_is_refused_by_name(checkpoint: Path) -> None:
    assert opened(checkpoint, TOLD).variant == SMALL
    changed(checkpoint, extra__weight=torch.zeros(2))
    with pytest.raises(UsageError, match=r"extra\.weight is left over"):
        opened(checkpoint, TOLD)
    changed(checkpoint, extra__weight=None, state_proj__bias=None)
    with pytest.raises(UsageError, match=r"state_proj\.bias is missing"):
        opened(checkpoint, TOLD)
    changed(checkpoint, state_proj__bias=torch.zeros(5))
    with pytest.raises(UsageError, match=r"state_proj\.bias has shape \(5,\), not \(32,\)"):
        opened(checkpoint, TOLD)


def test_a_tied_embedding_may_have_either_name(checkpoint: Path) -> None:
    plain = opened(checkpoint, TOLD)
    path = checkpoint / WEIGHTS
    own = load_file(path)
    names = {name: name for name in own}
    embedding = next(name for name in own if name.endswith("language_model.embed_tokens.weight"))
    names[embedding] = embedding.replace("model.language_model.embed_tokens", "lm_head")
    save_file({names[name]: x for name, x in own.items()}, path)
    one, other = plain.file, opened(checkpoint, TOLD).file
    assert one.shapes == {k: v for k, v in other.shapes.items() if "lm_head" not in k}


def test_a_broken_file_is_refused(checkpoint: Path) -> None:
    path = checkpoint / WEIGHTS
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(UsageError, match="no intact safetensors file"):
        opened(checkpoint, TOLD)
    path.unlink()
    with pytest.raises(UsageError, match="no such file"):
        opened(checkpoint, TOLD)


@pytest.mark.parametrize("layout", ["LeRobot"])
def test_statistics_may_stand_beside_the_weights(checkpoint: Path, layout: str) -> None:
    """As LeRobot had them before its version 0.4."""
    for path in checkpoint.glob("policy_*"):
        path.unlink()
    with pytest.raises(UsageError, match=r"policy_preprocessor\.json: cannot be read"):
        opened(checkpoint, TOLD)
    path, mean = checkpoint / WEIGHTS, torch.arange(13.0)
    rows = {
        f"{of}.buffer_{feature}.{end}": x.clone()
        for of, feature, x in (
            ("normalize_inputs", "observation_state", mean),
            ("unnormalize_outputs", "action", mean[:7]),
            ("normalize_targets", "action", mean[:7]),
        )
        for end in ("mean", "std")
    }
    save_file({**load_file(path), **rows}, path)
    found = opened(checkpoint, TOLD).transforms
    assert found.state.low.tolist() == mean.tolist()
    assert found.actions.high.tolist() == mean[:7].tolist()


@pytest.mark.parametrize("layout", ["LeRobot"])
def test_relative_actions_have_to_be_told(checkpoint: Path, layout: str) -> None:
    path = checkpoint / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "use_relative_actions": True}))
    with pytest.raises(UsageError, match="its actions are relative; say which ones"):
        opened(checkpoint, TOLD)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("pi0@nowhere", "nowhere/pi0bench.toml: No such file"),
        ("pi05@nowhere", "nowhere/pi0bench.toml: No such file"),
        ("pi0@nowhere?dtyp=float32", 'no option "dtyp"; did you mean "dtype"?'),
        ("pi0@nowhere?dtype=half", 'no dtype "half"'),
        ("pi0@nowhere?device=tpu", 'no device "tpu"'),
    ],
)
def test_a_wrong_name_says_what_would_work(wrong: str, said: str) -> None:
    with pytest.raises(UsageError) as refusal:
        policy_sources.load(wrong)
    assert said in str(refusal.value)


@pytest.mark.parametrize(
    ("own", "other", "said"),
    [
        ('["proprio"]', '["joints_rad"]', "observation.state: 7 numbers; the checkpoint knows 13"),
        ("image_side = 28", "image_side = 64", "image_side: 28 px are what it sees"),
        ("_rgb", "_grey", "names no camera of base_0_rgb, left_wrist_0_rgb, right_wrist_0_rgb"),
        ("state =", "feeling =", 'say what "state" is made of'),
        ("action_horizon", "horizon", "unexpected keyword argument 'horizon'"),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused(
    name: str, tmp_path: Path, own: str, other: str, said: str
) -> None:
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(MAPPING.replace(own, other))
    with pytest.raises(UsageError) as refusal:
        policy_sources.load(f"{name}&mapping={mapping}")
    assert said in str(refusal.value)


def test_the_other_model_has_another_name(name: str) -> None:
    with pytest.raises(UsageError, match="is a π0: say pi0@"):
        policy_sources.load(name.replace("pi0@", "pi05@", 1))


def test_a_second_training_of_ours_is_no_checkpoint() -> None:
    policy_sources.check("pi0@1")
    with pytest.raises(UsageError, match="no such file"):
        policy_sources.load("pi0@1")


def test_the_command_measures_it(name: str, checkout: Path, tmp_path: Path) -> None:
    asked = f"--task open_drawer --steps 1 5 10 --episodes 1 --no-video --out {tmp_path / 'run'}"
    ran = subprocess.run(
        [sys.executable, "-m", "pi0bench", "run", "--policy", name, *asked.split()],
        cwd=checkout,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    said = " ".join(ran.stdout.split())
    assert "layout, π0, 10 steps a chunk, 13 numbers of state and 7 of action by z_score" in said
    rows = (tmp_path / "run" / "table.csv").read_text().splitlines()
    assert len(rows) == 1 + 3
