"""Settings of all tests.

Hypothesis draws the same examples each time, so that a failure comes from the current change;
``pytest --hypothesis-profile=explore`` draws others.
"""

import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# No time limits: the machine may be busy.
settings.register_profile("repeat", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
settings.register_profile("explore", settings.get_profile("repeat"), derandomize=False)
settings.load_profile("repeat")


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Handle Ctrl-C as in a terminal; a shell may have started the tests with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
