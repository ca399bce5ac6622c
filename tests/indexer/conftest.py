"""A workshop with articles in several scripts, indexed."""

from __future__ import annotations

from pathlib import Path

import pytest
from workshop import Workshop


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    """Return a workshop with articles in several scripts, indexed."""
    made = Workshop(tmp_path)
    made.write("ar.txt", "أرمينيا\nأوقفت الشرطة تسعة أشخاص.")
    made.write("zh.txt", "运河\n运河全长82公里。")
    made.write("th/th.txt", "ตลาด\nตลาดน้ำ")
    made.write("hi.txt", "नदी\nनदी पहाड़ों से निकलती है।")
    made.write("en.txt", "Canal\nIt has four locks, أربعة أقفال, 四座船闸.")
    made.index()
    return made
