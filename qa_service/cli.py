"""The command line: `qa-service index`, `ask`, `serve`, `status` and the rest."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec

import click

import qa_service
from qa_service import terminal
from qa_service.errors import QaServiceError
from qa_service.text.printable import printable
from qa_service.types import Filters, Question

if TYPE_CHECKING:
    from qa_service.bodies import Body
    from qa_service.config import Settings
    from qa_service.service import Service

log = logging.getLogger("qa_service.cli")

EXIT_FAILED = 1
EXIT_NOT_ANSWERED = 3

P = ParamSpec("P")
Command = Callable[P, None]


class _Group(click.Group):
    """A group of commands whose complaints about arguments cannot drive a terminal either."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments."""
        with _printable_complaints():
            return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        with _printable_complaints():
            return super().invoke(ctx)


@contextmanager
def _printable_complaints() -> Iterator[None]:
    try:
        yield
    except click.ClickException as error:
        error.message = printable(error.message)  # type: ignore[misc]
        raise


@click.group(
    cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 96}
)
@click.version_option(qa_service.__version__, prog_name="qa-service")
def main() -> None:
    """Ask your own articles, in any language, and get cited answers.

    Settings come from options, QA_... variables and qa-service.toml, in this order.
    """
    _write_utf8()
    terminal.print_log_to_stderr()


def _index_option(command: Command[P]) -> Command[P]:
    return click.option(
        "--index",
        "index_folder",
        type=click.Path(path_type=Path),
        help="The index folder (default: QA_INDEX, else index/).",
    )(command)


def _json_option(command: Command[P]) -> Command[P]:
    return click.option(
        "--json", "as_json", is_flag=True, help="Print one JSON document and nothing else."
    )(command)


@main.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--rebuild", is_flag=True, help="Read every file again and make every part anew.")
@_json_option
@_index_option
def index(paths: tuple[Path, ...], rebuild: bool, as_json: bool, index_folder: Path | None) -> None:
    """Make the index mirror these files and folders.

    Without PATHS those of the last run, at first seeds/. Only what changed is read and embedded.
    Files that cannot be read are named in the report and hold up nothing.
    """
    with _failing_with_message(), _service(index_folder) as service:
        with terminal.progress_display() as on_progress:
            report = service.index(paths, rebuild=rebuild, on_progress=on_progress)
        if as_json:
            from qa_service.bodies import IndexReportOut

            _print_json(IndexReportOut.from_report(report))
        else:
            terminal.print_report(report)


@main.command()
@click.argument("question")
@click.option("--top-k", type=click.IntRange(1, 50), default=5, show_default=True)
@click.option("--language", help="Only articles in this language, such as ar.")
@click.option("--source", help="Only articles of this source.")
@click.option(
    "--from", "published_from", type=click.DateTime(["%Y-%m-%d"]), help="Published on or after."
)
@click.option(
    "--to", "published_to", type=click.DateTime(["%Y-%m-%d"]), help="Published on or before."
)
@_json_option
@_index_option
def ask(
    question: str,
    top_k: int,
    language: str | None,
    source: str | None,
    published_from: Any,
    published_to: Any,
    as_json: bool,
    index_folder: Path | None,
) -> None:
    """Answer QUESTION, with citations. Exit code 3 when the articles hold no answer."""
    filters = Filters(
        language=language,
        source=source,
        published_from=published_from.date() if published_from else None,
        published_to=published_to.date() if published_to else None,
    )
    with _failing_with_message(), _service(index_folder) as service:
        answer = service.ask(Question(question, top_k=top_k, filters=filters))
        if as_json:
            from qa_service.bodies import AnswerOut

            _print_json(AnswerOut.from_answer(answer))
        else:
            from qa_service.bodies import no_answer_message

            terminal.print_answer(answer, no_answer_message(answer.language))
    if not answer.is_answered:
        sys.exit(EXIT_NOT_ANSWERED)


@main.command()
@click.option("--host", help="Address to bind to (default: QA_HOST, else 127.0.0.1).")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="Port (default: QA_PORT, else 8000); 0: any."
)
@click.option("--watch", is_flag=True, help="Index the articles, and again whenever they change.")
@_index_option
def serve(host: str | None, port: int | None, watch: bool, index_folder: Path | None) -> None:
    """Serve the chat page and the API until stopped."""
    # Flask and gunicorn are only needed here.
    from qa_service.web.server import serve as run_server

    with _failing_with_message():
        settings = _load_settings(index=index_folder, host=host, port=port)
        run_server(settings, lambda: _make_service(settings, log.info), watch=watch)


