"""Cloudflare: the zone of a domain, its records, and one batch to change them (developers.cloudflare.com/api)."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import httpx
from pydantic import BaseModel

from kindling.errors import ProviderError, ProviderMisconfigured, ProviderRefused, ProviderUnavailable
from kindling.providers.client import ProviderClient, body, items
from kindling.providers.model import DnsRecord, Zone, ZoneRecord, canonical_value

# "Identical record", in two forms, and "record does not exist": somebody else wrote since we looked.
ZONE_CHANGED = (81057, 81058, 81044)
PAGE = 500
ZONES_PAGE = 50  # the most that a page of zones may have
TXT_CHUNK = 255
AUTOMATIC_TTL = 1


class ZoneAnswer(BaseModel):
    id: str
    name: str
    status: str

    def plain(self) -> Zone:
        return Zone(id=self.id, name=self.name, active=self.status == "active")


class RecordAnswer(BaseModel):
    id: str
    type: str
    name: str
    content: str
    priority: int | None = None
    ttl: int = AUTOMATIC_TTL
    proxied: bool = False
    comment: str | None = None

    def plain(self) -> ZoneRecord:
        fields = self.model_dump(exclude={"content", "name"})
        return ZoneRecord(name=self.name.lower(), value=canonical_value(self.type, self.content), **fields)


class Cloudflare:
    """Implements DnsProvider."""

    def __init__(self, url: str, key: Callable[[], str]) -> None:
        self._client = ProviderClient("Cloudflare", url, key, _refusal)

    def find_zone(self, domain: str) -> Zone | None:
        """The zone that holds the domain, the most specific one; None when the token sees none."""
        labels = domain.split(".")
        for start in range(len(labels) - 1):
            name = ".".join(labels[start:])
            answer = self._client.call("GET", "/zones", params={"name": name})
            for zone in items(ZoneAnswer, answer, "result"):
                if zone.name == name:
                    return zone.plain()
        return None

    def zone_pages(self) -> Iterator[list[Zone]]:
        """Every zone that the token sees, page by page."""
        for answer in self._pages("/zones", {}, ZONES_PAGE):
            yield [zone.plain() for zone in items(ZoneAnswer, answer, "result")]

    def list_records(self, zone: Zone, domain: str) -> list[ZoneRecord]:
        """Every record at the domain and below it."""
        records = self._records(zone, {"name.endswith": domain})
        return [record for record in records if record.name == domain or record.name.endswith(f".{domain}")]

    def list_commented(self, zone: Zone, beginning: str) -> list[ZoneRecord]:
        """Every record of the zone whose comment has that beginning."""
        records = self._records(zone, {"comment.startswith": beginning})
        return [record for record in records if (record.comment or "").startswith(beginning)]

    def change(self, zone: Zone, *, add: list[DnsRecord], remove: list[ZoneRecord], comment: str) -> None:
        """One batch, all or nothing: `remove`, then `add`, each marked with `comment`.

        There is no idempotency key: after ProviderUnavailable list again and change what is still missing.
        """
        request = {
            "deletes": [{"id": record.id} for record in remove],
            "posts": [_write(record, comment) for record in add],
        }
        self._client.call("POST", f"/zones/{zone.id}/dns_records/batch", json=request, repeatable=False)

    def _records(self, zone: Zone, wanted: dict[str, str]) -> list[ZoneRecord]:
        answers = self._pages(f"/zones/{zone.id}/dns_records", wanted, PAGE)
        return [record.plain() for answer in answers for record in items(RecordAnswer, answer, "result")]

    def _pages(self, path: str, wanted: dict[str, str], size: int) -> Iterator[httpx.Response]:
        for page in count(1):
            params = {**wanted, "per_page": str(size), "page": str(page)}
            answer = self._client.call("GET", path, params=params)
            yield answer
            if len(body(answer).get("result") or ()) < size:
                return


def _write(record: DnsRecord, comment: str) -> dict[str, Any]:
    content = record.value
    if record.type == "TXT":
        chunks = [content[i : i + TXT_CHUNK] for i in range(0, len(content), TXT_CHUNK)]
        content = " ".join('"' + chunk.replace('"', '\\"') + '"' for chunk in chunks)
    fields: dict[str, Any] = {
        "type": record.type,
        "name": record.name,
        "content": content,
        "ttl": AUTOMATIC_TTL,
    }
    if record.type == "CNAME":
        fields["proxied"] = False
    if record.priority is not None:
        fields["priority"] = record.priority
    return {**fields, "comment": comment}


def _refusal(answer: httpx.Response) -> ProviderError:
    errors = body(answer).get("errors") or [{}]
    code, message = errors[0].get("code"), errors[0].get("message", "no message")
    if answer.status_code == 403:
        return ProviderMisconfigured(f"Cloudflare refuses our API token ({code}).")
    if code in ZONE_CHANGED:
        return ProviderUnavailable("The zone changed between looking and writing.")
    return ProviderRefused(f"Cloudflare answered {code}: {message}")
