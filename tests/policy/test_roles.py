"""What a policy says of itself to the comparison, wherever it comes from."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pi0bench.content.folders import folder
from pi0bench.errors import UsageError
from pi0bench.openpi.server import metadata
from pi0bench.policy import registry
from pi0bench.policy.card import read
from pi0bench.policy.learned_policy import load_policy
from pi0bench.policy.policy_folders import CARD, folders
from pi0bench.policy.policy_protocol import Traits
from pi0bench.policy.weights_file import digest as digest_of
from pi0bench.policy_role import Role, role
from pi0bench.records.policy_roles import KNOWN


def test_cards_and_baselines_say_what_old_records_are_known_for() -> None:
    found = {name: registry.load(name).traits.role for name in KNOWN}
    assert found == KNOWN
    assert registry.load("pi0").traits.role is Role.COMPETES
    said = {name: read(home).role for name, home in folders().items()}
    newer = {name for name in said.keys() - KNOWN.keys() if said[name] != "competes"}
    assert newer == {"nflow_zero"}
    assert said["nflow_zero"] == "control"


def test_a_role_is_one_of_three() -> None:
    assert [role(word, "here") for word in ("competes", "control", "privileged")] == list(Role)
    for wrong in ("Control", "", None, 3, ["control"]):
        with pytest.raises(UsageError, match=r"here: no role .*; known: competes, control, priv"):
            role(wrong, "here")


def test_other_packages_give_words() -> None:
    assert Traits().role is Role.COMPETES
    assert Traits(role="control").role is Role.CONTROL  # pyright: ignore[reportArgumentType]
    with pytest.raises(UsageError, match="no role 'best'; known: competes, control, privileged"):
        Traits(role="best")  # pyright: ignore[reportArgumentType]


def test_a_card_with_another_role_is_refused_and_the_weights_stay(tmp_path: Path) -> None:
    home = tmp_path / "blind"
    shutil.copytree(folder("policies") / "blind", home)
    path = home / CARD
    said = path.read_text()
    assert 'role = "control"\n' in said
    digest = digest_of(path)
    path.write_text(said.replace('"control"', '"judge"'))
    with pytest.raises(UsageError, match=r"policy\.toml:3: role: no role 'judge'; known: competes"):
        load_policy(home)
    path.write_text(said.replace('role = "control"\n', ""))
    assert load_policy(home).traits.role is Role.COMPETES
    assert digest_of(path) == digest
    path.write_text(said.replace("blank = true", "blank = false"))
    assert digest_of(path) != digest


def test_a_server_says_it() -> None:
    (said,) = metadata(registry.load("zero")).values()
    assert said["role"] == "control"
