"""The service over real parts: the index follows the articles, questions follow the index."""

from __future__ import annotations

import datetime as dt
import sys
from contextlib import closing
from pathlib import Path
from types import FrameType

import pytest
from service_articles import ASKED, SUEZ, TEXTS, first

from qa_service.answer.evaluation import KnownQuestion
from qa_service.config import load_settings
from qa_service.errors import (
    ArticleNotFoundError,
    InvalidQuestionError,
    NoIndexError,
    NoPreviousGenerationError,
)
from qa_service.service import Service
from qa_service.text.language import detect_language
from qa_service.types import Answer, Filters, Progress, Question, Stage


def test_before_the_first_run_everything_says_so(service: Service) -> None:
    """Without an index every door says that there is none and names the command to run."""
    for call in (
        lambda: service.ask(Question("?")),
        lambda: service.status(),
        lambda: service.articles(),
        lambda: service.verify(),
        lambda: service.remove_article("ar.txt"),
        lambda: service.explain("?", "ar.txt"),
    ):
        with pytest.raises(NoIndexError, match="qa-service index"):
            call()
    with pytest.raises((NoIndexError, NoPreviousGenerationError)):
        service.rollback()
    assert not service.is_ready
    assert service.job() is None


def test_five_languages_are_indexed_asked_and_listed(service: Service) -> None:
    """One run indexes all; each article is found in its own language, first."""
    seen: list[Progress] = []
    report = service.index(on_progress=seen.append)
    assert (report.articles, report.is_new, report.reused) == (5, True, 0)
    assert [stage for stage in Stage if stage in {one.stage for one in seen}] == list(Stage)
    assert {name: first(service, question) for name, question in ASKED.items()} == {
        name: name for name in ASKED
    }
    status = service.status()
    assert status.languages.keys() == {"ar", "en", "hi", "th", "zh"}
    assert (status.articles, status.generation) == (5, report.generation)
    page = service.articles(limit=2)
    assert (page.total, len(page.items)) == (5, 2)
    assert all(item.is_removable for item in page.items)
    assert service.article("th.txt").text == TEXTS["th.txt"]
    assert service.verify() == ()
    assert service.is_ready
    assert len(service.example_questions("ar", 3)) == 3


