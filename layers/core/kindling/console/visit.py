"""One request of somebody who has signed in, as the pages see it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from kindling.console.html import Html
from kindling.console.session import Session
from kindling.errors import InvalidRequest
from kindling.keys.model import Caller, Scope

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Visit:
    """A request. `ids` are the parameters of the path, `form` the fields of a form.

    `origin` is where the API is, `path` that of the page. `problem` is a sentence about what was asked for and refused,
    `secret` one that is shown once.
    """

    caller: Caller
    session: Session
    origin: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    form: dict[str, str] = field(default_factory=dict)
    problem: str = ""
    secret: str = ""

    def may(self, scope: Scope) -> bool:
        """Whether to offer what needs `scope`: a test key reaches no provider, and so may do nothing here."""
        return self.caller.live and scope in self.caller.scopes

    def read(self, model: type[M], *names: str, **fixed: Any) -> M:
        """The query as `model`: those of its parameters that have a value. Raises InvalidRequest."""
        asked = {name: self.query[name].strip() for name in names if self.query.get(name, "").strip()}
        try:
            return model.model_validate({**fixed, **asked})
        except ValidationError as error:
            raise InvalidRequest.of("request", error.errors()) from error


Page = Callable[[Visit], Html]
