"""Print a pin for every distribution that `.[dev]` needs, at the versions installed here.

Run by `make constraints`, in an environment where the tests pass. What is installed beside the
project's own needs is left out, and so is a local version such as torch's `+cpu`: the pin must
hold wherever only the plain build is offered.
"""

from __future__ import annotations

import sys
import tomllib
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

HEADER = """\
# What a fresh install gets, so that it is what was tested. Written by `make constraints`.
"""


def project_requirements(pyproject: Path) -> list[Requirement]:
    """Return everything the project asks for, its extras included."""
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    return [Requirement(line) for group in groups for line in group]


def installed_closure(wanted: list[Requirement]) -> dict[str, Version]:
    """Return the version installed of every distribution that these requirements lead to.

    Raises:
        importlib.metadata.PackageNotFoundError: one that applies to this machine is missing.
    """
    versions: dict[str, Version] = {}
    seen: set[tuple[str, str]] = set()
    queue = [(requirement, "") for requirement in wanted]
    while queue:
        requirement, asked_by_extra = queue.pop()
        marker = requirement.marker
        if marker is not None and not marker.evaluate({"extra": asked_by_extra}):
            continue
        name = canonicalize_name(requirement.name)
        distribution = metadata.distribution(requirement.name)
        versions[name] = Version(distribution.version)
        for extra in ("", *sorted(requirement.extras)):
            if (name, extra) not in seen:
                seen.add((name, extra))
                queue += [(Requirement(line), extra) for line in distribution.requires or ()]
    return versions


def main() -> None:
    """Print the pins, sorted by name."""
    pyproject = Path(__file__).parent.parent / "pyproject.toml"
    closure = installed_closure(project_requirements(pyproject))
    # pip installs all this, whichever version of it there is.
    closure.pop("pip", None)
    pins = [f"{name}=={version.public}" for name, version in sorted(closure.items())]
    sys.stdout.write(HEADER + "\n".join(pins) + "\n")


if __name__ == "__main__":
    main()
