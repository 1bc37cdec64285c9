"""Cards: typed, and every mistake in one is told at once, by its line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pi0bench.content.folders import folder
from pi0bench.errors import UsageError
from pi0bench.policy import registry
from pi0bench.policy.card import read, read_keypoint_card, weights_path
from pi0bench.policy.card_tables import KeypointTrainingTable, TrainingTable
from pi0bench.policy.policy_folders import CARD, EYES_CARD, folders

ROOT = folder("policies")
Change = Callable[[str, str], str]


@pytest.mark.parametrize("name", folders(CARD))
def test_every_card_of_a_policy_is_read(name: str) -> None:
    card = read(folders(CARD)[name])
    path = weights_path(folders(CARD)[name], card)
    assert path.is_file() is not bool(registry.untrained(name))
    assert isinstance(card.training, TrainingTable)
    assert 1 <= card.chunk.execute <= card.chunk.length


@pytest.mark.parametrize("name", folders(EYES_CARD))
def test_every_card_of_a_keypoint_encoder_is_read(name: str) -> None:
    card = read_keypoint_card(folders(EYES_CARD)[name])
    assert isinstance(card.training, KeypointTrainingTable)
    assert card.eyes.side == 128


def test_a_card_that_is_same_as_another_takes_over_its_tables_and_weights() -> None:
    own, other = read(ROOT / "blind"), read(ROOT / "pi0")
    assert weights_path(ROOT / "blind", own) == weights_path(ROOT / "pi0", other)
    assert own.eyes is not None
    assert (own.eyes.name, own.eyes.blank) == ("eyes", True)
    assert (own.head, own.training, own.trunk) == (other.head, other.training, other.trunk)


def test_a_broken_card_is_told_with_its_path(tmp_path: Path) -> None:
    (tmp_path / CARD).write_text("summary = ")
    with pytest.raises(UsageError, match=str(tmp_path)):
        read(tmp_path)


@pytest.mark.parametrize(
    ("policy", "old", "new", "told"),
    [
        ("pi0", "muon_lr = 3e-3", "muon_rl = 5", ':42: training.muon_rl: unknown key; did'),
        ("pi0", "muon_lr = 3e-3", "", ': training: "muon_lr" is missing'),
        ("pi0", "draws = 2", "draws = 2.5", "training.draws: must be a whole number; got 2.5"),
        ("pi0", "\nlr = 3e-3", '\nlr = "fast"', "training.lr: must be a number; got fast"),
        ("pi0", "seed = 0", "seed = true", "training.seed: must be a whole number; got True"),
        ("pi0", '"long", "plain"]', "1]", "training.suites: must be a list, each text"),
        ("pi0", "summary =", "sumary =", 'sumary: unknown key; did you mean "summary"?'),
        ("pi0", "[text]", "[txt]", 'txt: unknown key; did you mean "text"?'),
        ("pi0", "[training]", "[train]", '"training" is missing'),
        ("pi0", "head_dim", "heads_dim", 'trunk.heads_dim: unknown key; did you mean "head_dim"?'),
        ("pi0", "depth = 4", 'depth = "4"', "trunk.depth: must be a whole number; got 4"),
        ("pi0", "execute = 8", "excute = 8", 'chunk.excute: unknown key; did you mean "execute"?'),
        ("pi0", "execute = 8", "execute = 17", "chunk.execute: must be 1 to the length, 16"),
        ("pi0", "length = 16", "length = 17", "chunk.length: must be 1 to 16, 0.8 s at 20 Hz; got"),
        ("pi0", "length = 16", "length = 16\ncontrol_hz = 0", "control_hz: must be 1 or more"),
        ("pi0", "motion_steps = 4", "motion_steps = 3", "motion_steps: must be 0, or 4, which"),
        ("pi0", 'name = "eyes"', 'name = "../x"', 'eyes.name: no folder "../x"; known: eyes'),
        ("pi0", 'kind = "gaussian_path"', 'kind = "gausian_path"', 'no head "gausian_path"; did'),
        ("pi0", "sampler =", "smpler =", 'head.smpler: unknown key; did you mean "sampler"?'),
        ("pi0", 'sampler = "euler"', 'sampler = "eulr"', 'head.sampler: no sampler "eulr"'),
        ("pi0", "steps = 10", "steps = 1.5", "head.steps: must be a whole number; got 1.5"),
        ("nflow", "horizon = 8", "horison = 8", 'head.horison: unknown key; did you mean "hor'),
        ("fast", "vocabulary = 384", "vocabulary = []", "head.vocabulary: must be a whole number"),
        ("fast", "vocabulary = 384", "tokenizer = {}", "head.tokenizer: unknown key; known: codec"),
        ("rt1", 'bins = "centres"', "bins = 3", "head.bins: must be text in quotes; got 3"),
        ("act", 'kind = "act"', 'kind = "atc"', 'no architecture "atc"; did you mean "act"?'),
        ("dp3", "[points]", "[point]", 'point: unknown key; did you mean "points"?'),
        ("dp3", "widths = [48, 96, 144]", "widths = 48", "network.widths: must be a list"),
        ("dp3", "[points]\ncount = 512", "", 'points: an architecture "dp3" needs this table'),
        ("blind", "blank = true", "blank = 1", "eyes.blank: must be true or false; got 1"),
        ("blind", 'same_as = "pi0"', 'same_as = "ddim"', "ddim has no weights of its"),
        ("blind", 'same_as = "pi0"', 'same_as = "pi"', 'same_as: no folder "pi"; did you'),
        ("blind", 'same_as = "pi0"', "same_as = [3]", 'same_as: no folder "[3]"'),
        ("pi0", "[text]", "[state]\nlag = 0\n[text]", "state.lag: must be true or false; got 0"),
        ("eyes", "held_out =", "heldout =", 'training.heldout: unknown key; did you mean'),
        ("eyes", "side = 128", "side = 96", "eyes.side: must be a multiple of 64; got 96"),
        ("eyes", "side = 128", "side = 0", "eyes.side: must be a multiple of 64; got 0"),
    ],
)  # fmt: skip
def test_a_misspelled_card_is_refused_in_a_sentence(
    tmp_path: Path, policy: str, old: str, new: str, told: str
) -> None:
    file = EYES_CARD if policy == "eyes" else CARD
    text = (ROOT / policy / file).read_text()
    assert old in text
    (tmp_path / file).write_text(text.replace(old, new, 1))
    with pytest.raises(UsageError) as error:
        (read_keypoint_card if policy == "eyes" else read)(tmp_path)
    assert told in str(error.value)
    assert all(line.startswith(f"{tmp_path / file}:") for line in str(error.value).splitlines())


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    text = (ROOT / "pi0" / CARD).read_text()
    for old, new in {"muon_lr": "muon_rl", "execute": "excute", "depth = 4": "depth = 4.0"}.items():
        text = text.replace(old, new)
    (tmp_path / CARD).write_text(text)
    with pytest.raises(UsageError) as error:
        read(tmp_path)
    said = str(error.value)
    assert [part in said for part in ("training.muon_rl", "chunk.excute", "trunk.depth")] == [
        True
    ] * 3
