"""An explanation as a body: every stage, in order, whether the article was there or not."""

from __future__ import annotations

import json

from qa_service.bodies.explanations import ExplanationOut
from qa_service.types import Explanation, StageRank


def test_stages_keep_their_order_and_absence_is_null() -> None:
    """Text of any script goes through as it is."""
    stages = (
        StageRank("vectors", 2, 0.5, 50),
        StageRank("terms", None, None, 0),
        StageRank("fusion", 1, -0.25, 80),
    )
    explanation = Explanation("متى؟", "متى افتتحت القناة؟", "文章.md", stages, "terms", "หลุด")
    told = json.loads(ExplanationOut.from_explanation(explanation).to_text())
    assert told == {
        "question": "متى؟",
        "searched_for": "متى افتتحت القناة؟",
        "article_id": "文章.md",
        "stages": [
            {"stage": "vectors", "rank": 2, "score": 0.5, "considered": 50},
            {"stage": "terms", "rank": None, "score": None, "considered": 0},
            {"stage": "fusion", "rank": 1, "score": -0.25, "considered": 80},
        ],
        "lost_at": "terms",
        "summary": "หลุด",
    }
