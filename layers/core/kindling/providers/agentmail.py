"""AgentMail: domains, inboxes, their API keys and messages (docs.agentmail.to)."""

from collections.abc import Callable, Iterator
from urllib.parse import quote

import httpx
from pydantic import BaseModel

from kindling.errors import (
    AddressBurnt,
    AddressTaken,
    DomainNotVerified,
    KeyRefused,
    ProviderError,
    ProviderMisconfigured,
    ProviderRefused,
    ProviderUnavailable,
)
from kindling.providers.bucket import Rate
from kindling.providers.client import ProviderClient, body, items, read
from kindling.providers.model import Inbox, MailDomain, OutgoingMessage

PAGE = 100
# AgentMail publishes no limit; a second's requests may come at once.
BURST = 50
DUPLICATE_CODES = ("already_exists", "resource_taken")
KEY_CODES = ("forbidden", "missing_permission", "permission_escalation", "unrestricted_key_required")
LIMIT_CODE = "limit_exceeded"
# `cannot_delete`: another resource still depends on it, which may be being deleted.
RETRYABLE_CODES = ("race_condition", "resource_deleting", "cannot_delete")
# The first request with the same idempotency key is still running, so its outcome is not known yet.
IN_PROGRESS = 409
UNVERIFIED_CODES = ("domain_not_verified", "unprocessable")


class MailSecret(BaseModel):
    api_key_id: str
    name: str | None = None


class ListedDomain(BaseModel):
    domain: str


class SentMessage(BaseModel):
    message_id: str


