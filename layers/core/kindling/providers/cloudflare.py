"""Cloudflare: zones, and reading and changing their DNS records (developers.cloudflare.com/api)."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import httpx
from pydantic import BaseModel

from kindling.errors import KeyRefused, ProviderError, ProviderRefused, ProviderUnavailable
from kindling.providers.bucket import Rate
from kindling.providers.client import ProviderClient, body, items
from kindling.providers.model import DnsRecord, Zone, ZoneRecord, canonical_value

# "Identical record already exists" (two codes) and "record does not exist": the zone was changed after we read it.
ZONE_CHANGED = (81057, 81058, 81044)
PAGE = 500
# A token may send 1,200 requests in five minutes and is blocked for up to five minutes beyond that. 3 a second and 280
# at once stay within. developers.cloudflare.com/fundamentals/api/reference/limits
BURST = 280
ZONES_PAGE = 50  # the maximum for zones
TXT_CHUNK = 255
AUTOMATIC_TTL = 1


class ZoneAnswer(BaseModel):
    id: str
    name: str
    status: str

    def to_model(self) -> Zone:
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

    def to_model(self) -> ZoneRecord:
        fields = self.model_dump(exclude={"content", "name"})
        return ZoneRecord(name=self.name.lower(), value=canonical_value(self.type, self.content), **fields)


class Cloudflare:
    """Implements DnsProvider."""

    def __init__(self, url: str, key: Callable[[], str], per_second: float, owner: str = "") -> None:
        self._client = ProviderClient("Cloudflare", url, key, _to_error, Rate(per_second, BURST), owner)

    def find_zone(self, domain: str) -> Zone | None:
        """The most specific zone of the domain; None when the API token can access none."""
        labels = domain.split(".")
        for start in range(len(labels) - 1):
            name = ".".join(labels[start:])
            answer = self._client.call("GET", "/zones", params={"name": name})
            for zone in items(ZoneAnswer, answer, "result"):
                if zone.name == name:
                    return zone.to_model()
        return None

    def zone_pages(self) -> Iterator[list[Zone]]:
        """All zones that the API token can access, by page."""
        for answer in self._pages("/zones", {}, ZONES_PAGE):
            yield [zone.to_model() for zone in items(ZoneAnswer, answer, "result")]

    def list_records(self, zone: Zone, domain: str) -> list[ZoneRecord]:
        """All records of the domain and its subdomains."""
        records = self._records(zone, {"name.endswith": domain})
        return [record for record in records if record.name == domain or record.name.endswith(f".{domain}")]

    def list_commented(self, zone: Zone, prefix: str) -> list[ZoneRecord]:
        """All records of the zone whose comment starts with `prefix`."""
        records = self._records(zone, {"comment.startswith": prefix})
        return [record for record in records if (record.comment or "").startswith(prefix)]

    def change(self, zone: Zone, *, add: list[DnsRecord], remove: list[ZoneRecord], comment: str) -> None:
        """Delete `remove`, then create `add` with `comment`, in one atomic batch.

        The call is not idempotent. After ProviderUnavailable list the records again before retrying.
        """
        request = {
            "deletes": [{"id": record.id} for record in remove],
            "posts": [_write(record, comment) for record in add],
        }
        self._client.call("POST", f"/zones/{zone.id}/dns_records/batch", json=request, repeatable=False)

    def _records(self, zone: Zone, filters: dict[str, str]) -> list[ZoneRecord]:
        answers = self._pages(f"/zones/{zone.id}/dns_records", filters, PAGE)
        return [record.to_model() for answer in answers for record in items(RecordAnswer, answer, "result")]

    def _pages(self, path: str, filters: dict[str, str], size: int) -> Iterator[httpx.Response]:
        for page in count(1):
            params = {**filters, "per_page": str(size), "page": str(page)}
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


def _to_error(answer: httpx.Response) -> ProviderError:
    errors = body(answer).get("errors") or [{}]
    code, message = errors[0].get("code"), errors[0].get("message", "no message")
    if answer.status_code == 403:
        return KeyRefused(f"Cloudflare refuses our API token ({code}).")
    if code in ZONE_CHANGED:
        return ProviderUnavailable("The zone was changed by another client at the same time.")
    return ProviderRefused(f"Cloudflare answered {code}: {message}")
