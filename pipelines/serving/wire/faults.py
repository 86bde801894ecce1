"""What clients are told when something is not done: one error, in the form of OpenAI or of Anthropic."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    408: "timeout_error",
    413: "request_too_large",
    415: "invalid_request_error",
    421: "invalid_request_error",
    429: "rate_limit_error",
    500: "api_error",
    503: "overloaded_error",
}
"""Of errors, by status (both vendors' references of errors)."""
ANTHROPIC = "/v1/messages"
"""Where errors have Anthropic's form."""


class Refused(Exception):
    """Something that a client asked for is not done."""

    def __init__(
        self, status: int, message: str, *, param: str | None = None, code: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        """Say why.

        Args:
            status: of HTTP, one of `TYPES`.
            message: names what is wrong and the remedy.
            param: the parameter at fault.
            code: a short fixed name of the fault.
            headers: of the response.
        """
        super().__init__(message)
        self.status, self.message, self.param, self.code, self.headers = status, message, param, code, headers

    def told(self, path: str) -> dict[str, Any]:
        """Return the body of the error in the form that clients of a path know."""
        kind = TYPES[self.status]
        if path.startswith(ANTHROPIC):
            return {"type": "error", "error": {"type": kind, "message": self.message}}
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}

    def response(self, path: str) -> Response:
        """Return the error as a response."""
        return as_json(self.told(path), self.status, self.headers)


def as_json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a value as a response; what JSON does not know, such as infinities, is an error here."""
    return Response(json.dumps(value, allow_nan=False), status, headers, media_type="application/json")
