"""Cloudflare: the zone of a domain, its records, and one batch to change them (developers.cloudflare.com/api)."""

from collections.abc import Callable
from typing import Any

import httpx
from pydantic import BaseModel

from kindling.errors import ProviderError, ProviderMisconfigured, ProviderRefused, ProviderUnavailable
from kindling.providers.client import ProviderClient, body, items
from kindling.providers.model import DnsRecord, Zone, ZoneRecord, plain

# "Identical record", in two forms, and "record does not exist": somebody else wrote since we looked.
ZONE_CHANGED = (81057, 81058, 81044)
PAGE = 500
TXT_CHUNK = 255
AUTOMATIC_TTL = 1


class ZoneAnswer(BaseModel):
    id: str
    name: str
    status: str


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
        return ZoneRecord(name=self.name.lower(), value=plain(self.type, self.content), **fields)


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
                    return Zone(id=zone.id, name=name, active=zone.status == "active")
        return None

    def list_records(self, zone: Zone, domain: str) -> list[ZoneRecord]:
        """Every record at the domain and below it."""
        records: list[ZoneRecord] = []
        page = 1
        while True:
            params = {"name.endswith": domain, "per_page": str(PAGE), "page": str(page)}
            answer = self._client.call("GET", f"/zones/{zone.id}/dns_records", params=params)
            found = items(RecordAnswer, answer, "result")
            records += [record.plain() for record in found]
            if len(found) < PAGE:
                break
            page += 1
        return [record for record in records if record.name == domain or record.name.endswith(f".{domain}")]

    def change(self, zone: Zone, *, add: list[DnsRecord], remove: list[ZoneRecord], comment: str) -> None:
        """One batch, all or nothing: `remove`, then `add`, each marked with `comment`.

        There is no idempotency key: after ProviderUnavailable list again and change what is still missing.
        """
        request = {
            "deletes": [{"id": record.id} for record in remove],
            "posts": [_write(record, comment) for record in add],
        }
        self._client.call("POST", f"/zones/{zone.id}/dns_records/batch", json=request, repeatable=False)


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
