"""The row of an email account, the transitions of its two statuses, and the bodies of requests."""

import re
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from kindling.accounts.reputation import DailyReputation
from kindling.platform import table
from kindling.platform.text import Id, Lines, SingleLine, ascii_lower, is_uuid
from kindling.platform.transitions import Graph

# The kind of due item: accounts whose warmup has to be enabled.
WARMUP_KIND = "warmup"
FIRST_RETRY = timedelta(minutes=1)
LONGEST_RETRY = timedelta(hours=1)
MOST_ROWS = 1000  # accounts of one batch
DAILY_LIMIT = 30  # messages per day, the default of Puffle's API
USERNAME_LENGTH = 64  # RFC 5321, local part
_USERNAME = re.compile(r"[a-z0-9._-]+")
MARK = "kindling-"
# The reason of an account that the version before left pending.
FORGOTTEN = "Its warmup did not start; it is tried again within a day."


class AccountStatus(StrEnum):
    PENDING = "pending"
    WARMING = "warming"
    ACTIVE = "active"
    ERROR = "error"


class WarmupStatus(StrEnum):
    NOT_STARTED = "not_started"
    WARMING = "warming"
    ACTIVE = "active"
    BANNED = "banned"
    SUSPENDED = "suspended"


PENDING = (AccountStatus.PENDING, WarmupStatus.NOT_STARTED)
WARMING = (AccountStatus.WARMING, WarmupStatus.WARMING)
ACTIVE = (AccountStatus.ACTIVE, WarmupStatus.ACTIVE)
BANNED = (AccountStatus.ERROR, WarmupStatus.BANNED)
SUSPENDED = (AccountStatus.ERROR, WarmupStatus.SUSPENDED)

State = tuple[AccountStatus, WarmupStatus]
ALLOWED: dict[State, frozenset[State]] = {
    PENDING: frozenset({WARMING}),
    WARMING: frozenset({ACTIVE, BANNED, SUSPENDED}),
    ACTIVE: frozenset({BANNED, SUSPENDED}),
    BANNED: frozenset(),
    SUSPENDED: frozenset(),
}
GRAPH = Graph(("status", "warmup_status"), ALLOWED)


def account_key(user_id: str, account_id: str) -> dict[str, str]:
    """The key of an account's row."""
    return {"pk": f"TENANT#{user_id}", "sk": f"ACCOUNT#{account_id}"}


def parse_account_key(key: dict[str, str]) -> tuple[str, str]:
    """The tenant and the account of a row's key."""
    return key["pk"].removeprefix("TENANT#"), key["sk"].removeprefix("ACCOUNT#")


def retry_pause(attempts: int) -> timedelta:
    """The pause before a warmup is enabled again, after a number of failed attempts."""
    return min(FIRST_RETRY * int(2 ** min(max(attempts - 1, 0), 10)), LONGEST_RETRY)


@table.upgrade(1, "TENANT#", "ACCOUNT#")
def _explained(item: dict[str, Any]) -> dict[str, Any]:
    """Version 0 left accounts pending without a reason and without a retry; `enabling.resume` gives them one."""
    pending = (item.get("status"), item.get("warmup_status")) == PENDING
    forgotten = pending and "due_at" not in item and "warmup_reason" not in item
    return {**item, "warmup_reason": FORGOTTEN} if forgotten else item


class Account(BaseModel):
    """An account's row. Instants are ISO 8601, UTC; `daily_limit` is in messages per day."""

    id: str
    user_id: str
    type: str = "email"
    domain_id: str
    email_address: str
    agentmail_inbox_id: str
    instantly_account_id: str | None = None
    status: AccountStatus
    warmup_status: WarmupStatus
    display_name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    signature: str | None = None
    instantly_tag_id: str | None = None
    instantly_warmup_tag_id: str | None = None
    daily_limit: int = DAILY_LIMIT
    # False when the tenant has chosen to send without warming up the inbox.
    warmup_enabled: bool = True
    # Why a pending account is not warming yet, as a sentence.
    warmup_reason: str | None = None
    # The attempts to enable its warmup that failed since it was saved.
    warmup_attempts: int = 0
    # Absent until the first is read.
    daily_reputation: DailyReputation | None = None
    created_at: str
    updated_at: str

    @property
    def state(self) -> State:
        """Both statuses, as a node of `GRAPH`."""
        return self.status, self.warmup_status

    @property
    def tags(self) -> dict[str, str]:
        """The ids of its tags at Instantly, by the names of their fields."""
        ids = {name: getattr(self, name) for name in ("instantly_tag_id", "instantly_warmup_tag_id")}
        return {name: tag_id for name, tag_id in ids.items() if tag_id}

    @property
    def may_send(self) -> bool:
        """Whether the account may send: when it is active or its warmup is switched off, never after a ban."""
        return self.status == AccountStatus.ACTIVE or (not self.warmup_enabled and self.status != AccountStatus.ERROR)