def test_ready_means_that_a_question_has_been_through_all_of_it(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loaded is not ready: the first person to ask must not wait for what loads with a question."""
    service.index()
    service.retrieve(ASKED["ar.txt"])
    assert not service.is_ready
    asked: list[str] = []
    ask = service.ask

    def note(question: Question) -> Answer:
        asked.append(question.text)
        assert not service.is_ready or len(asked) > 1
        return ask(question)

    monkeypatch.setattr(service, "ask", note)
    service.warm_up()
    assert service.is_ready
    # Of several languages, for each has rules of its own to load.
    assert len(asked) > 1
    assert asked == list(service.example_questions("und", len(asked)))


def test_the_same_story_elsewhere_goes_by_its_title(service: Service, articles: Path) -> None:
    """Other articles that tell a passage are named as readers know them, in the order of ids."""
    for name, title in (("copy-1.md", "عن قناة السويس"), ("copy-2.md", "苏伊士运河")):
        (articles / name).write_text(f"# {title}\n\n{SUEZ}\n\n{title} {name}\n", encoding="utf-8")
    service.index()
    told_elsewhere = [
        passage
        for passage in service.ask(Question(ASKED["en.txt"], top_k=10)).passages
        if passage.also_in
    ]
    assert told_elsewhere
    for passage in told_elsewhere:
        assert passage.also_in == tuple(other.id for other in passage.also_in_articles)
        for other in passage.also_in_articles:
            article = service.article(other.id)
            assert (other.title, other.language) == (article.title, article.language)


def test_nothing_changed_is_nothing_done(service: Service) -> None:
    """A second run makes no new generation; a rebuild makes one from the same vectors or anew."""
    one = service.index()
    again = service.index()
    assert (again.is_new, again.generation, again.embedded) == (False, one.generation, 0)
    rebuilt = service.index(rebuild=True)
    assert rebuilt.is_new
    assert rebuilt.generation != one.generation
    assert (rebuilt.articles, rebuilt.passages) == (one.articles, one.passages)
    assert first(service, ASKED["zh.txt"]) == "zh.txt"


def test_index_follows_edits_and_deletions(service: Service, articles: Path) -> None:
    """What is written, changed and deleted is so in the next answer; rollback brings it back."""
    service.index()
    before = service.status().generation
    (articles / "zh.txt").unlink()
    (articles / "en.txt").write_text("The Kiel Canal was opened in 1895.", encoding="utf-8")
    report = service.index()
    assert (report.articles, report.embedded) == (4, 1)
    with pytest.raises(ArticleNotFoundError):
        service.article("zh.txt")
    assert "Kiel" in service.ask(Question(ASKED["en.txt"])).passages[0].text
    assert service.rollback().generation == before
    assert service.article("zh.txt").text == TEXTS["zh.txt"]
    assert first(service, ASKED["zh.txt"]) == "zh.txt"


def test_damage_is_told_until_it_is_mended(
    service: Service, articles: Path, tmp_path: Path
) -> None:
    """A service that runs goes on with what it holds, says so, and forgets it after a new run."""
    service.index()
    held = service.status()
    assert held.damage is None
    (articles / "th.txt").unlink()
    with closing(Service(load_settings(index=tmp_path / "index", articles=articles))) as other:
        other.index()
    name = (tmp_path / "index" / "CURRENT").read_text(encoding="utf-8").strip()
    (tmp_path / "index" / "generations" / name / "statistics.npz").unlink()
    status = service.status()
    assert status.generation == held.generation
    assert status.damage is not None
    assert "statistics.npz is missing" in status.damage
    assert first(service, ASKED["th.txt"]) == "th.txt"
    service.index()
    assert service.status().damage is None
    assert service.status().articles == 4


@pytest.mark.parametrize("text", ["", "   \n", "س" * 1001])
def test_question_must_say_something_and_not_too_much(sample_service: Service, text: str) -> None:
    """Empty and endless questions are refused with what was found and expected."""
    with pytest.raises(InvalidQuestionError, match="1 to 1000"):
        sample_service.ask(Question(text))
    with pytest.raises(InvalidQuestionError):
        sample_service.explain(text, "en/suez-canal.md")


@pytest.mark.parametrize("top_k", [0, -1, 51])
def test_number_of_passages_is_bounded(sample_service: Service, top_k: int) -> None:
    """From one to fifty passages may be asked for."""
    with pytest.raises(InvalidQuestionError, match="1 to 50"):
        sample_service.ask(Question("قناة السويس", top_k=top_k))


@pytest.mark.parametrize("name", ["language", "source"])
def test_filter_of_other_bytes_than_text_is_refused(sample_service: Service, name: str) -> None:
    """An argument that is no UTF-8 comes with surrogates, which nothing stored can hold."""
    filters = Filters(**{name: "a\udc85"})  # type: ignore[arg-type]
    for use in (
        lambda: sample_service.ask(Question("moon", filters=filters)),
        lambda: sample_service.retrieve("moon", filters),
        lambda: sample_service.explain("moon", "a.txt", filters),
    ):
        with pytest.raises(InvalidQuestionError, match=f"The {name} to filter by"):
            use()


def test_id_of_other_bytes_than_text_is_no_article(sample_service: Service) -> None:
    """To ask about it fails like any unknown id."""
    with pytest.raises(ArticleNotFoundError, match="no UTF-8"):
        sample_service.explain("moon", "\udc85.txt")


@pytest.mark.parametrize("text", ["?", "؟", "…", "🐧", "س" * 1000, "a", "一", "\u200f؟", "ก", "ॐ"])
def test_odd_questions_get_an_answer_object(sample_service: Service, text: str) -> None:
    """Features, a single letter, the longest question: passages or a refusal, never a failure."""
    answer = sample_service.ask(Question(text))
    assert 0 <= answer.confidence <= 1
    assert answer.is_answered == (answer.answer is not None)


@pytest.mark.parametrize("top_k", [1, 3, 50])
def test_as_many_passages_as_asked_for(sample_service: Service, top_k: int) -> None:
    """Never more than asked for, best first, ranked from one."""
    passages = sample_service.ask(Question("قناة السويس", top_k=top_k)).passages
    assert len(passages) == min(top_k, len(passages))
    assert len(passages) == top_k or top_k == 50
    assert [one.rank for one in passages] == list(range(1, len(passages) + 1))


def test_filters_restrict_what_may_answer(sample_service: Service) -> None:
    """Language, source and dates hold for every passage; what nothing fits gives nothing."""

    def shown(filters: Filters) -> set[str]:
        answer = sample_service.ask(Question("قره باغ", top_k=50, filters=filters))
        return {one.citation.article_id for one in answer.passages}

    assert shown(Filters(language="zh")) == {"zh/great-wall.txt"}
    assert shown(Filters(source="اليوم السابع")) == {"ar/karabakh-peacekeepers.md"}
    day = dt.date(2022, 9, 15)
    assert shown(Filters(published_from=day, published_to=day)) == {
        "ar/un-emergency-session-september-2022.md"
    }
    early = shown(Filters(language="ar", published_to=dt.date(2020, 10, 2)))
    assert early == {"ar/karabakh-calls-for-calm.md", "ar/tavush-border-clashes.md"}
    assert shown(Filters(language="ko")) == set()
    assert not sample_service.ask(Question("قره باغ", filters=Filters(source="x"))).is_answered


@pytest.mark.parametrize("name", TEXTS)
def test_corpus_of_one_article(tmp_path: Path, name: str) -> None:
    """A single article is found, whatever its language, and cited rightly."""
    file = tmp_path / name
    file.write_text(TEXTS[name], encoding="utf-8")
    with closing(Service(load_settings(index=tmp_path / "index", articles=tmp_path))) as service:
        service.index([file])
        answer = service.ask(Question(ASKED[name]))
        assert {one.citation.article_id for one in answer.passages} == {name}
        quote = answer.passages[0]
        assert service.article(name).text[quote.citation.start : quote.citation.end] == quote.text


def test_hundred_copies_of_one_article(tmp_path: Path) -> None:
    """Copies are one article; another one is still found beside them."""
    folder = tmp_path / "copies"
    folder.mkdir()
    for number in range(100):
        (folder / f"copy-{number:03}.txt").write_text(SUEZ, encoding="utf-8")
    (folder / "zh.txt").write_text(TEXTS["zh.txt"], encoding="utf-8")
    with closing(Service(load_settings(index=tmp_path / "index", articles=folder))) as service:
        report = service.index()
        assert report.articles == 2
        assert len(report.duplicates) == 99
        shown = [one.citation.article_id for one in service.ask(Question("1869")).passages]
        assert len(shown) == len({*shown}) == 2
        assert first(service, ASKED["zh.txt"]) == "zh.txt"
        # A copy is still an article that can be looked up.
        assert service.article("copy-050.txt").text == SUEZ


def test_follow_up_is_searched_with_what_it_follows(sample_service: Service) -> None:
    """A brief question that leans on the one before is put back together, in any language."""
    for earlier, later, article in (
        (
            "When was the Suez Canal opened to ships for the first time?",
            "And who founded the company?",
            "en/suez-canal.md",
        ),
        ("متى افتتحت قناة السويس للملاحة لأول مرة؟", "ومن أسس الشركة؟", "en/suez-canal.md"),
        ("明长城全长多少公里？东起哪里？", "谁修的？", "zh/great-wall.txt"),
    ):
        answer = sample_service.ask(Question(later, history=(earlier,)))
        assert answer.question == later
        assert answer.searched_for == f"{earlier} {later}"
        assert answer.passages[0].citation.article_id == article


def test_question_that_stands_alone_is_not_polluted(sample_service: Service) -> None:
    """Another topic is searched as it is asked, whatever was asked before."""
    earlier = "When was the Suez Canal opened to ships for the first time?"
    later = "प्रकाश संश्लेषण में पौधे किन चीज़ों से अपना भोजन बनाते हैं, और ऑक्सीजन कहाँ से निकलती है?"
    answer = sample_service.ask(Question(later, history=(earlier,)))
    assert answer.searched_for == later
    assert answer.passages[0].citation.article_id == "hi/photosynthesis.txt"


def test_without_history_the_question_is_searched_as_it_is(sample_service: Service) -> None:
    """No earlier question, nothing added."""
    assert sample_service.ask(Question("ومن أسسها؟")).searched_for == "ومن أسسها؟"


def test_explain_tells_where_an_article_stood(sample_service: Service) -> None:
    """Each stage is there in order; what was shown and what was not are told apart."""
    shown = sample_service.explain("When was the Suez Canal opened?", "en/suez-canal.md")
    assert [stage.stage for stage in shown.stages] == [
        "dense", "lexical", "merge", "rerank", "answer",
    ]  # fmt: skip
    assert shown.lost_at is None
    assert shown.stages[-1].rank == 1
    lost = sample_service.explain("When was the Suez Canal opened?", "fa/nowruz")
    assert lost.lost_at == "answer"
    assert "fa/nowruz" in lost.summary
    with pytest.raises(ArticleNotFoundError):
        sample_service.explain("When?", "no/such.md")


def test_evaluation_counts_found_and_refused(sample_service: Service) -> None:
    """Known questions are asked for real; what has no article must be refused."""
    found = sample_service.evaluate(
        [
            KnownQuestion("When was the Suez Canal opened?", ("en/suez-canal.md",), ("1869",)),
            KnownQuestion("明长城全长多少公里？", ("zh/great-wall.txt",)),
            KnownQuestion("How do I cook lasagne?", ()),
        ]
    )
    assert (found.questions, found.recall[1], found.mrr, found.refused) == (3, 1.0, 1.0, 1.0)


def test_a_question_soon_gets_to_work(
    sample_service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the service through the live index to who answers; the two doors above make it five."""
    passed: list[str] = []

    def first_work(text: str) -> str:
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            passed.append(frame.f_globals["__name__"])
            frame = frame.f_back
        return detect_language(text)

    answerer = sample_service._assembly.model().answerer
    monkeypatch.setattr(answerer, "_detect_language", first_work)
    sample_service.ask(Question("متى افتتحت قناة السويس؟"))
    ours = dict.fromkeys(name for name in passed if name.startswith("qa_service."))
    assert list(ours) == [
        "qa_service.answer.answerer",
        "qa_service.service",
        "qa_service.store.live_index",
    ]
