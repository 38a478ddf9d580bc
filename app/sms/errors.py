"""One shape for every error: `{"error": {"status": …, "title": …, "detail": …, "problems": […]}}`."""

import json
import logging
from typing import Any

from flask import Flask
from pymongo.errors import PyMongoError
from werkzeug.exceptions import BadRequest, HTTPException, ServiceUnavailable
from werkzeug.wrappers import Response

# Long enough for most elections in a replica set.
RETRY_AFTER_SECONDS = 5

logger = logging.getLogger(__name__)


class InvalidRequest(BadRequest):
    """Lists all faults of a request together."""

    description = "The request is not valid. Each problem is listed."

    def __init__(self, problems: list[dict[str, Any]]):
        super().__init__()
        self.problems = problems


def answer_as_json(app: Flask) -> None:
    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        # The exception's own response has the matching headers: Allow, Retry-After.
        response = error.get_response()
        body = {"status": response.status_code, "title": error.name, "detail": error.description}
        if isinstance(error, InvalidRequest):
            body["problems"] = error.problems
        response.data = json.dumps({"error": body}, ensure_ascii=False)
        response.content_type = "application/json"
        return response

    @app.errorhandler(PyMongoError)
    def store_away(error: PyMongoError) -> Response:
        logger.error("the store doesn't answer", extra={"error": f"{type(error).__name__}: {error}"})
        return http_error(
            ServiceUnavailable(
                "Nothing can be stored or read at the moment; try again, with the same Idempotency-Key.",
                retry_after=RETRY_AFTER_SECONDS,
            )
        )
