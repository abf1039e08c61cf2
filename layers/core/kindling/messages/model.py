"""A message that passed the gate."""

from datetime import datetime, timedelta
from hashlib import sha256

from pydantic import BaseModel

from kindling.platform import clock

# Bounces come within the 4 or 5 days for which servers try (RFC 5321, section 4.5.4.1), complaints when somebody reads
# the message. Shorter than metrics keep an hour, so that no report makes anew an hour that has expired.
KEPT = timedelta(days=35)


class Message(BaseModel):
    """A message and its sender. `sent_at` is the minute in which the gate counted it, `own` are the tenant's domains.

    Of these, only domains of its recipients are named.
    """

    user_id: str
    message_id: str
    domain_id: str
    account_id: str
    sent_at: str
    own: list[str] = []

    @property
    def sent(self) -> datetime:
        return clock.parse(self.sent_at)

    @property
    def expires(self) -> datetime:
        """When it is forgotten."""
        return self.sent + KEPT


def message_key(user_id: str, message_id: str) -> dict[str, str]:
    """The key of a tenant's message; its id is hashed, because a key has at most 2,048 bytes."""
    digest = sha256(message_id.encode()).hexdigest()[:32]
    return {"pk": f"TENANT#{user_id}#MESSAGE#{digest}", "sk": "MESSAGE"}
