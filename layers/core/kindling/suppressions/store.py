"""DynamoDB calls for a tenant's suppression list."""

from kindling.platform import table
from kindling.platform.paging import Page, page
from kindling.platform.table import Attr
from kindling.suppressions import parts
from kindling.suppressions.model import ListSuppressions, Suppression, suppression_key


def get(user_id: str, email: str) -> Suppression | None:
    item = table.get(suppression_key(user_id, email))
    return Suppression.model_validate(item) if item else None


def page_of(user_id: str, query: ListSuppressions) -> Page[Suppression]:
    """Those of the tenant's entries that match the query, newest first."""
    shows = query.matches if query.filters else None
    return page(f"{user_id}#suppression", Suppression.model_validate, query, skip=query.offset, shows=shows)


def count(user_id: str, query: ListSuppressions) -> int:
    """How many of the tenant's entries match the query."""
    return sum(query.matches(Suppression.model_validate(item)) for item in table.owned(f"{user_id}#suppression"))


def put(entry: Suppression) -> None:
    """Add an entry; an existing entry for the address is left unchanged."""
    update = parts.added(entry)["Update"]
    table.update(update.pop("Key"), **update)


def delete(user_id: str, email: str) -> bool:
    """Remove an entry; whether there was one."""
    try:
        table.delete(suppression_key(user_id, email), ConditionExpression=Attr("pk").exists())
    except table.ConditionFailed:
        return False
    return True
