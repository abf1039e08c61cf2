"""The settings of the sandbox, which tests and the demo change."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Seconds = Annotated[float, Field(ge=0)]
IsoDate = Annotated[str, AfterValidator(lambda text: date.fromisoformat(text).isoformat())]
Share = Annotated[float, Field(ge=0, le=1)]
DnsName = Annotated[str, Field(pattern=r"^([a-z0-9_-]{1,63}\.)+[a-z0-9-]{1,63}$", max_length=253)]


class Strict(BaseModel):
    """A model without unknown fields and type conversions."""

    model_config = ConfigDict(extra="forbid", strict=True)


class ForcedState(Strict):
    """A domain's state, regardless of its records."""

    status: Literal["NOT_STARTED", "PENDING", "INVALID", "FAILED", "VERIFYING", "VERIFIED"]
    reason: str | None = None


class Rates(Strict):
    """The outcomes of the mail that a domain sends, as shares of its recipients.

    A recipient is rejected, has no mailbox (`bounce`), has a full one (`soft_bounce`), is where the sender is blocked,
    or is delivered. The share that remains has no event. Only delivered recipients complain, open or click.
    """

    delivery: Share = 1.0
    bounce: Share = 0.0
    soft_bounce: Share = 0.0
    block: Share = 0.0
    reject: Share = 0.0
    complaint: Share = 0.0
    open: Share = 0.0
    click: Share = 0.0

    @model_validator(mode="after")
    def _fit(self) -> "Rates":
        if round(self.bounce + self.soft_bounce + self.block + self.reject, 9) > 1:
            raise ValueError("bounce, soft_bounce, block and reject are more than all recipients")
        return self


class GmailDay(Strict):
    """What Postmaster Tools tells of a domain's day; a rate that is null is not told."""

    spam_rate: Share | None = None
    delivery_error_rate: Share | None = None


class Settings(Strict):
    """All settings. On a change, lists are replaced; maps are merged, and entries that are null are removed."""

    settle_seconds: Seconds = 3
    inbox_visible_seconds: Seconds = 0
    inbox_delete_seconds: Seconds = 0
    warmup_job_seconds: Seconds = 1
    warmup_speed: Annotated[float, Field(gt=0)] = 1
    burnt_code: Literal["resource_taken", "already_exists"] = "resource_taken"
    identical_record_code: Literal[81057, 81058] = 81058
    taken_domains: list[str] = []
    taken_addresses: list[str] = []
    imap_failures: list[str] = []
    warmup_failures: list[str] = []
    external_dns: dict[str, Literal["ready"]] = {}
    # TXT records in addition to those of Cloudflare's zones, at any name.
    dns_txt: dict[DnsName, list[str]] = {}
    # The delay until a zone's authoritative servers show a new or changed record.
    dns_visible_seconds: Seconds = 0
    # The recursive resolver's cached TXT values; an empty list is a cached negative response.
    dns_stale_txt: dict[DnsName, list[str]] = {}
    domain_states: dict[str, ForcedState] = {}
    warmup_states: dict[str, Literal[1, 0, -1, -2, -3]] = {}
    warmup_spam_rates: dict[str, Share] = {}
    rates: dict[str, Rates] = {}
    # The domains that the service account may see, and those of their days that have figures.
    gmail_days: dict[str, dict[IsoDate, GmailDay]] = {}
    rejected_recipients: list[str] = []
    webhook_delay_seconds: Seconds = 0
    webhook_shuffle: bool = False
    webhook_repeat: Annotated[int, Field(ge=1, le=100)] = 1

    def changed(self, changes: dict[str, Any]) -> "Settings":
        """A copy with `changes` applied. Raises pydantic's ValidationError."""
        merged = self.model_dump()
        for name, value in changes.items():
            before = merged.get(name)
            if isinstance(before, dict) and isinstance(value, dict):
                lowered = {key.lower(): entry for key, entry in value.items()}
                merged[name] = {k: v for k, v in {**before, **lowered}.items() if v is not None}
            elif isinstance(before, list) and isinstance(value, list):
                merged[name] = [entry.lower() if isinstance(entry, str) else entry for entry in value]
            else:
                merged[name] = value
        return Settings.model_validate(merged)
