"""Look the pinned libraries up among known vulnerabilities, as far as the package index answers.

Run by `make check`. Fails when one of them has a known vulnerability; what cannot be looked up,
without a network or with a package index that knows nothing of vulnerabilities, is said and passed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

CONSTRAINTS = Path(__file__).parent.parent / "constraints.txt"
LONGEST_S = 300.0


def findings(report: Mapping[str, Sequence[Mapping[str, object]]]) -> tuple[list[str], list[str]]:
    """Return the known vulnerabilities of a report of pip-audit, and what it did not look up."""
    known = []
    skipped = []
    for library in report["dependencies"]:
        if "skip_reason" in library:
            skipped.append(str(library["name"]))
        vulnerabilities = library.get("vulns", ())
        assert isinstance(vulnerabilities, Sequence)  # noqa: S101 - the form of pip-audit's reports
        for found in vulnerabilities:
            mended = ", ".join(found["fix_versions"]) or "no version yet"
            known.append(
                f"{library['name']} {library['version']}: {found['id']}, mended in {mended}"
            )
    return known, skipped


def main() -> None:
    """Audit the constraints file."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(CONSTRAINTS), "--no-deps"]
    command += ["--disable-pip", "--progress-spinner", "off", "--format", "json"]
    try:
        run = subprocess.run(  # noqa: S603 - our own interpreter
            command, capture_output=True, text=True, timeout=LONGEST_S, check=False
        )
        report = json.loads(run.stdout)
    except (subprocess.TimeoutExpired, json.JSONDecodeError):
        sys.stdout.write("audit: the package index cannot be reached; nothing was looked up\n")
        return
    known, skipped = findings(report)
    if known:
        sys.exit("\n".join(["Known vulnerabilities; raise the versions:", *known]))
    sound = len(report["dependencies"]) - len(skipped)
    sys.stdout.write(
        f"audit: {sound} libraries without a known vulnerability, {len(skipped)} not looked up\n"
    )


if __name__ == "__main__":
    main()
