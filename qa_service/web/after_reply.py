"""What is done for a request once its reply is out: nobody waits for log and metrics."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context
from functools import partial

from flask import Response, after_this_request


def after_reply(task: Callable[[], None]) -> None:
    """Do something for the current request that its client need not wait for.

    What the task logs carries the request's id.
    """

    @after_this_request
    def promise(response: Response) -> Response:
        call_after(response, task)
        return response


def call_after(response: Response, task: Callable[[], None]) -> None:
    """Call a task with what holds for the current request, once the response has been sent."""
    if response.direct_passthrough:
        # A file that is handed to the server as it is: nobody is told when that is done.
        task()
    else:
        response.call_on_close(partial(copy_context().run, task))
