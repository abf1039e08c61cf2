"""Use cases of messages: record, find, list, export, erase."""

from typing import Any

from kindling.errors import NotFound
from kindling.keys.model import Caller
from kindling.messages import store
from kindling.messages.model import ExportRecipient, ListMessages, Message
from kindling.platform import clock
from kindling.platform.paging import Page

# No message is begun to be erased with less time than this.
LEAST_SECONDS = 1.0


def record(message: Message, *, unclear: str | None = None) -> None:
    """Log a message. Repeating it changes nothing. Raises StoreUnavailable.

    `unclear` is the id under which an earlier try without a clear outcome is logged; that entry is completed.
    """
    if unclear is None or not store.complete(message, unclear):
        store.put(message)


def refuse(user_id: str, unclear: str) -> None:
    """Log that the provider has refused a message whose outcome was not clear. Raises StoreUnavailable."""
    store.refuse(user_id, unclear)


def find(user_id: str, provider_id: str) -> Message | None:
    """The tenant's message that is reported about; None for one that never passed the gate, or is settled."""
    message = store.by_provider_id(user_id, provider_id)
    return message if message and clock.now() < message.settled else None


def get(caller: Caller, identity: str) -> Message:
    """The tenant's message by its id. Raises NotFound."""
    message = store.get(caller.user_id, identity)
    # The table's time to live deletes it some time later.
    if message is None or clock.now() >= message.expires:
        raise NotFound("There is no such email.")
    return message


def list_messages(caller: Caller, query: ListMessages) -> Page[Message]:
    """A page of the tenant's messages, newest first."""
    return store.page_of(caller.user_id, query)


def export(caller: Caller, query: ExportRecipient) -> Page[Message]:
    """A page of the tenant's messages to an address, newest first, without what they say about others."""
    listed = ListMessages(to=query.email, limit=query.limit, cursor=query.cursor)
    return store.page_of(caller.user_id, listed).map(lambda message: message.about(query.email))


def erase(caller: Caller, address: str) -> dict[str, Any]:
    """Remove an address from the tenant's messages, as many as there is time for. Repeatable. Raises LiveKeyRequired.

    A suppression of the address stays: without it, the address would be written to again.
    """
    caller.require_live()
    erased = 0
    for identity in store.places_of(caller.user_id, address):
        if not clock.has(LEAST_SECONDS):
            return {"erased": erased, "complete": False}
        erased += _erase_from(caller.user_id, identity, address)
    return {"erased": erased, "complete": True}


def _erase_from(user_id: str, identity: str, address: str) -> bool:
    """Erase an address from a message, as often as a report about it comes in between; False when it is gone."""
    while message := store.get(user_id, identity):
        if store.replace(message, message.without(address), address):
            return True
    return False
