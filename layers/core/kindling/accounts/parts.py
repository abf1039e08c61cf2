"""What other topics write into their transactions for accounts and the claims to their addresses."""

from kindling.accounts import claims
from kindling.accounts.claims import BURNT, GRAPH, RESERVED, ClaimStatus, claim_key
from kindling.accounts.model import account_key
from kindling.platform.table import Action, Part
from kindling.platform.transitions import ABSENT


def inbox_orphaned(address: str, user_id: str, account_id: str) -> Part:
    """Burn the address of an ended account whose inbox is about to be removed.

    Fails while the account has a row, or the address is in use or another account's.
    """
    update = GRAPH.update(
        claim_key(address),
        BURNT,
        put={"account_id": account_id, "user_id": user_id},
        seen={"account_id": account_id},
        only_from=[ABSENT, RESERVED, BURNT],
    )
    return [_no_row(user_id, account_id), {"Update": update}]


def warmup_orphaned(address: str, user_id: str, account_id: str) -> Part:
    """Keep a free address from other accounts while an ended account's warmup is removed.

    Fails as `inbox_orphaned` does.
    """
    claim = claims.find(address)
    state = (claim.status,) if claim and claim.status != ClaimStatus.IN_USE else ABSENT
    update = GRAPH.update(
        claim_key(address),
        state or RESERVED,
        put={"account_id": account_id, "user_id": user_id},
        seen={"account_id": account_id},
        only_from=[state],
    )
    return [_no_row(user_id, account_id), {"Update": update}]


def _no_row(user_id: str, account_id: str) -> Action:
    check = {"Key": account_key(user_id, account_id), "ConditionExpression": "attribute_not_exists(pk)"}
    return {"ConditionCheck": check}
