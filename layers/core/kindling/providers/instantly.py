"""Instantly v2: warmup accounts, warmup jobs and custom tags (developer.instantly.ai)."""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel

from kindling.errors import (
    KeyRefused,
    MailboxNotReady,
    ProviderError,
    ProviderMisconfigured,
    ProviderRefused,
    TagVanished,
    WarmupBusy,
)
from kindling.providers.bucket import Rate
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
# A workspace may send 100 requests in any second and 6,000 in any minute: 80 a second and 20 at once stay within both.
BURST = 20
# The final states of a background job (developer.instantly.ai, background jobs).
ENDED = ("success", "failed", "cancelled")
# AgentMail's mail servers (docs.agentmail.to/imap-smtp), where Instantly logs in to the inboxes.
IMAP_HOST, IMAP_PORT = "imap.agentmail.to", 993
SMTP_HOST, SMTP_PORT = "smtp.agentmail.to", 465


class TagPage(BaseModel):
    items: list[WarmupTag]
    next_starting_after: str | None = None


class AccountPage(BaseModel):
    items: list[WarmupAccount]
    next_starting_after: str | None = None


P = TypeVar("P", TagPage, AccountPage)


class BackgroundJob(BaseModel):
    id: str
    status: str


class Analytics(BaseModel):
    email_date_data: dict[str, dict[str, WarmupDay]] = {}
    aggregate_data: dict[str, WarmupTotals] = {}


