"""`/index`, its events, and what operators ask: health, readiness, metrics, feedback."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from api_client import QUESTIONS, MakeApp, error_of
from fake_service import FakeService
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from qa_service.answer.evaluation import read_questions
from qa_service.types import Stage


def events(data: str) -> list[dict[str, object]]:
    """Read the bodies of a stream's events."""
    blocks = [block.split("\n") for block in data.split("\n\n")]
    return [
        json.loads(lines[1].removeprefix("data: "))
        for lines in blocks
        if lines[0] == "event: index"
    ]


def test_index_is_described(client: FlaskClient) -> None:
    """`GET /index` tells what is indexed; no job has run yet."""
    body = client.get("/index").get_json()
    assert body["index"]["articles"] == 6
    assert body["index"]["languages"] == {"ar": 1, "en": 2, "zh": 1, "hi": 1, "fr": 1}
    assert body["problem"] is None
    assert body["job"] is None


def test_missing_index_is_described(make_app: MakeApp) -> None:
    """Without an index the description says so and is no error."""
    body = make_app(FakeService(has_index=False)).test_client().get("/index").get_json()
    assert body["index"] is None
    assert body["problem"]["code"] == "no_index"


def test_unusable_index_is_described(make_app: MakeApp, service: FakeService) -> None:
    """An index of another model is named as such, everywhere."""
    service.break_index()
    client = make_app().test_client()
    assert client.get("/index").get_json()["problem"]["code"] == "index_mismatch"
    assert error_of(client.post("/ask", json={"question": "x"})) == (503, "index_mismatch")
    page = client.get("/", headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert "qa-service index --rebuild" in page.get_data(as_text=True)


def test_damage_is_described(client: FlaskClient, service: FakeService) -> None:
    """When an older generation stands in, the description and the library say why, and the mend."""
    assert client.get("/index").get_json()["index"]["damage"] is None
    service.damage_index()
    body = client.get("/index").get_json()
    assert body["problem"] is None
    assert "index/x is missing" in body["index"]["damage"]
    for language, title in (("ar", "جزء من الفهرس تالف"), ("zh", "索引有一部分损坏")):
        page = client.get("/articles", headers={"Accept": "text/html", "Accept-Language": language})
        assert page.status_code == 200
        assert title in page.get_data(as_text=True)
        assert "qa-service rollback" in page.get_data(as_text=True)


def test_run_is_started_and_reported(client: FlaskClient) -> None:
    """`POST /index` answers 202 with a job whose report `GET /index` shows when it is done."""
    response = client.post("/index", json={"rebuild": True})
    assert response.status_code == 202
    assert response.get_json()["job"]["state"] == "running"
    job = client.get("/index").get_json()["job"]
    assert job["state"] == "done"
    failed = next(file for file in job["report"]["files"] if file["state"] == "failed")
    assert failed["reason"] == "not text: byte 0 is NUL"


def test_body_is_optional(client: FlaskClient) -> None:
    """A run without wishes needs no body."""
    assert client.post("/index").status_code == 202
    assert client.post("/index", json={}).status_code == 202
    assert error_of(client.post("/index", json={"rebuild": 1})) == (422, "invalid_request")


def test_second_run_joins_the_first(client: FlaskClient, service: FakeService) -> None:
    """While a run is under way another request gets the same job."""
    service.runs_jobs_to_the_end = False
    first = client.post("/index").get_json()["job"]
    second = client.post("/index").get_json()["job"]
    assert first == second


def test_events_tell_the_state_and_end(client: FlaskClient) -> None:
    """With nothing running the stream tells the state once and ends; browsers come back."""
    response = client.get("/index/events")
    assert response.mimetype == "text/event-stream"
    text = response.get_data(as_text=True)
    assert text.startswith("retry: 5000\n\n")
    assert [event["job"] for event in events(text)] == [None]


def test_events_follow_a_run(client: FlaskClient, service: FakeService) -> None:
    """Listeners get each change in order and the report at the end."""
    service.runs_jobs_to_the_end = False
    client.post("/index")
    response = client.get("/index/events", buffered=False)
    stream = response.iter_encoded()
    seen = [next(stream), next(stream)]
    for stage, done in ((Stage.READING, 1), (Stage.EMBEDDING, 5), (Stage.EMBEDDING, 9)):
        service.advance(stage, done, 9)
        seen.append(next(stream))
    service.finish()
    seen += list(stream)
    told = events(b"".join(seen).decode())
    progress = [(event["job"]["progress"] or {}).get("done") for event in told]  # type: ignore[index]
    assert progress == [None, 1, 5, 9, 9]
    assert told[-1]["job"]["report"]["articles"] == 6  # type: ignore[index]
    response.close()


def test_failed_run_tells_why(client: FlaskClient, service: FakeService) -> None:
    """A job that failed carries the message for people."""
    service.runs_jobs_to_the_end = False
    client.post("/index")
    service.finish("seeds holds no article; add some")
    job = client.get("/index").get_json()["job"]
    assert (job["state"], job["error"]) == ("failed", "seeds holds no article; add some")


def test_listeners_are_bounded(client: FlaskClient, service: FakeService) -> None:
    """More listeners than there are places for get 503; those who leave make room."""
    service.runs_jobs_to_the_end = False
    client.post("/index")
    held = [client.get("/index/events", buffered=False) for _ in range(8)]
    assert error_of(client.get("/index/events")) == (503, "overloaded")
    held[0].close()
    again = client.get("/index/events", buffered=False)
    assert again.status_code == 200
    for response in [*held, again]:
        response.close()


def test_health_and_readiness(make_app: MakeApp, service: FakeService) -> None:
    """Health needs nothing; readiness needs index and model."""
    service.is_warm = False
    client = make_app().test_client()
    assert client.get("/health").get_json()["status"] == "ok"
    response = client.get("/ready")
    assert error_of(response) == (503, "not_ready")
    assert response.headers["Retry-After"]
    service.warm_up()
    assert client.get("/ready").get_json() == {"ready": True}


def test_readiness_names_the_missing_index(make_app: MakeApp) -> None:
    """Whoever waits for readiness learns what it waits for."""
    client = make_app(FakeService(has_index=False)).test_client()
    assert "qa-service index" in client.get("/ready").get_json()["error"]["message"]


def metric(client: FlaskClient, name: str, **labels: str) -> float | None:
    """Return a sample from /metrics, parsed as Prometheus does."""
    text = client.get("/metrics").get_data(as_text=True)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                return float(sample.value)
    return None


def test_metrics_count(client: FlaskClient) -> None:
    """Answers, abstentions, stages, requests and the index's size are counted."""
    client.post("/ask", json={"question": QUESTIONS["ar"]}, buffered=True)
    client.post("/ask", json={"question": "zzz"}, buffered=True)
    client.post("/ask", json={}, buffered=True)
    assert metric(client, "qa_questions_total", outcome="answered") == 1
    assert metric(client, "qa_questions_total", outcome="not_found") == 1
    assert metric(client, "qa_question_stage_seconds_count", stage="search") == 2
    assert metric(client, "qa_request_seconds_count", endpoint="api.ask", status="422") == 1
    assert metric(client, "qa_index_articles") == 6
    assert metric(client, "qa_index_created_timestamp_seconds", generation="000001")
    assert metric(client, "qa_ready") == 1


def test_metrics_without_index(make_app: MakeApp) -> None:
    """Metrics work before there is an index."""
    client = make_app(FakeService(has_index=False)).test_client()
    assert metric(client, "qa_ready") == 0
    assert metric(client, "qa_index_articles") is None


def test_odd_requests_make_no_new_series(client: FlaskClient) -> None:
    """Invented methods and addresses do not grow the number of series."""
    client.open("/nope1", method="FROB", buffered=True)
    client.open("/nope2", method="BLAH", buffered=True)
    assert metric(client, "qa_request_seconds_count", method="other", endpoint="unmatched") == 2


def test_apps_do_not_share_figures(make_app: MakeApp) -> None:
    """Each app counts for itself."""
    one, other = make_app().test_client(), make_app().test_client()
    one.post("/ask", json={"question": "zzz"}, buffered=True)
    assert metric(one, "qa_questions_total", outcome="not_found") == 1
    assert metric(other, "qa_questions_total", outcome="not_found") == 0


def verdict(client: FlaskClient, question: str, **changes: object) -> dict[str, object]:
    """Make the verdict that a reader gives on the first passage."""
    body = client.post("/ask", json={"question": question}).get_json()
    citation = body["passages"][0]["citation"]
    given = {
        "question": question,
        "article_id": citation["article_id"],
        "citation_id": citation["id"],
        "helpful": True,
        "answer": body["answer"]["text"],
    }
    return {name: value for name, value in (given | changes).items() if value is not None}


def test_helpful_passage_becomes_a_test_case(client: FlaskClient, tmp_path: Path) -> None:
    """A helpful verdict is a line that evaluation reads: question, relevant article, answer."""
    given = verdict(client, QUESTIONS["ar"])
    assert client.post("/feedback", json=given).status_code == 201
    (line,) = (tmp_path / "feedback.jsonl").read_text(encoding="utf-8").splitlines()
    kept = json.loads(line)
    assert kept["question"] == QUESTIONS["ar"]
    assert kept["relevant"] == ["أخبار/قره باغ.txt"]
    assert kept["answers"] == [given["answer"]]
    assert kept["helpful"] is True


def test_verdict_is_one_line_for_every_reader(client: FlaskClient, tmp_path: Path) -> None:
    """Line separators inside a question do not tear its line, whoever reads the file."""
    given = verdict(client, QUESTIONS["en"]) | {"question": "who\u2028or\x85what\u2029?"}
    assert client.post("/feedback", json=given).status_code == 201
    (known,) = read_questions(tmp_path / "feedback.jsonl")
    assert known.question == "who\u2028or\x85what\u2029?"
    assert known.relevant == ("science/bees.md",)


def test_wrong_passage_names_no_right_one(client: FlaskClient, tmp_path: Path) -> None:
    """A wrong passage is kept as wrong; nobody said what is right."""
    client.post("/feedback", json=verdict(client, QUESTIONS["zh"], helpful=False, answer=None))
    kept = json.loads((tmp_path / "feedback.jsonl").read_text(encoding="utf-8"))
    assert (kept["relevant"], kept["wrong"]) == ([], ["中文/长城.txt"])
    assert list(read_questions(tmp_path / "feedback.jsonl")) == []


def test_verdicts_from_many_threads_are_whole_lines(client: FlaskClient, tmp_path: Path) -> None:
    """Verdicts given at once do not mix."""
    given = verdict(client, QUESTIONS["hi"])
    app = client.application
    threads = [
        threading.Thread(target=lambda: app.test_client().post("/feedback", json=given))
        for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = (tmp_path / "feedback.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["question"] for line in lines] == [QUESTIONS["hi"]] * 16


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"article_id": "no/such"}, (404, "article_not_found")),
        ({"citation_id": "0000"}, (404, "passage_not_found")),
        ({"answer": "never written there"}, (422, "invalid_request")),
        ({"helpful": "yes"}, (422, "invalid_request")),
        ({"stars": 5}, (422, "invalid_request")),
    ],
)
def test_verdict_on_nothing_is_refused(
    client: FlaskClient, tmp_path: Path, changes: dict[str, object], expected: tuple[int, str]
) -> None:
    """A verdict must be on a passage that is there, and quote it exactly."""
    given = verdict(client, QUESTIONS["en"], **changes)
    assert error_of(client.post("/feedback", json=given)) == expected
    assert not (tmp_path / "feedback.jsonl").exists()


def test_feedback_that_cannot_be_written_gets_503(make_app: MakeApp, tmp_path: Path) -> None:
    """A missing or read-only folder is named."""
    client = make_app(index=tmp_path / "gone").test_client()
    response = client.post("/feedback", json=verdict(client, QUESTIONS["fr"]))
    assert error_of(response) == (503, "index_write_failed")
