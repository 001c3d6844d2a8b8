"""Settings that every test shares."""

from __future__ import annotations

from hypothesis import settings

# A deadline measures the machine, not the code, where two workers share two cores.
settings.register_profile("house", deadline=None)
settings.load_profile("house")
