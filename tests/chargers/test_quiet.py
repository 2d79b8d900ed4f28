"""When a charger is quiet, on a clock that the test turns."""

import pytest

from chargers.quiet import Quiet

pytestmark = pytest.mark.once


class Clock:
    """A loop's timers and its time, both turned by hand."""

    def __init__(self):
        self.now = 1000.0
        self.timers = []
        self.wakes = 0

    def call_later(self, seconds, function):
        self.timers.append([self.now + seconds, function])
        return Timer(self.timers, self.timers[-1])

    def turn(self, seconds):
        """Go on by `seconds`, with every timer at its time."""
        end = self.now + seconds
        while due := sorted(timer for timer in self.timers if timer[0] <= end):
            self.timers.remove(due[0])
            self.now = max(self.now, due[0][0])
            self.wakes += 1
            due[0][1]()
        self.now = end


class Timer:
    def __init__(self, timers, entry):
        self._timers, self._entry = timers, entry

    def cancel(self):
        if self._entry in self._timers:
            self._timers.remove(self._entry)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def told():
    return []


@pytest.fixture
def quiet(clock, told):
    return Quiet(
        clock.call_later, lambda: clock.now, lambda: told.append(clock.now), after=2, at_the_latest=10
    )


def chatter(clock, quiet, *, every, times):
    """Have the charger call so often."""
    for _ in range(times):
        quiet.called_at = clock.now
        clock.turn(every)


def test_charger_that_says_nothing_after_its_boot_is_quiet(clock, quiet, told):
    """Two seconds after the boot, once."""
    quiet.wait_anew()

    clock.turn(60)

    assert (told, clock.wakes) == ([1002.0], 1)


def test_each_call_puts_it_off(clock, quiet, told):
    """Two seconds after the last one."""
    quiet.wait_anew()
    chatter(clock, quiet, every=1, times=5)

    clock.turn(60)

    assert told == [1006.0]


def test_charger_that_never_stops_is_quiet_at_the_latest(clock, quiet, told):
    """With a wake-up every two seconds at most, however much it says."""
    quiet.wait_anew()
    chatter(clock, quiet, every=0.125, times=800)

    assert (told, clock.wakes <= 6) == ([1010.0], True)


def test_charger_that_was_quiet_already_is_told_of_at_once(clock, quiet, told):
    """A change that is wanted an hour after the last word."""
    clock.turn(3600)
    quiet.wait()

    clock.turn(0.5)

    assert told == [4600.0]


def test_who_waits_already_goes_on(clock, quiet, told):
    """A second wish does not put off the first."""
    quiet.wait_anew()
    chatter(clock, quiet, every=1, times=9)
    quiet.wait()
    chatter(clock, quiet, every=1, times=9)

    assert told == [1010.0]


def test_boot_begins_the_wait_anew(clock, quiet, told):
    """What was under way is forgotten."""
    quiet.wait_anew()
    clock.turn(1.5)
    quiet.wait_anew()

    clock.turn(60)

    assert told == [1003.5]


def test_stopped_wait_tells_nothing(clock, quiet, told):
    """The socket ended."""
    quiet.wait_anew()
    quiet.stop()

    clock.turn(60)

    assert told == []


def test_clock_that_was_put_back_delays_no_longer_than_the_latest(clock, quiet, told):
    """NTP put us right by an hour: the wait is bounded all the same."""
    quiet.wait_anew()
    quiet.called_at = clock.now
    clock.turn(1.9)
    clock.now -= 3600
    clock.timers = [[due - 3600, function] for due, function in clock.timers]

    clock.turn(21)

    assert len(told) == 1
