"""Draw docs/images/architecture.svg from architecture.dot beside it: `make docs`.

Graphviz draws it (`apt install graphviz`); where that is missing the picture stays as it is. The
picture holds a checksum of what it was drawn from, so that a test can tell when it is older.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).parent.parent / "docs" / "images" / "architecture.dot"
PICTURE = SOURCE.with_suffix(".svg")


def mark(source: str) -> str:
    """Return the comment that a picture of this source holds."""
    return f"<!-- architecture.dot, sha256 {hashlib.sha256(source.encode()).hexdigest()} -->"


def main() -> int:
    """Draw the picture if its source has changed; 1 when Graphviz cannot."""
    source = SOURCE.read_text(encoding="utf-8")
    if PICTURE.exists() and mark(source) in PICTURE.read_text(encoding="utf-8"):
        return 0
    program = shutil.which("dot")
    if program is None:
        sys.stdout.write(
            f"{PICTURE.name} is older than {SOURCE.name}, and Graphviz is not installed to draw it "
            "anew. On Debian and Ubuntu: apt install graphviz\n"
        )
        return 0
    drawn = subprocess.run(  # noqa: S603 (our own file, and no shell)
        [program, "-Tsvg"], input=source, capture_output=True, encoding="utf-8", check=False
    )
    if drawn.returncode:
        sys.stderr.write(f"Graphviz cannot draw {SOURCE}: {drawn.stderr}")
        return 1
    _, start, rest = drawn.stdout.partition("<svg")
    PICTURE.write_text(f"{mark(source)}\n{start}{rest}", encoding="utf-8")
    sys.stdout.write(f"wrote {PICTURE.relative_to(SOURCE.parents[2])}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
