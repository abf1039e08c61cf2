"""Which domains share a name's registration at the mail provider, and whether Kindling created it.

Tenants that register the same name in the same AgentMail organisation share one registration: the item belongs to the
organisation, `REGISTRATION` to the shared one and `REGISTRATION#<user_id>` to that of a tenant.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from kindling import providers
from kindling.domains.model import domain_key
from kindling.platform import table
from kindling.platform.table import Attr
from kindling.platform.tenancy import SHARED
from kindling.providers import credentials
from kindling.providers.model import MailDomain

# Whether Kindling created the registration or it existed before.
CREATED, FOUND = "created", "found"


@dataclass(frozen=True)
class Registration:
    """`holders` are the domains that need the registration, each as tenant and domain id.

    `left_by` is the last domain that stopped needing it: without holders, that domain's cleanup removes it.
    """

    holders: list[tuple[str, str]]
    left_by: tuple[str, str] | None
    origin: str | None

    @property
    def concerned(self) -> list[tuple[str, str]]:
        """The domains because of which the registration exists."""
        last = [self.left_by] if self.left_by and self.origin == CREATED else []
        return self.holders or last


def hold(name: str, user_id: str, domain_id: str) -> Registration:
    """Record that the domain needs the registration; the registration after that."""
    item = table.update(
        _key(name, organisation_of(user_id)),
        UpdateExpression="ADD holders :holder",
        ExpressionAttributeValues={":holder": {_spelled(user_id, domain_id)}},
        ReturnValues="ALL_NEW",
    )
    return _read(item)


def register(name: str, user_id: str, domain_id: str) -> MailDomain:
    """Register the name at the mail provider for a domain, or join the registration that is there.

    Who holds it, and whether Kindling makes it, is recorded before it is made: only what Kindling made may be removed.
    Raises ProviderError.
    """
    registration = hold(name, user_id, domain_id)
    mail = providers.mail()
    live = mail.get_domain(name)
    if live is None:
        # Also where one was found before: that one is gone.
        set_origin(name, CREATED, organisation_of(user_id))
        return mail.create_domain(name)
    if registration.origin is None:
        set_origin(name, FOUND, organisation_of(user_id))
    return live


def set_origin(name: str, origin: str, organisation: str) -> None:
    """Record `CREATED` or `FOUND`. What is found never replaces what was recorded before."""
    value = ":origin" if origin == CREATED else "if_not_exists(origin, :origin)"
    table.update(
        _key(name, organisation),
        UpdateExpression=f"SET origin = {value}",
        ExpressionAttributeValues={":origin": origin},
    )


def leave(name: str, user_id: str, domain_id: str) -> Registration:
    """Record that the domain no longer needs the registration; the registration after that."""
    holder = _spelled(user_id, domain_id)
    item = table.update(
        _key(name, organisation_of(user_id)),
        UpdateExpression="SET left_by = :holder DELETE holders :holders",
        ExpressionAttributeValues={":holders": {holder}, ":holder": holder},
        ReturnValues="ALL_NEW",
    )
    return _read(item)


def forget(name: str, organisation: str) -> None:
    """Delete the record of a registration without holders."""
    try:
        table.delete(_key(name, organisation), ConditionExpression=Attr("holders").not_exists())
    except table.ConditionFailed:
        return


def holder_keys(name: str, organisation: str) -> list[dict[str, str]]:
    """The keys of the rows of every domain of that name in the organisation, of all its tenants."""
    item = table.get(_key(name, organisation))
    return [domain_key(*holder) for holder in _read(item).holders] if item else []


def by_name(names: Iterable[str], organisation: str = SHARED) -> dict[str, Registration]:
    """The recorded registrations among `names` in an organisation."""
    items = table.existing(_key(name, organisation) for name in names)
    return {str(item["pk"]).removeprefix("DOMAIN#"): _read(item) for item in items}


def organisation_of(user_id: str) -> str:
    """The owner of the AgentMail organisation in which a tenant's names are registered."""
    return credentials.workspace(credentials.AGENTMAIL, user_id)


def _read(item: dict[str, Any]) -> Registration:
    return Registration(
        holders=[_parsed(str(holder)) for holder in sorted(item.get("holders", ()))],
        left_by=_parsed(str(item["left_by"])) if "left_by" in item else None,
        origin=item.get("origin"),
    )


def _spelled(user_id: str, domain_id: str) -> str:
    return f"{user_id}/{domain_id}"


def _parsed(holder: str) -> tuple[str, str]:
    user_id, _, domain_id = holder.rpartition("/")
    return user_id, domain_id


def _key(name: str, organisation: str) -> dict[str, str]:
    return {"pk": f"DOMAIN#{name}", "sk": f"REGISTRATION#{organisation}" if organisation else "REGISTRATION"}
