"""Nobody stops the service: questions are answered while everything that could stop it is tried."""

from __future__ import annotations

import select
from pathlib import Path

import pytest
from hostility import Campaign, percentile

SECONDS = 30.0
SAMPLES = Path(__file__).parents[2] / "seeds"


@pytest.mark.slow
@pytest.mark.hostile
@pytest.mark.skipif(not hasattr(select, "POLLRDHUP"), reason="the attack watches for hang-ups")
def test_nobody_stops_the_service(tmp_path: Path) -> None:
    """Each question gets its answer, and memory levels off, beside 500 hostile sockets and more."""
    campaign = Campaign(tmp_path, SAMPLES)
    fare = campaign.run(SECONDS)
    assert fare.errors == [], (fare.errors, campaign.log[-3000:])
    assert fare.opened >= 500
    assert fare.changes > SECONDS
    assert len(fare.answered_ms) > SECONDS
    # Idle cores take a fifth of it; what is looked for is a server that stands still.
    assert percentile(fare.answered_ms, 0.99) < 3000
    assert percentile(fare.health_ms, 0.5) < 300
    # Articles that are embedded meanwhile may take some; what grows without end takes more.
    assert fare.memory_growth_mb < 300
