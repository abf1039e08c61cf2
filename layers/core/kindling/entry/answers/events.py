"""Answers about webhooks and deliveries."""

from http import HTTPStatus
from typing import Any, ClassVar, Literal, Self

from kindling.entry.answers import Answer, Listed, Shown
from kindling.events.model import Delivery, DeliveryStatus, Style, Webhook
from kindling.platform.paging import Page


class ShownWebhook(Shown):
    """A webhook without its secret. One that has failed for five days is not `enabled` any more."""

    id: str
    webhook_url: str
    event_types: list[str]
    style: Style
    enabled: bool
    has_secret: Literal[True]
    previous_secret_until: str | None
    failing_since: str | None
    disabled_at: str | None
    created_at: str
    updated_at: str


class WebhookWithSecret(Answer):
    """A webhook with its signing secret, which only this answer shows."""

    webhook: ShownWebhook
    secret: str

    @classmethod
    def of(cls, made: tuple[Webhook, str]) -> Self:
        webhook, secret = made
        return cls.model_validate({"webhook": webhook.wire(), "secret": secret})


class WebhookCreated(WebhookWithSecret):
    """A new webhook with its signing secret, which only this answer shows."""

    http_status: ClassVar[HTTPStatus] = HTTPStatus.CREATED


class WebhooksAnswer(Listed):
    """The tenant's webhooks, newest first."""

    webhooks: list[ShownWebhook]

    @classmethod
    def of(cls, page: Page[Webhook]) -> Self:
        rows = [webhook.wire() for webhook in page.rows]
        return cls.model_validate({"webhooks": rows, "next_cursor": page.next_cursor})


class ShownDelivery(Shown):
    """An event on its way to a webhook; `id` is the event's, and `payload` what is sent."""

    id: str
    webhook_id: str
    event_type: str
    status: DeliveryStatus
    attempts: int
    response_status: int | None
    last_error: str | None
    next_attempt_at: str | None
    delivered_at: str | None
    created_at: str
    payload: dict[str, Any]


class DeliveriesAnswer(Listed):
    """Deliveries to webhooks, newest first."""

    deliveries: list[ShownDelivery]

    @classmethod
    def of(cls, page: Page[Delivery]) -> Self:
        rows = [delivery.wire() for delivery in page.rows]
        return cls.model_validate({"deliveries": rows, "next_cursor": page.next_cursor})


class Replayed(Answer):
    """The webhook, enabled; how many deliveries are sent again, and whether another request would find more."""

    http_status: ClassVar[HTTPStatus] = HTTPStatus.ACCEPTED

    webhook: ShownWebhook
    replayed: int
    more: bool

    @classmethod
    def of(cls, done: tuple[Webhook, int, bool]) -> Self:
        webhook, replayed, more = done
        return cls.model_validate({"webhook": webhook.wire(), "replayed": replayed, "more": more})
