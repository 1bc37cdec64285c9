from __future__ import annotations

from pi0bench.files.short_names import short_name


def test_a_name_stands_for_what_it_is_made_of() -> None:
    assert short_name("pi0-euler-5") == "pi0-euler-5"
    assert short_name("pi0@a/b") == "pi0@a_b"
    long, other = short_name("a" * 300), short_name("a" * 299 + "b")
    assert long != other
    assert max(len(long), len(other)) < 140
