from __future__ import annotations

import warnings

import pytest

from pi0bench.task.call_parser import Call, CallError, check, parse, parse_rule
from pi0bench.task.expert.skill_registry import SKILLS
from pi0bench.task.predicates import PREDICATES


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("retreat()", Call("retreat")),
        ("on(top, base)", Call("on", ("top", "base"))),
        (" near( cube ,reach_m = 0.04 ) ", Call("near", ("cube",), (("reach_m", 0.04),))),
        ("near(cube, reach_m=1e-7)", Call("near", ("cube",), (("reach_m", 1e-7),))),
        ("f(1, 2.5)", Call("f", (1.0, 2.5))),
        ("pick(cup, yaw_deg=-90)", Call("pick", ("cup",), (("yaw_deg", -90.0),))),
    ],
)
def test_a_call_is_read_and_written_back(text: str, call: Call) -> None:
    assert parse(text) == call
    assert parse(str(call)) == call


@pytest.mark.parametrize(
    "text",
    [
        "",
        "on",
        "on(top, base) and True",
        "on(top)(base)",
        "__import__('os')",
        "os.system('ls')",
        "on(top, base); on(top, base)",
        "on(*objects)",
        "on(**objects)",
        "on(top, base.pose)",
        "on(top, on(top, base))",
        "on(top, slack_m=--1)",
        "on(-top, base)",
        "on(top, slack_m=True)",
        "on(top, slack_m=1e999)",
        "on(top, 'base')",
        "on(top, slack_m=1j)",
        "on(x for x in y)",
        "lambda: 0",
        "(yield)",
        "on(top, \x00)",
        "on(" * 60 + ")" * 60,
        "(" * 100 + ")" * 100,
        "-" * 150,
        "near(" + "9" * 5000 + ")",
        "1 is 1",
        "'\\d'(1)",
        "\ud800(top)",
    ],
)
def test_what_is_no_call_is_refused_in_words(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(CallError) as refusal:
            parse(text)
    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize(
    "text",
    [
        "pick(a)",
        "leave(a) if inside(a, bowl)",
        "pick(b) if on(a, base) and not held(a) and away(a, by_m=0.1)",
    ],
)
def test_a_rule_is_read_and_written_back(text: str) -> None:
    assert str(parse_rule(text)) == text


@pytest.mark.parametrize(
    "text",
    ["pick(a) if", "pick(a) if held", "pick(a) if held(a) or held(b)", "pick(a) if not not held(a)",
     "pick(a) if held(a) if held(b)", "pick(a) if held(a) == held(b)", "if held(a)"],
)  # fmt: skip
def test_what_is_no_rule_is_refused_in_words(text: str) -> None:
    with pytest.raises(CallError, match="is not a call such as"):
        parse_rule(text)


def test_a_rule_holds_when_all_of_its_conditions_do() -> None:
    asked = {"held": lambda world, item: item in world}
    rule = parse_rule("leave(a) if held(a) and not held(b)")
    assert rule.holds(asked, "a")
    assert not rule.holds(asked, "ab")
    assert not rule.holds(asked, "")
    assert rule.bound({"b": "a"}).conditions[1].call == Call("held", ("a",))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("onn(top, base)", 'no predicate "onn"; did you mean "on"?'),
        ("on(topp, base)", 'no object "topp"; did you mean "top"?'),
        ("on(top)", "missing a required argument: 'lower'; it is on(upper, lower, slack_m"),
        ("on(top, base, table)", "too many positional arguments"),
        ("on(top, base, slack=1)", "got an unexpected keyword argument 'slack'"),
        ("on(top, 3)", "lower is an object's name, not 3.0"),
        ("on(top, base, slack_m=top)", 'slack_m is a number, not "top"'),
        ("on(world, base)", 'no object "world"; known: base, top'),
        ("on(top, base, world=top)", "unexpected keyword argument 'world'"),
    ],
)
def test_a_call_must_fit_its_predicate(text: str, message: str) -> None:
    with pytest.raises(CallError) as refusal:
        check(parse(text), "predicate", PREDICATES, ["top", "base"])
    assert message in str(refusal.value)


@pytest.mark.parametrize("functions", [PREDICATES, SKILLS])
def test_every_function_can_be_called_by_position_and_by_name(functions: dict) -> None:
    import inspect

    for name, function in functions.items():
        needed = [
            p.name
            for p in list(inspect.signature(function).parameters.values())[1:]
            if p.default is p.empty
        ]
        check(Call(name, ("a",) * len(needed)), "call", functions, ["a"])
        check(Call(name, (), tuple((n, "a") for n in needed)), "call", functions, ["a"])