class Instantly:
    """Implements WarmupProvider."""

    def __init__(self, url: str, key: Callable[[], str], per_second: float, owner: str = "") -> None:
        self._client = ProviderClient("Instantly", url, key, _to_error, Rate(per_second, BURST), owner)

    def get_account(self, email: str) -> WarmupAccount | None:
        answer = self._client.call("GET", f"/api/v2/accounts/{quote(email)}", accept=(404,))
        return None if answer.status_code == 404 else read(WarmupAccount, answer)

    def create_account(self, registration: WarmupRegistration) -> None:
        """Create the account; an existing one is left as it is.

        Instantly has no idempotency key, so after an error the account is looked up. Raises MailboxNotReady when
        Instantly cannot log in to the inbox yet.
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
            # Instantly reports some failures with status 200 and no account in the body.
            read(WarmupAccount, self._client.call("POST", "/api/v2/accounts", json=request, repeatable=False))
        except ProviderMisconfigured:
            raise
        except ProviderError:
            if self.get_account(email) is None:
                raise

    def update_account(self, email: str, changes: dict[str, str]) -> None:
        """Change names or signature. Raises WarmupBusy while a warmup job is running."""
        self._client.call("PATCH", f"/api/v2/accounts/{quote(email)}", json=changes)

    def account_pages(self, tag_id: str | None = None) -> Iterator[list[WarmupAccount]]:
        """All accounts of the workspace, or those with the tag, by page."""
        filters = {"tag_ids": tag_id} if tag_id else {}
        for page in self._pages(AccountPage, "/api/v2/accounts", filters):
            yield page.items

    def tagged_accounts(self, tag_id: str) -> list[WarmupAccount]:
        """All accounts with the tag."""
        return [account for page in self.account_pages(tag_id) for account in page]

    def read_figures(self, emails: list[str]) -> dict[str, WarmupFigures]:
        """Warmup figures of up to 100 accounts, by address. An account without figures is absent."""
        answer = self._client.call("POST", "/api/v2/accounts/warmup-analytics", json={"emails": emails})
        analytics = read(Analytics, answer)
        return {
            email: WarmupFigures(totals=totals, days=analytics.email_date_data.get(email, {}))
            for email, totals in analytics.aggregate_data.items()
        }

    def delete_account(self, email: str) -> None:
        # No body and no content type: the provider refuses a delete that has either.
        self._client.call("DELETE", f"/api/v2/accounts/{quote(email)}", accept=(404,))

    def enable_warmups(self, emails: list[str]) -> str:
        """Start a job that enables the warmup of up to 100 accounts; its id. Raises WarmupBusy while another runs.

        `get_account` shows the result: a job that ends may have left out some accounts.
        """
        answer = self._client.call("POST", "/api/v2/accounts/warmup/enable", json={"emails": emails})
        return read(BackgroundJob, answer).id

    def job_ended(self, job_id: str) -> bool:
        """Whether a job runs no more, with whatever success."""
        answer = self._client.call("GET", f"/api/v2/background-jobs/{quote(job_id)}", accept=(404,))
        return answer.status_code == 404 or read(BackgroundJob, answer).status in ENDED

    def disable_warmup(self, email: str) -> None:
        self._client.call("POST", "/api/v2/accounts/warmup/disable", json={"emails": [email]})

    def find_tag(self, label: str) -> str | None:
        """The id of the tag with exactly this label, the oldest one when there are several; None without any."""
        tags = [tag for page in self.tag_pages(label) for tag in page if tag.label.strip() == label]
        return min(tags, key=lambda tag: tag.timestamp_created).id if tags else None

    def tag_pages(self, search: str) -> Iterator[list[WarmupTag]]:
        """All tags whose label contains `search`, by page."""
        for page in self._pages(TagPage, "/api/v2/custom-tags", {"search": search}):
            yield page.items

    def create_tag(self, label: str) -> str:
        """Create the tag and return its id. After an error, return the id of an existing tag with the label."""
        try:
            request = {"label": label}
            return read(WarmupTag, self._client.call("POST", "/api/v2/custom-tags", json=request, repeatable=False)).id
        except ProviderError:
            tag_id = self.find_tag(label)
            if tag_id is None:
                raise
            return tag_id

    def delete_tag(self, tag_id: str) -> None:
        self._client.call("DELETE", f"/api/v2/custom-tags/{quote(tag_id)}", accept=(404,))

    def some_tagged(self, tag_id: str) -> list[str]:
        """The addresses of up to two accounts with the tag: enough to decide whether an account is the only one."""
        answer = self._client.call("GET", "/api/v2/accounts", params={"tag_ids": tag_id, "limit": "2"})
        return [account.email for account in read(AccountPage, answer).items]

    def tag_account(self, email: str, tag_ids: list[str]) -> None:
        """Assign the tags to the account. Raises TagVanished when a tag or the account does not exist."""
        request = {
            "tag_ids": tag_ids,
            "resource_ids": [email],
            "resource_type": ACCOUNT_RESOURCE,
            "assign": True,
        }
        answer = self._client.call("POST", "/api/v2/custom-tags/toggle-resource", json=request, accept=(404,))
        if answer.status_code == 404:
            raise TagVanished("Instantly no longer knows the account or one of its tags.")

    def _pages(self, shape: type[P], path: str, filters: dict[str, str]) -> Iterator[P]:
        cursor: dict[str, str] = {}
        while True:
            params = {**filters, "limit": str(PAGE), **cursor}
            page = read(shape, self._client.call("GET", path, params=params))
            yield page
            # The last page may have a cursor too, so a short page also ends the loop.
            if len(page.items) < PAGE or not page.next_starting_after:
                return
            cursor = {"starting_after": page.next_starting_after}


def _to_error(answer: httpx.Response) -> ProviderError:
    message = str(body(answer).get("message", ""))
    if answer.status_code == 403:
        return KeyRefused("Instantly refuses our API key: a scope is missing (403).")
    if "IMAP connection failed" in message:
        return MailboxNotReady("Instantly could not log in to the inbox yet.")
    if answer.status_code == 409 and answer.request.url.path.startswith("/api/v2/accounts"):
        return WarmupBusy("Instantly is busy with another warmup job.")
    return ProviderRefused(f"Instantly answered {answer.status_code}: {message or 'no message'}")
