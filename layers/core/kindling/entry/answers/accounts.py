"""Answers about accounts."""

from http import HTTPStatus
from typing import ClassVar, Self

from kindling.accounts.model import AccountStatus, JoinedAccount, WarmupStatus
from kindling.domains.model import DomainStatus
from kindling.entry.answers import Answer, Listed, Shown
from kindling.platform.paging import Page


class ShownDomainOfAccount(Shown):
    id: str
    domain: str
    status: DomainStatus


class ShownAccount(Shown):
    """An account; `email_domains` is its domain, null once that is deleted.

    `warmup_reason` says why a pending account is not warming yet.
    """

    id: str
    user_id: str
    type: str
    domain_id: str
    email_address: str
    agentmail_inbox_id: str
    instantly_account_id: str | None
    status: AccountStatus
    warmup_status: WarmupStatus
    display_name: str | None
    first_name: str | None
    last_name: str | None
    signature: str | None
    instantly_tag_id: str | None
    instantly_warmup_tag_id: str | None
    daily_limit: int
    warmup_enabled: bool
    warmup_reason: str | None
    created_at: str
    updated_at: str
    email_domains: ShownDomainOfAccount | None


class AccountAnswer(Answer):
    """An account."""

    account: ShownAccount

    @classmethod
    def of(cls, account: JoinedAccount) -> Self:
        return cls.model_validate({"account": account.wire()})


class AccountCreated(AccountAnswer):
    """A new account."""

    http_status: ClassVar[HTTPStatus] = HTTPStatus.CREATED


class AccountsAnswer(Listed):
    """The tenant's accounts, newest first."""

    accounts: list[ShownAccount]

    @classmethod
    def of(cls, page: Page[JoinedAccount]) -> Self:
        rows = [account.wire() for account in page.rows]
        return cls.model_validate({"accounts": rows, "next_cursor": page.next_cursor})


class ShownDay(Shown):
    date: str
    sent: int
    received: int


class ShownFigures(Shown):
    email: str
    total_sent: int
    total_received: int
    health_score: int
    health_score_label: str
    warmup_reputation: int
    instantly_warmup_status: int
    daily_data: list[ShownDay]


class ShownTransition(Shown):
    warmup_status: WarmupStatus
    status: AccountStatus


class AnalyticsAnswer(Listed):
    """Warmup figures by account id, and the status changes that this request made."""

    analytics: dict[str, ShownFigures]
    transitions: dict[str, ShownTransition]
