"""The audit of libraries: what fails it, and what it passes over and says."""

from __future__ import annotations

import json
import subprocess
from types import SimpleNamespace

import audit
import pytest

SOUND = {"name": "flask", "version": "3.1.3", "vulns": []}
UNKNOWN = {"name": "numpy", "skip_reason": "Dependency not found on PyPI"}
WEAK = {
    "name": "lxml",
    "version": "4.0",
    "vulns": [{"id": "CVE-2021-1", "fix_versions": ["4.6.3"]}, {"id": "X-2", "fix_versions": []}],
}


def answer(monkeypatch: pytest.MonkeyPatch, output: str) -> None:
    """Let pip-audit print something."""
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: SimpleNamespace(stdout=output))


def test_known_vulnerabilities_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each known vulnerability is named, with the version that mends it."""
    answer(monkeypatch, json.dumps({"dependencies": [SOUND, UNKNOWN, WEAK]}))
    with pytest.raises(SystemExit) as failure:
        audit.main()
    assert "lxml 4.0: CVE-2021-1, mended in 4.6.3" in str(failure.value)
    assert "X-2, mended in no version yet" in str(failure.value)


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (
            json.dumps({"dependencies": [SOUND, UNKNOWN]}),
            "1 libraries without a known vulnerability, 1 not looked up",
        ),
        (
            json.dumps({"dependencies": [SOUND]}),
            "1 libraries without a known vulnerability, 0 not looked up",
        ),
        ("", "cannot be reached"),
    ],
)
def test_what_cannot_be_looked_up_passes(
    output: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a network nothing fails, and what was not looked up is said."""
    answer(monkeypatch, output)
    audit.main()
    assert said in capsys.readouterr().out
