"""An entry of a tenant's suppression list."""

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from kindling.platform import clock
from kindling.platform.addresses import Address
from kindling.platform.paging import Paging


class Reason(StrEnum):
    HARD_BOUNCE = "hard_bounce"
    COMPLAINT = "complaint"
    MANUAL = "manual"
    UNSUBSCRIBE = "unsubscribe"


class Source(StrEnum):
    """The origin of an entry: the mail provider's webhook, the API, or an import."""

    WEBHOOK = "webhook"
    API = "api"
    IMPORT = "import"


def suppression_key(user_id: str, email: str) -> dict[str, str]:
    """The key of an address's entry in a tenant's list."""
    return {"pk": f"TENANT#{user_id}", "sk": f"SUPPRESSION#{email}"}


class Suppression(BaseModel):
    """An entry of a tenant's list. It applies to all domains of the tenant."""

    user_id: str
    email: str
    reason: Reason
    source: Source
    created_at: str

    def wire(self) -> dict[str, Any]:
        """The entry as the API returns it."""
        row = self.model_dump(mode="json", exclude={"user_id"})
        return {"id": self.email, **row, "scope_type": "org", "scope_id": None}


def suppression(user_id: str, email: str, reason: Reason, source: Source) -> Suppression:
    """A new entry."""
    return Suppression(user_id=user_id, email=email, reason=reason, source=source, created_at=clock.timestamp())


class ScopeType(StrEnum):
    """What a suppression of the contract may hold for. Ours hold for the whole organisation."""

    ORG = "org"
    DOMAIN = "domain"
    STREAM = "stream"
    TEMPLATE = "template"
    LIST = "list"


class ListSuppressions(Paging):
    """The query of `GET /v1/suppressions`; `query` is a part of the address.

    Continue with `cursor`, or with `offset`, which reads what it skips.
    """

    query: str = ""
    reason: Reason | None = None
    source: Source | None = None
    scope_type: ScopeType | None = None
    scope_id: str | None = None
    limit: int = Field(default=50, ge=1, le=200)
    offset: int = Field(default=0, ge=0)

    @property
    def filters(self) -> bool:
        """Whether the list leaves out entries other than by its page."""
        return bool(self.model_fields_set - {"limit", "offset", "cursor"})

    def matches(self, entry: Suppression) -> bool:
        """Whether the list shows the entry."""
        return (
            self.query.strip().lower() in entry.email
            and self.reason in (None, entry.reason)
            and self.source in (None, entry.source)
            and self.scope_type in (None, ScopeType.ORG)
            and not self.scope_id
        )


class CheckSuppression(BaseModel):
    """The query of `GET /v1/suppressions/check`."""

    model_config = ConfigDict(extra="forbid")

    email: Address


class CreateSuppression(BaseModel):
    """The body of `POST /v1/suppressions`."""

    model_config = ConfigDict(extra="forbid")

    email: Address
    reason: Reason = Reason.MANUAL
