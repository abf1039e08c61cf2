"""What other topics write into their transactions for domains."""

from kindling.domains.model import domain_key
from kindling.platform.table import Action


def exists(user_id: str, domain_id: str) -> Action:
    """Check that the domain has a row."""
    return {"ConditionCheck": {"Key": domain_key(user_id, domain_id), "ConditionExpression": "attribute_exists(pk)"}}


def absent(user_id: str, domain_id: str) -> Action:
    """Check that the domain has no row."""
    return {
        "ConditionCheck": {"Key": domain_key(user_id, domain_id), "ConditionExpression": "attribute_not_exists(pk)"}
    }
