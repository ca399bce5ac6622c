"""What tests of the API share: how apps are made, questions to ask, how errors look."""

from __future__ import annotations

from collections.abc import Callable

from apiflask import APIFlask
from werkzeug.test import TestResponse

MakeApp = Callable[..., APIFlask]

QUESTIONS = {
    "ar": "كم نقطة مراقبة أقامت قوات حفظ السلام الروسية؟",
    "en": "Who decoded the dance of bees?",
    "zh": "长城全长多少公里",
    "hi": "गंगा नदी की लंबाई कितनी है?",
    "fr": "Quand le phare de Cordouan fut-il achevé ?",
}


def error_of(response: TestResponse) -> tuple[int, str]:
    """Return status and code of an error, checking that it has the documented form."""
    body = response.get_json()
    assert set(body) == {"error"}, body
    assert set(body["error"]) == {"code", "message", "detail"}, body
    assert isinstance(body["error"]["message"], str)
    assert body["error"]["message"]
    return response.status_code, body["error"]["code"]
