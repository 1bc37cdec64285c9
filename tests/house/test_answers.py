"""The answers to the stranger's questions stand where they are said to."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

HERE = Path(__file__).parent


def test_every_question_has_an_answer_that_is_there(checkout: Path) -> None:
    answers = tomllib.loads((HERE / "answers.toml").read_text("utf-8"))
    asked = re.findall(r"^(\d+)\. ", (HERE / "QUESTIONS.md").read_text("utf-8"), re.MULTILINE)
    assert list(answers) == asked
    for number, (name, *paths) in answers.items():
        files = [checkout / "pi0bench" / path for path in paths]
        assert all(path.is_file() for path in files), number
        defined = (node for node in ast.walk(ast.parse(files[0].read_text("utf-8"))))
        kinds = (ast.FunctionDef, ast.ClassDef)
        assert name in {node.name for node in defined if isinstance(node, kinds)}, number
