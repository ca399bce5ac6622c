"""Five articles in five languages, questions about them, and what tests of the service do."""

from __future__ import annotations

from qa_service.service import Service
from qa_service.types import IndexJob, JobState, Question

WAIT_S = 60.0
SUEZ = "The Suez Canal was opened in 1869 after ten years of work.\n\nIt joins two seas in Egypt."
TEXTS = {
    "ar.txt": "أقامت روسيا خمسا وعشرين نقطة مراقبة في إقليم قره باغ، واستقال وزير خارجية أرمينيا.",
    "en.txt": SUEZ,
    "hi.txt": "पत्तियों की कोशिकाओं में हरितलवक नाम के अंग होते हैं जिनमें क्लोरोफ़िल रहता है।",
    "th.txt": "ปลาทูเป็นปลาทะเลที่คนไทยนิยมกินกันมาก และหาได้ง่ายในอ่าวไทย",
    "zh.txt": "明长城东起辽宁虎山，西至甘肃嘉峪关，全长八千八百多公里，由很多朝代修筑而成。",
}
ASKED = {
    "ar.txt": "من استقال في أرمينيا؟",
    "en.txt": "When was the Suez Canal opened?",
    "hi.txt": "क्लोरोफ़िल कहाँ रहता है?",
    "th.txt": "คนไทยนิยมกินปลาอะไร",
    "zh.txt": "明长城全长多少公里？",
}


def ended(service: Service, job: IndexJob) -> IndexJob:
    """Wait for the end of a job."""
    while job.state is JobState.RUNNING:
        changed = service.wait_for_job_change(job.version, WAIT_S)
        assert changed is not None
        assert changed.version > job.version, "the job did not go on"
        job = changed
    assert job.state is JobState.DONE, job.error
    return job


def first(service: Service, question: str, **fields: object) -> str:
    """Return the article of the first passage."""
    asked = Question(question, **fields)  # type: ignore[arg-type]
    return service.ask(asked).passages[0].citation.article_id
