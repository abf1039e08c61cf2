"""Use cases of accounts: create, update, delete."""

import uuid
from typing import TYPE_CHECKING

from kindling.accounts import changing, claims, store
from kindling.accounts.lookup import ABSENT, get, joined, load
from kindling.accounts.model import Account, CreateAccount, JoinedAccount, UpdateAccount, saga_request
from kindling.domains import lookup as domains
from kindling.domains.model import DomainStatus
from kindling.errors import DomainNotVerified, NotFound
from kindling.operations import service as operations
from kindling.operations.model import Operation
from kindling.platform.settings import settings

if TYPE_CHECKING:
    from kindling.keys.model import Caller

PROVISION, DEPROVISION = "provision_account", "deprovision_account"


def create(caller: "Caller", command: CreateAccount, *, wait_seconds: float) -> JoinedAccount | Operation:
    """Start provisioning; the account when it is ready in time, otherwise the running operation.

    Raises NotFound and DomainNotVerified for the domain, AddressTaken, AddressBurnt, LiveKeyRequired, or the
    error that made the saga fail.
    """
    caller.require_live()
    domain = domains.get(caller, command.domain_id)
    if domain.status != DomainStatus.VERIFIED:
        raise DomainNotVerified(f"{domain.domain} is {domain.status}: an account needs a verified domain.")
    claims.refuse_taken(f"{command.username}@{domain.domain}")
    account_id = str(uuid.uuid4())
    operation = start_provisioning(caller.user_id, saga_request(account_id, domain.domain, command))
    operation = operations.wait(operation, wait_seconds)
    operations.raise_failure(operation)
    return get(caller, account_id) if operation.finished else operation


def update(caller: "Caller", account_id: str, command: UpdateAccount) -> JoinedAccount:
    """Change the signature, the names or whether warmup is enabled, at the providers first.

    Raises NotFound, LiveKeyRequired, and ProviderError with the row untouched; see `changing.apply`.
    """
    account = load(caller, account_id)
    caller.require_live()
    changing.apply(account, command.changes)
    return joined(caller, store.update(account, command.changes))


def delete(caller: "Caller", account_id: str, *, wait_seconds: float) -> Operation | None:
    """Delete the account; its address is burnt. None once its row is gone. Idempotent.

    What a provider does not remove in time is left to cleanups. Raises NotFound, LiveKeyRequired, and RowNotDeleted
    when the row still exists after `wait_seconds`.
    """
    caller.require_live()
    account = store.get(caller.user_id, account_id)
    operation = start_deletion(account) if account else operations.previous(caller.user_id, account_id, DEPROVISION)
    if operation is None:
        raise NotFound(ABSENT)
    return operations.wait_until_gone(operation, wait_seconds, lambda: store.get(caller.user_id, account_id) is None)


def start_provisioning(user_id: str, request: dict[str, str], *, operation_id: str = "") -> Operation:
    """Start the saga that makes an account; `request` is its `saga_request`. Idempotent with an `operation_id`."""
    return operations.start(
        settings().provision_account_arn,
        kind=PROVISION,
        user_id=user_id,
        subject_id=request["account_id"],
        name=f"{request['username']}@{request['domain']}",
        request=request,
        operation_id=operation_id,
    )


def start_deletion(account: Account) -> Operation:
    """Start the account's deprovisioning, or join the one that runs."""
    return operations.start(
        settings().deprovision_account_arn,
        kind=DEPROVISION,
        user_id=account.user_id,
        subject_id=account.id,
        name=account.email_address,
        request={"account_id": account.id, "address": account.email_address},
        operation_id=operations.id_of(account.id, DEPROVISION),
    )
