"""gunicorn's own messages, sent where all records of the process go."""

from __future__ import annotations

import logging
from typing import Any

from gunicorn.glogging import Logger


class ServerLogger(Logger):  # type: ignore[misc]
    """Writes no line itself: `logs.set_up_logging` decides where to, and how each looks."""

    def setup(self, cfg: Any) -> None:
        """Keep gunicorn from giving its loggers handlers and formats of their own."""
        self.error_log.setLevel(self.LOG_LEVELS.get(cfg.loglevel.lower(), logging.INFO))
        for logger in (self.error_log, self.access_log):
            logger.handlers.clear()
            logger.propagate = True
