"""Kill -9 at random moments of an index run: nothing is lost, and no wrong answer is given."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from faults.campaign import Campaign

KILLS = 60


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the campaign forks")
@pytest.mark.parametrize("seed", [1, 2])
def test_killed_runs_lose_nothing(tmp_path: Path, seed: int) -> None:
    """After each of 120 kills the index is whole and holds the old state or the new one."""
    campaign = Campaign(tmp_path, seed)
    try:
        tally = campaign.run(KILLS)
    finally:
        campaign.close()
    assert tally.problems == []
    assert tally.kills >= KILLS
    assert tally.kept_old > 0
    assert tally.reached_new > 0
    assert tally.questions > KILLS
    # Kills came at many different steps, or this would prove little.
    assert len(tally.killed_at) > 10
    # A kill may cost the batch that was with the encoder, and no more.
    assert tally.embedded_again <= tally.embedded // 2
