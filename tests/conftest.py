"""How Hypothesis draws examples: the same ones each time, so that a failure is of the change at hand.

``pytest --hypothesis-profile=explore`` draws others.
"""

from hypothesis import HealthCheck, settings

# No time limits: the machine may be busy.
settings.register_profile("repeat", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
settings.register_profile("explore", settings.get_profile("repeat"), derandomize=False)
settings.load_profile("repeat")
