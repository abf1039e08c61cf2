"""Instantly v2: warmup accounts, warmup jobs and custom tags (developer.instantly.ai)."""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel

from kindling.errors import (
    MailboxNotReady,
    ProviderError,
    ProviderMisconfigured,
    ProviderRefused,
    TagVanished,
    WarmupBusy,
)
from kindling.providers.client import ProviderClient, body, read
from kindling.providers.model import (
    WarmupAccount,
    WarmupDay,
    WarmupFigures,
    WarmupRegistration,
    WarmupTag,
    WarmupTotals,
)

ACCOUNT_RESOURCE = 1
CUSTOM_IMAP_SMTP = 1
PAGE = 100
# AgentMail's mail servers: docs.agentmail.to/imap-smtp
IMAP_HOST, IMAP_PORT = "imap.agentmail.to", 993
SMTP_HOST, SMTP_PORT = "smtp.agentmail.to", 465


class TagPage(BaseModel):
    items: list[WarmupTag]
    next_starting_after: str | None = None


class AccountPage(BaseModel):
    items: list[WarmupAccount]
    next_starting_after: str | None = None


P = TypeVar("P", TagPage, AccountPage)


class Analytics(BaseModel):
    email_date_data: dict[str, dict[str, WarmupDay]] = {}
    aggregate_data: dict[str, WarmupTotals] = {}


