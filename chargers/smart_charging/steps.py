"""What changes at whole seconds: a value for each stretch of time from second 0 on. Pure.

Steps are a list of (second, value); the first second is 0, they ascend, neighbours differ, and the
last value holds until whatever end the caller has in mind. Work is done at the steps only, so a day
costs no more than a minute with as many changes.
"""


def merge(one, other, combine):
    """Return the steps of `combine(value of one, value of other)`."""
    merged, left, right = [], 0, 0
    for second in sorted({second for second, _ in one} | {second for second, _ in other}):
        while left + 1 < len(one) and one[left + 1][0] <= second:
            left += 1
        while right + 1 < len(other) and other[right + 1][0] <= second:
            right += 1
        append(merged, second, combine(one[left][1], other[right][1]))
    return merged


def mapped(steps, change):
    """Return the steps of `change(value)`."""
    merged = []
    for second, value in steps:
        append(merged, second, change(value))
    return merged


def append(steps, second, value):
    """Put a step to the end; one that changes nothing is left out."""
    if not steps or steps[-1][1] != value:
        steps.append((second, value))


def laid(stretches, seconds):
    """Return the steps of ascending (begin, end, value) stretches within `seconds`; None between them."""
    steps, cursor = [], 0
    for begin, end, value in stretches:
        if begin > cursor:
            append(steps, cursor, None)
        append(steps, begin, value)
        cursor = end
    if cursor < seconds or not steps:
        append(steps, cursor, None)
    return steps
