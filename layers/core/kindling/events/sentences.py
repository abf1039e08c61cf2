"""An event as a sentence, for people in a chat."""

from typing import Any

from kindling.events.model import Event

SENTENCES = {
    "domain.created": "{domain} was registered.",
    "domain.deleted": "{domain} was deleted.",
    "domain": "{domain} is {status}, and was {previous}.",
    "account.created": "{email_address} was created, and is {warmup_status}.",
    "account.deleted": "{email_address} was deleted.",
    "account": "The warmup of {email_address} is {warmup_status}, and was {previous}.",
    "warming": "The warming of domain {domain_id} went from {from_phase} to {to_phase}: {reason}.",
    "operation": "{kind} of {name} is {state}.",
    "suppression.created": "{email} is suppressed: {reason}.",
    "suppression.deleted": "{email} is no longer suppressed.",
    "webhook.disabled": "A webhook was disabled, since nothing could be delivered to it since {failing_since}.",
}


class _Told(dict[str, Any]):
    def __missing__(self, name: str) -> str:
        return "unknown"


def sentence(event: Event) -> str:
    """What has happened, in one sentence, and what explains it."""
    form = SENTENCES.get(event.type) or SENTENCES[event.type.partition(".")[0]]
    text = form.format_map(_Told(event.data))
    explained = event.data.get("detail") or event.data.get("status_reason") or event.data.get("warmup_reason")
    return f"{text} {explained}" if explained else text