class DomainOfAccount(BaseModel):
    """The fields of its domain that every account is returned with."""

    id: str
    domain: str
    status: str


class JoinedAccount(Account):
    """An account with its domain, as the API returns it."""

    email_domains: DomainOfAccount | None

    def wire(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude={"warmup_attempts", "daily_reputation"})


def mark(account_id: str) -> str:
    """The client id of an account's inbox. AgentMail accepts A-Z, a-z, 0-9 and -._~ in it."""
    return f"{MARK}{account_id}"


def parse_mark(client_id: str | None) -> str | None:
    """The account's id in an inbox's client id; None when Kindling did not create the inbox."""
    account_id = (client_id or "").removeprefix(MARK)
    return account_id if client_id == mark(account_id) and is_uuid(account_id) else None


def username(text: str) -> str:
    """Normalize an address's local part to lower case. Raises ValueError, with a message for the caller, if invalid."""
    name = ascii_lower(text.strip())
    if not _USERNAME.fullmatch(name):
        raise ValueError("may hold only a-z, 0-9, '.', '-' and '_'")
    if len(name) > USERNAME_LENGTH:
        raise ValueError(f"may have at most {USERNAME_LENGTH} characters")
    if not (name[0].isalnum() and name[-1].isalnum()):
        raise ValueError("must begin and end with a letter or a digit")
    if ".." in name:
        raise ValueError("may not hold two dots in a row")
    return name


Name = Annotated[SingleLine | None, Field(max_length=200)]


class CreateAccount(BaseModel):
    """The body of `POST /api/email/accounts`."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    username: Annotated[str, AfterValidator(username)]
    domain_id: Id
    display_name: Name = None
    first_name: Name = None
    last_name: Name = None

    @field_validator("display_name", "first_name", "last_name")
    @classmethod
    def _blank_is_none(cls, value: str | None) -> str | None:
        return value or None

    @property
    def shown_name(self) -> str | None:
        """The display name; derived from first and last name when it was omitted."""
        return self.display_name or " ".join(filter(None, (self.first_name, self.last_name))) or None


class CreateAccounts(BaseModel):
    """The body of `POST /api/email/accounts/batch`."""

    model_config = ConfigDict(extra="forbid")

    accounts: Annotated[list[CreateAccount], Field(min_length=1, max_length=MOST_ROWS)]


class UpdateAccount(BaseModel):
    """The body of `PATCH /api/email/accounts/{id}`. Omitted fields are unchanged, empty ones are cleared."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    signature: Annotated[Lines | None, Field(max_length=10_000)] = None
    display_name: Name = None
    first_name: Name = None
    last_name: Name = None
    warmup_enabled: bool = True

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError(f"must change at least one of {', '.join(UpdateAccount.model_fields)}")
        return self

    @property
    def changes(self) -> dict[str, str | bool | None]:
        """The fields to write; None clears a field."""
        sent = self.model_dump(include=self.model_fields_set)
        return {name: value if isinstance(value, bool) else value or None for name, value in sent.items()}


class DeprovisionAccount(BaseModel):
    """The input of every step of the `deprovision_account` saga."""

    operation_id: str
    user_id: str
    account_id: str
    address: str


class ProvisionAccount(BaseModel):
    """The input of every step of the `provision_account` saga."""

    operation_id: str
    user_id: str
    account_id: str
    domain_id: str
    domain: str
    username: str
    display_name: str | None = None
    first_name: str | None = None
    last_name: str | None = None

    @property
    def address(self) -> str:
        return f"{self.username}@{self.domain}"


def saga_request(account_id: str, domain: str, command: CreateAccount) -> dict[str, str]:
    """The input of `provision_account`, without the names that were not given."""
    names = {
        "display_name": command.shown_name,
        "first_name": command.first_name,
        "last_name": command.last_name,
    }
    ids = {
        "account_id": account_id,
        "domain_id": command.domain_id,
        "domain": domain,
        "username": command.username,
    }
    return ids | {name: value for name, value in names.items() if value}
