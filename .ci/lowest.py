"""Constraints for pip: the lowest version of each package that pyproject.toml allows.

Of the core packages and of all extras that users have; what only tests and tools need
may be as new as it likes.
"""

import re
import tomllib
from pathlib import Path

FOR_DEVELOPERS = {"all", "bench", "docs", "lint", "test"}

text = (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
project = tomllib.loads(text)["project"]
asked = list(project["dependencies"])
for extra, packages in project["optional-dependencies"].items():
    asked += [] if extra in FOR_DEVELOPERS else packages
for package in sorted(set(asked)):
    # pip takes no extras in constraints.
    print(re.sub(r"\[.*\]", "", package).replace(">=", "=="))
