"""Settings shared by every test: one hypothesis profile, and no clock in any verdict."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "constrain",
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("constrain")
