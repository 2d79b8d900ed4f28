"""The versions in which a scenario is played."""

import pytest

from chargers.wire.validation import V16, V201

both = pytest.mark.parametrize("version", [V16, V201], ids=["1.6", "2.0.1"])
