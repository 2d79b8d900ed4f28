"""How figures are told to people."""

from datetime import timedelta

import pytest

from csms import badges


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-5, "0 s"), (59.9, "59 s"), (60, "1 min"), (3599, "59 min"), (3600, "1:00 h"), (90_060, "25:01 h")],
)
def test_duration_is_told_in_the_unit_that_fits(seconds, words):
    """Nobody counts seconds in hours, or reads a short session as no time at all."""
    assert badges.duration(timedelta(seconds=seconds)) == words
