"""The JSON of the API: one model for each body, made from values and told alike by every door.

The OpenAPI document is made from these models, the command line prints them, and tests hold the
client and the page's scripts to them. What only addresses carry is in `web/queries.py`.
"""

from qa_service.bodies.answers import AnswerOut
from qa_service.bodies.articles import ArticleAcceptedOut, ArticleIn, ArticleListOut, ArticleOut
from qa_service.bodies.body import Body, Json
from qa_service.bodies.evaluations import EvaluationOut
from qa_service.bodies.explanations import ExplanationOut
from qa_service.bodies.index import IndexOut, IndexStatusOut, UnreadFilesOut, VerificationOut
from qa_service.bodies.index_runs import Excerpt, IndexIn, IndexReportOut, JobAcceptedOut
from qa_service.bodies.links import article_path
from qa_service.bodies.no_answer import no_answer_message
from qa_service.bodies.operation import ErrorOut, HealthOut, ReadyOut
from qa_service.bodies.questions import AskIn, FeedbackIn, FeedbackOut

__all__ = [
    "AnswerOut",
    "ArticleAcceptedOut",
    "ArticleIn",
    "ArticleListOut",
    "ArticleOut",
    "AskIn",
    "Body",
    "ErrorOut",
    "EvaluationOut",
    "Excerpt",
    "ExplanationOut",
    "FeedbackIn",
    "FeedbackOut",
    "HealthOut",
    "IndexIn",
    "IndexOut",
    "IndexReportOut",
    "IndexStatusOut",
    "JobAcceptedOut",
    "Json",
    "ReadyOut",
    "UnreadFilesOut",
    "VerificationOut",
    "article_path",
    "no_answer_message",
]
