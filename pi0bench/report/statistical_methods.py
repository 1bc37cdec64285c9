"""The statistics of a run: one kind for all that is said of it, wherever it is said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pi0bench.stats import confidence_sequences as sequential
from pi0bench.stats import paired_tests
from pi0bench.stats.paired_tests import Methods
from pi0bench.stats.success_intervals import Exact, Interval, clopper_pearson, median_interval


@dataclass(frozen=True)
class Analysis:
    """Intervals and a test that go together, and what they are called.

    Attributes:
        rate: the interval of a rate.
        median: of a median; None for few values.
        pairs: how two rates on the same episodes are compared.
        fixed: True when the number of episodes was fixed before, so that whatever supposes this may
            be said too: power, bootstraps, Cochran's Q.
        rates: what `rate` is, for the foot of a table.
        shares: the same in the plural.
        few: so many values have no interval of their median.
        differences: what the interval of a difference is.
        test: what the test of two rates is.
        method: the same for a paper, on rates, on what is best, and on how few steps are enough.
    """

    rate: Exact
    median: Callable[[Sequence[float]], Interval | None]
    pairs: Methods
    fixed: bool
    rates: str
    shares: str
    few: str
    differences: str
    test: str
    method: tuple[str, str, str]


FIXED = Analysis(
    rate=clopper_pearson,
    median=median_interval,
    pairs=paired_tests.FIXED,
    fixed=True,
    rates="Clopper-Pearson",
    shares="Clopper-Pearson intervals",
    few="below six successes",
    differences="Tango's score interval",
    test="exact McNemar",
    method=(
        "Success rates have exact 95 % intervals (Clopper and Pearson, 1934); those of a mean over "
        "tasks are on the pooled episodes, which is conservative (Hoeffding, 1956).",
        "Conditions are compared on the episodes that they share by the exact test of McNemar "
        "(1947) for every pair, with the correction of Holm (1979) at 5 %; every condition "
        "that this does not tell from the best is printed in bold",
        "How few steps are enough follows from intervals of paired differences (Tango, 1998) "
        "against a margin of 5 points.",
    ),
)

SEQUENTIAL = Analysis(
    rate=sequential.confidence_sequence,
    median=sequential.median_sequence,
    pairs=sequential.SEQUENTIAL,
    fixed=False,
    rates="a confidence sequence (Robbins 1970), which holds although the run was to stop when it "
    "had its answer; rates of such runs lean towards it",
    shares="confidence sequences",
    few="below seven successes",
    differences="the difference of two confidence sequences",
    test="e-value",
    method=(
        "Success rates have 95 % confidence sequences (Robbins, 1970), which hold at every look; "
        "those of a mean over tasks are on the pooled episodes.",
        "Conditions are compared on the episodes that they share by a sequential test of every "
        "pair (e-values; Ville, 1939), with the correction of Holm (1979) at 5 %; every condition "
        "that this does not tell from the best is printed in bold",
        "How few steps are enough follows from confidence sequences of paired differences against "
        "a margin of 5 points.",
    ),
)


def analysis(sequential: bool) -> Analysis:
    """The statistics of a run that looked at its results on the way, or of one that did not."""
    return SEQUENTIAL if sequential else FIXED
