"""How many cases are drawn: 200 of each family, or as many as FNN_EXAMPLES says.

Both are the same cases at every run.
"""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "fnn",
    max_examples=int(os.environ.get("FNN_EXAMPLES", "200")),
    derandomize=True,
    deadline=None,  # compiling takes its time
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("fnn")
