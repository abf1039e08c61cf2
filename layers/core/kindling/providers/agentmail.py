"""AgentMail: domains, inboxes and inbox-scoped keys (docs.agentmail.to)."""

from collections.abc import Callable, Iterator
from urllib.parse import quote

import httpx
from pydantic import BaseModel

from kindling.errors import (
    AddressBurnt,
    AddressTaken,
    DomainNotVerified,
    ProviderError,
    ProviderMisconfigured,
    ProviderRefused,
    ProviderUnavailable,
)
from kindling.providers.client import ProviderClient, body, items, read
from kindling.providers.model import Inbox, MailDomain, OutgoingMessage

PAGE = 100
DUPLICATES = ("already_exists", "resource_taken")
KEY_PROBLEMS = ("limit_exceeded", "missing_permission", "permission_escalation", "unrestricted_key_required")
# `cannot_delete`: something still stands on it, whose own removal may be under way.
PASSING = ("race_condition", "resource_deleting", "cannot_delete")
# The same idempotency key is being worked on at this moment, so how that ends is not known yet.
UNDECIDED = 409
NOT_READY = ("domain_not_verified", "unprocessable")


class MailSecret(BaseModel):
    api_key_id: str
    name: str | None = None


class ListedDomain(BaseModel):
    domain: str


class SentMessage(BaseModel):
    message_id: str


class AgentMail:
    """Implements MailProvider."""

    def __init__(self, url: str, key: Callable[[], str]) -> None:
        self._client = ProviderClient("AgentMail", url, key, _refusal)

    def get_domain(self, domain: str) -> MailDomain | None:
        return _domain(self._client.call("GET", f"/v0/domains/{quote(domain)}", accept=(404,)))

    def create_domain(self, domain: str) -> MailDomain:
        """Register the domain; one that stands there already is returned as it is.

        Domains have no idempotency key, so an unclear create is settled by looking.
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
            raise ProviderUnavailable("AgentMail registered the domain and does not know it.")
        return created

    def verify_domain(self, domain: str) -> None:
        self._client.call("POST", f"/v0/domains/{quote(domain)}/verify")

    def delete_domain(self, domain: str) -> None:
        self._client.call("DELETE", f"/v0/domains/{quote(domain)}", accept=(404,))

    def domain_pages(self) -> Iterator[list[str]]:
        """The names of all domains that stand there, of whoever registered them, page by page."""
        for answer in self._pages("/v0/domains"):
            yield [listed.domain.lower() for listed in items(ListedDomain, answer, "domains")]

    def inbox_pages(self) -> Iterator[list[Inbox]]:
        """All inboxes that stand there, of whoever made them, page by page."""
        for answer in self._pages("/v0/inboxes"):
            yield items(Inbox, answer, "inboxes")

    def get_inbox(self, address: str) -> Inbox | None:
        answer = self._client.call("GET", f"/v0/inboxes/{quote(address)}", accept=(404,))
        return None if answer.status_code == 404 else read(Inbox, answer)

    def create_inbox(self, username: str, domain: str, *, client_id: str, display_name: str | None) -> Inbox:
        """Create the inbox; the same `client_id` returns the first one.

        Raises AddressTaken when the address has another inbox, AddressBurnt when it had one that was deleted,
        DomainNotVerified when the provider does not hold the domain for ready.
        """
        request = {"username": username, "domain": domain, "client_id": client_id}
        if display_name:
            request["display_name"] = display_name
        answer = self._client.call("POST", "/v0/inboxes", json=request, accept=(403, 422))
        if answer.is_success:
            return read(Inbox, answer)
        return self._settle_refusal(answer, f"{username}@{domain}", client_id)

    def rename_inbox(self, address: str, display_name: str) -> None:
        self._client.call("PATCH", f"/v0/inboxes/{quote(address)}", json={"display_name": display_name})

    def delete_inbox(self, address: str) -> None:
        self._client.call("DELETE", f"/v0/inboxes/{quote(address)}", accept=(404,))

    def create_mail_secret(self, address: str, name: str) -> str:
        """A new key that opens this inbox alone; it is shown once."""
        answer = self._client.call(
            "POST", f"/v0/inboxes/{quote(address)}/api-keys", json={"name": name}, repeatable=False
        )
        secret = body(answer).get("api_key")
        if not isinstance(secret, str):
            raise ProviderUnavailable("AgentMail made a key and did not show it.")
        return secret

    def delete_mail_secrets(self, address: str, name: str) -> None:
        path = f"/v0/inboxes/{quote(address)}/api-keys"
        answer = self._client.call("GET", path, params={"limit": "100"}, accept=(404,))
        for key in [] if answer.status_code == 404 else items(MailSecret, answer, "api_keys"):
            if key.name == name:
                self._client.call("DELETE", f"{path}/{quote(key.api_key_id)}", accept=(404,))

    def send_message(self, address: str, message: OutgoingMessage, *, idempotency_key: str) -> str:
        """Send from the inbox `address`; the message's id. The same key again sends nothing and gives the same id.

        Raises ProviderUnavailable when it is not known whether the message went out, unless `unreached` says that
        it certainly did not.
        """
        answer = self._client.call(
            "POST",
            f"/v0/inboxes/{quote(address)}/messages/send",
            json=message.model_dump(exclude_defaults=True),
            headers={"Idempotency-Key": idempotency_key},
            accept=(UNDECIDED,),
        )
        if answer.status_code == UNDECIDED:
            raise ProviderUnavailable("AgentMail has not decided about this message yet.")
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

    def _settle_refusal(self, answer: httpx.Response, address: str, client_id: str) -> Inbox:
        code = _code(answer)
        if code in NOT_READY:
            raise DomainNotVerified("AgentMail does not hold the domain for verified yet.")
        if code not in DUPLICATES:
            raise _refusal(answer)
        standing = self.get_inbox(address)
        if standing is None:
            raise AddressBurnt(f"{address} belonged to an inbox that was deleted; the provider never frees it.")
        if standing.client_id != client_id:
            raise AddressTaken(f"{address} is an inbox already.")
        return standing


def _domain(answer: httpx.Response) -> MailDomain | None:
    if answer.status_code == 404:
        return None
    found = read(MailDomain, answer)
    return found.model_copy(update={"status": found.status.upper()})


def _code(answer: httpx.Response) -> str | None:
    code = body(answer).get("code")
    return code if isinstance(code, str) else None


def _refusal(answer: httpx.Response) -> ProviderError:
    code = _code(answer)
    if answer.status_code == 403 and (code is None or code in KEY_PROBLEMS or code == "forbidden"):
        # The gateway refuses an unknown key with a bare message and no code.
        return ProviderMisconfigured(f"AgentMail refuses our API key, plan or quota ({code or 'no code'}).")
    if code in PASSING:
        return ProviderUnavailable(f"AgentMail is busy with the same thing ({code}).")
    return ProviderRefused(f"AgentMail answered {answer.status_code} {code or ''}".rstrip() + ".")