class Instantly:
    """Implements WarmupProvider."""

    def __init__(self, url: str, key: Callable[[], str]) -> None:
        self._client = ProviderClient("Instantly", url, key, _refusal)

    def get_account(self, email: str) -> WarmupAccount | None:
        answer = self._client.call("GET", f"/api/v2/accounts/{quote(email)}", accept=(404,))
        return None if answer.status_code == 404 else read(WarmupAccount, answer)

    def create_account(self, registration: WarmupRegistration) -> None:
        """Add the account; one that stands there already is adopted.

        There is no idempotency key, so any unclear or refused create is settled by looking. Raises
        MailboxNotReady when the provider could not log in to the inbox yet.
        """
        email = registration.email
        login = {"username": email, "password": registration.mail_secret}
        request: dict[str, Any] = {
            "email": email,
            "first_name": registration.first_name,
            "last_name": registration.last_name,
            "provider_code": CUSTOM_IMAP_SMTP,
            "daily_limit": registration.daily_limit,
            **{f"imap_{name}": value for name, value in (login | {"host": IMAP_HOST, "port": IMAP_PORT}).items()},
            **{f"smtp_{name}": value for name, value in (login | {"host": SMTP_HOST, "port": SMTP_PORT}).items()},
        }
        try:
            # Some refusals come as a 200 without an account in it.
            read(WarmupAccount, self._client.call("POST", "/api/v2/accounts", json=request, repeatable=False))
        except ProviderMisconfigured:
            raise
        except ProviderError:
            if self.get_account(email) is None:
                raise

    def update_account(self, email: str, changes: dict[str, str]) -> None:
        """Change names or signature. Raises WarmupBusy behind a warmup job."""
        self._client.call("PATCH", f"/api/v2/accounts/{quote(email)}", json=changes)

    def account_pages(self, tag_id: str | None = None) -> Iterator[list[WarmupAccount]]:
        """Every account of the workspace, or those that carry the tag, a hundred a call."""
        wanted = {"tag_ids": tag_id} if tag_id else {}
        for page in self._pages(AccountPage, "/api/v2/accounts", wanted):
            yield page.items

    def tagged_accounts(self, tag_id: str) -> list[WarmupAccount]:
        """Every account that carries the tag."""
        return [account for page in self.account_pages(tag_id) for account in page]

    def read_figures(self, emails: list[str]) -> dict[str, WarmupFigures]:
        """Warmup figures of at most a hundred accounts, by address; one without any yet is absent."""
        answer = self._client.call("POST", "/api/v2/accounts/warmup-analytics", json={"emails": emails})
        analytics = read(Analytics, answer)
        return {
            email: WarmupFigures(totals=totals, days=analytics.email_date_data.get(email, {}))
            for email, totals in analytics.aggregate_data.items()
        }

    def delete_account(self, email: str) -> None:
        # No body and no content type: the provider refuses a delete that has either.
        self._client.call("DELETE", f"/api/v2/accounts/{quote(email)}", accept=(404,))

    def enable_warmup(self, email: str) -> None:
        """Queue the provider's job; `get_account` tells when it is done. Raises WarmupBusy behind another job."""
        self._client.call("POST", "/api/v2/accounts/warmup/enable", json={"emails": [email]})

    def disable_warmup(self, email: str) -> None:
        self._client.call("POST", "/api/v2/accounts/warmup/disable", json={"emails": [email]})

    def find_tag(self, label: str) -> str | None:
        """The id of the oldest tag with exactly this label; old workspaces may hold several."""
        found = [tag for page in self.tag_pages(label) for tag in page if tag.label.strip() == label]
        return min(found, key=lambda tag: tag.timestamp_created).id if found else None

    def tag_pages(self, search: str) -> Iterator[list[WarmupTag]]:
        """Every tag in whose label `search` stands, a hundred a call."""
        for page in self._pages(TagPage, "/api/v2/custom-tags", {"search": search}):
            yield page.items

    def create_tag(self, label: str) -> str:
        """Create the tag, or find the one that somebody created at the same moment."""
        try:
            request = {"label": label}
            return read(WarmupTag, self._client.call("POST", "/api/v2/custom-tags", json=request, repeatable=False)).id
        except ProviderError:
            found = self.find_tag(label)
            if found is None:
                raise
            return found

    def delete_tag(self, tag_id: str) -> None:
        self._client.call("DELETE", f"/api/v2/custom-tags/{quote(tag_id)}", accept=(404,))

    def some_tagged(self, tag_id: str) -> list[str]:
        """The addresses of at most two accounts that carry the tag: enough to see whether one does alone."""
        answer = self._client.call("GET", "/api/v2/accounts", params={"tag_ids": tag_id, "limit": "2"})
        return [account.email for account in read(AccountPage, answer).items]

    def tag_account(self, email: str, tag_ids: list[str]) -> None:
        """Put the tags on the account. Raises TagVanished when a tag or the account is not there."""
        request = {
            "tag_ids": tag_ids,
            "resource_ids": [email],
            "resource_type": ACCOUNT_RESOURCE,
            "assign": True,
        }
        answer = self._client.call("POST", "/api/v2/custom-tags/toggle-resource", json=request, accept=(404,))
        if answer.status_code == 404:
            raise TagVanished("Instantly no longer knows the account or one of its tags.")

    def _pages(self, shape: type[P], path: str, wanted: dict[str, str]) -> Iterator[P]:
        cursor: dict[str, str] = {}
        while True:
            params = {**wanted, "limit": str(PAGE), **cursor}
            page = read(shape, self._client.call("GET", path, params=params))
            yield page
            # The cursor may stand on the last page too, so a short page ends the walk.
            if len(page.items) < PAGE or not page.next_starting_after:
                return
            cursor = {"starting_after": page.next_starting_after}


def _refusal(answer: httpx.Response) -> ProviderError:
    message = str(body(answer).get("message", ""))
    if answer.status_code == 403:
        return ProviderMisconfigured("Instantly refuses our API key: a scope is missing (403).")
    if "IMAP connection failed" in message:
        return MailboxNotReady("Instantly could not log in to the inbox yet.")
    if answer.status_code == 409 and answer.request.url.path.startswith("/api/v2/accounts"):
        return WarmupBusy("Instantly is busy with another warmup job.")
    return ProviderRefused(f"Instantly answered {answer.status_code}: {message or 'no message'}")