@main.command()
@_json_option
@_index_option
def status(as_json: bool, index_folder: Path | None) -> None:
    """Tell what is indexed, by which model, and how much room it takes."""
    with _failing_with_message(), _service(index_folder) as service:
        found = service.status()
        if as_json:
            from qa_service.bodies import IndexStatusOut

            _print_json(IndexStatusOut.from_status(found))
        else:
            terminal.print_status(found)


@main.command()
@_json_option
@_index_option
def verify(as_json: bool, index_folder: Path | None) -> None:
    """Check every checksum and every offset of the index, and the unpacked model."""
    with _failing_with_message(), _service(index_folder) as service:
        problems = service.verify()
        if as_json:
            from qa_service.bodies import VerificationOut

            _print_json(VerificationOut.from_problems(problems))
        else:
            terminal.print_problems(problems)
    if problems:
        sys.exit(EXIT_FAILED)


@main.command()
@_json_option
@_index_option
def rollback(as_json: bool, index_folder: Path | None) -> None:
    """Put the generation before the current one back in service."""
    with _failing_with_message(), _service(index_folder) as service:
        found = service.rollback()
        if as_json:
            from qa_service.bodies import IndexStatusOut

            _print_json(IndexStatusOut.from_status(found))
        else:
            terminal.print_status(found)


@main.command()
@click.argument("question")
@click.argument("article_id")
@_json_option
@_index_option
def explain(question: str, article_id: str, as_json: bool, index_folder: Path | None) -> None:
    """Tell where the article ARTICLE_ID stood at each stage for QUESTION."""
    with _failing_with_message(), _service(index_folder) as service:
        explanation = service.explain(question, article_id)
        if as_json:
            from qa_service.bodies import ExplanationOut

            _print_json(ExplanationOut.from_explanation(explanation))
        else:
            terminal.print_explanation(explanation)


@main.command(name="eval")
@click.argument("questions", type=click.Path(path_type=Path))
@_json_option
@_index_option
def evaluate(questions: Path, as_json: bool, index_folder: Path | None) -> None:
    """Ask the questions of a JSONL file and tell how many were answered right.

    Each line: {"question": "...", "relevant": [article ids], "answers": [texts]}. A question with
    no relevant article is one to refuse.
    """
    from qa_service.answer.evaluation import read_questions

    with _failing_with_message(), _service(index_folder) as service:
        evaluation = service.evaluate(read_questions(questions))
        if as_json:
            from qa_service.bodies import EvaluationOut

            _print_json(EvaluationOut.from_evaluation(evaluation))
        else:
            terminal.print_evaluation(evaluation)


@contextmanager
def _failing_with_message() -> Iterator[None]:
    """Turn errors that a person can mend into a message and an exit code."""
    try:
        yield
    except QaServiceError as error:
        terminal.print_error(str(error))
        sys.exit(EXIT_FAILED)
    except KeyboardInterrupt:
        terminal.print_error("stopped; what was done is kept.")
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output has seen enough; nothing more must be written at exit.
        sys.stdout = None
        sys.exit(EXIT_FAILED)


@contextmanager
def _service(index_folder: Path | None) -> Iterator[Service]:
    with closing(_make_service(_load_settings(index=index_folder))) as service:
        yield service


def _load_settings(**overrides: object) -> Settings:
    # pydantic-settings takes longer to import than `qa-service --help` takes in all.
    from qa_service.config import load_settings

    return load_settings(**overrides)


def _make_service(
    settings: Settings, on_preparation: Callable[[str], None] = terminal.print_note
) -> Service:
    # `qa-service --help` must not wait for the model's libraries.
    from qa_service.service import Service

    return Service(settings, on_preparation=on_preparation)


def _print_json(body: Body) -> None:
    terminal.print_json(body.to_text(indent=2))


def _write_utf8() -> None:
    """Write any script, whatever the locale says."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="replace")


if __name__ == "__main__":
    main()
