"""What other topics write into their transactions for suppressions."""

from kindling.platform.table import Action
from kindling.suppressions.model import Suppression, suppression_key


def added(entry: Suppression) -> Action:
    """Add an entry; an existing entry for the address is left unchanged."""
    values = {"owner": f"{entry.user_id}#suppression", **entry.model_dump(mode="json")}
    return {
        "Update": {
            "Key": suppression_key(entry.user_id, entry.email),
            "UpdateExpression": "SET " + ", ".join(f"#{name} = if_not_exists(#{name}, :{name})" for name in values),
            "ExpressionAttributeNames": {f"#{name}": name for name in values},
            "ExpressionAttributeValues": {f":{name}": value for name, value in values.items()},
        }
    }