class AgentMail:
    """Implements MailProvider."""

    def __init__(self, url: str, key: Callable[[], str], per_second: float, owner: str = "") -> None:
        self._client = ProviderClient("AgentMail", url, key, _to_error, Rate(per_second, BURST), owner)

    def get_domain(self, domain: str) -> MailDomain | None:
        return _domain(self._client.call("GET", f"/v0/domains/{quote(domain)}", accept=(404,)))

    def create_domain(self, domain: str) -> MailDomain:
        """Register the domain, or return the existing one.

        AgentMail has no idempotency key for domains, so after an error the domain is looked up.
        """
        try:
            answer = self._client.call(
                "POST", "/v0/domains", json={"domain": domain, "feedback_enabled": True}, repeatable=False
            )
            created = _domain(answer)
        except ProviderError:
            created = self.get_domain(domain)
            if created is None:
                raise
        if created is None:
            raise ProviderUnavailable("AgentMail did not find the domain after registering it.")
        return created

    def verify_domain(self, domain: str) -> None:
        self._client.call("POST", f"/v0/domains/{quote(domain)}/verify")

    def delete_domain(self, domain: str) -> None:
        self._client.call("DELETE", f"/v0/domains/{quote(domain)}", accept=(404,))

    def domain_pages(self) -> Iterator[list[str]]:
        """The names of all domains of the AgentMail organization, including those not created by Kindling, by page."""
        for answer in self._pages("/v0/domains"):
            yield [listed.domain.lower() for listed in items(ListedDomain, answer, "domains")]

    def inbox_pages(self) -> Iterator[list[Inbox]]:
        """All inboxes of the AgentMail organization, including those not created by Kindling, by page."""
        for answer in self._pages("/v0/inboxes"):
            yield items(Inbox, answer, "inboxes")

    def get_inbox(self, address: str) -> Inbox | None:
        answer = self._client.call("GET", f"/v0/inboxes/{quote(address)}", accept=(404,))
        return None if answer.status_code == 404 else read(Inbox, answer)

    def create_inbox(self, username: str, domain: str, *, client_id: str, display_name: str | None) -> Inbox:
        """Create the inbox. Idempotent: the same `client_id` returns the existing one.

        Raises AddressTaken when the address belongs to another inbox, AddressBurnt when it belonged to a deleted
        one, DomainNotVerified when the domain is not verified at AgentMail.
        """
        request = {"username": username, "domain": domain, "client_id": client_id}
        if display_name:
            request["display_name"] = display_name
        answer = self._client.call("POST", "/v0/inboxes", json=request, accept=(403, 422))
        if answer.is_success:
            return read(Inbox, answer)
        return self._existing_inbox(answer, f"{username}@{domain}", client_id)

    def rename_inbox(self, address: str, display_name: str) -> None:
        self._client.call("PATCH", f"/v0/inboxes/{quote(address)}", json={"display_name": display_name})

    def delete_inbox(self, address: str) -> None:
        self._client.call("DELETE", f"/v0/inboxes/{quote(address)}", accept=(404,))

    def create_mail_secret(self, address: str, name: str) -> str:
        """Create an API key that is limited to this inbox, and return it. AgentMail shows it only once."""
        answer = self._client.call(
            "POST", f"/v0/inboxes/{quote(address)}/api-keys", json={"name": name}, repeatable=False
        )
        secret = body(answer).get("api_key")
        if not isinstance(secret, str):
            raise ProviderUnavailable("AgentMail created a key but did not return it.")
        return secret

    def delete_mail_secrets(self, address: str, name: str) -> None:
        """Delete the inbox's API keys of this name."""
        path = f"/v0/inboxes/{quote(address)}/api-keys"
        answer = self._client.call("GET", path, params={"limit": "100"}, accept=(404,))
        for key in [] if answer.status_code == 404 else items(MailSecret, answer, "api_keys"):
            if key.name == name:
                self._client.call("DELETE", f"{path}/{quote(key.api_key_id)}", accept=(404,))

    def send_message(self, address: str, message: OutgoingMessage, *, idempotency_key: str) -> str:
        """Send from the inbox `address` and return the message's id. Idempotent for the same `idempotency_key`.

        Raises ProviderUnavailable; the message may have been sent then, unless the error's `unreached` is True.
        """
        answer = self._client.call(
            "POST",
            f"/v0/inboxes/{quote(address)}/messages/send",
            json=message.model_dump(exclude_defaults=True),
            headers={"Idempotency-Key": idempotency_key},
            accept=(IN_PROGRESS,),
        )
        if answer.status_code == IN_PROGRESS:
            raise ProviderUnavailable("AgentMail is still processing this message.")
        return read(SentMessage, answer).message_id

    def _pages(self, path: str) -> Iterator[httpx.Response]:
        cursor: dict[str, str] = {}
        while True:
            answer = self._client.call("GET", path, params={"limit": str(PAGE), **cursor})
            yield answer
            token = body(answer).get("next_page_token")
            if not token:
                return
            cursor = {"page_token": str(token)}

    def _existing_inbox(self, answer: httpx.Response, address: str, client_id: str) -> Inbox:
        code = _code(answer)
        if code in UNVERIFIED_CODES:
            raise DomainNotVerified("AgentMail has not verified the domain yet.")
        if code not in DUPLICATE_CODES:
            raise _to_error(answer)
        inbox = self.get_inbox(address)
        if inbox is None:
            raise AddressBurnt(f"{address} belonged to an inbox that was deleted; the provider never frees it.")
        if inbox.client_id != client_id:
            raise AddressTaken(f"{address} is an inbox already.")
        return inbox


def _domain(answer: httpx.Response) -> MailDomain | None:
    if answer.status_code == 404:
        return None
    domain = read(MailDomain, answer)
    return domain.model_copy(update={"status": domain.status.upper()})


def _code(answer: httpx.Response) -> str | None:
    code = body(answer).get("code")
    return code if isinstance(code, str) else None


def _to_error(answer: httpx.Response) -> ProviderError:
    code = _code(answer)
    if answer.status_code == 403 and (code is None or code in KEY_CODES):
        # AgentMail's gateway rejects an unknown key with a message but no code.
        return KeyRefused(f"AgentMail refuses our API key ({code or 'no code'}).")
    if answer.status_code == 403 and code == LIMIT_CODE:
        return ProviderMisconfigured("AgentMail's plan allows no more of it (limit_exceeded).")
    if code in RETRYABLE_CODES:
        return ProviderUnavailable(f"AgentMail is still changing the resource ({code}).")
    return ProviderRefused(f"AgentMail answered {answer.status_code} {code or ''}".rstrip() + ".")
