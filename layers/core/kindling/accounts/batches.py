"""Creating many accounts at once: an operation with a row for each, and a saga for each row."""

import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from kindling.accounts import claims, service, store
from kindling.accounts.claims import ClaimStatus
from kindling.accounts.model import CreateAccount, CreateAccounts, saga_request
from kindling.accounts.service import PROVISION
from kindling.domains import lookup as domains
from kindling.domains.model import Domain, DomainStatus
from kindling.errors import InvalidRequest, RowRunning
from kindling.keys import quota
from kindling.operations import rows
from kindling.operations import service as operations
from kindling.operations.model import Failure, Operation, OperationState
from kindling.operations.rows import EXISTS, FAILED, RUNNING, SUCCEEDED, Row
from kindling.platform.settings import settings

if TYPE_CHECKING:
    from kindling.keys.model import Caller

STEP = "ProvisionRow"


def create(caller: "Caller", command: CreateAccounts) -> Operation:
    """Start the provisioning of every row; the running operation. Each row counts as a creation.

    Nothing is started when a row is not valid. Raises LiveKeyRequired; InvalidRequest, which names rows and fields;
    QuotaExceeded.
    """
    caller.require_live()
    known = domains.by_id(caller.user_id, {row.domain_id for row in command.accounts})
    problems = list(_problems(command.accounts, known))
    if problems:
        raise InvalidRequest.of("request", problems)
    quota.admit_creations(caller, len(command.accounts))
    operation_id = str(uuid.uuid4())
    rows.put(operation_id, [_row(i, row, known[row.domain_id]) for i, row in enumerate(command.accounts)])
    return operations.start(
        settings().provision_accounts_arn,
        kind="provision_accounts",
        user_id=caller.user_id,
        subject_id=operation_id,
        name=f"{len(command.accounts)} accounts",
        request={"rows": len(command.accounts)},
        operation_id=operation_id,
    )


def provision_row(user_id: str, operation_id: str, number: int) -> None:
    """Start the saga of a row, or record how it ended. Idempotent. Raises RowRunning until the row is settled."""
    row = rows.get(operation_id, number)
    if row is None or row.settled:
        return
    saga = operations.previous(user_id, row.subject_id, PROVISION)
    if saga is None:
        saga = _start(user_id, operation_id, row)
    if saga and not saga.finished:
        raise RowRunning(f"{row.name} is being made.")
    if saga and saga.state == OperationState.SUCCEEDED:
        rows.move(operation_id, row, SUCCEEDED)
    elif saga:
        rows.move(operation_id, row, FAILED, failure=saga.failure and saga.failure.model_dump())


def _start(user_id: str, operation_id: str, row: Row) -> Operation | None:
    """The saga that was started; None when the row is settled without one. Raises RowRunning."""
    claim = claims.find(row.name)
    if claim and claim.account_id != row.subject_id:
        if claim.user_id == user_id and claim.status == ClaimStatus.RESERVED:
            raise RowRunning(f"{row.name} is being made by another request.")
        if claim.user_id == user_id and store.get(user_id, claim.account_id):
            rows.move(operation_id, row, EXISTS, subject_id=claim.account_id)
            return None
    if claim:
        error = claims.refusal(row.name, claim.status)
        failure = Failure(error=type(error).__name__, message=str(error), step=STEP)
        rows.move(operation_id, row, FAILED, failure=failure.model_dump())
        return None
    saga = service.start_provisioning(user_id, row.request, operation_id=operations.id_of(row.subject_id, PROVISION))
    rows.move(operation_id, row, RUNNING)
    return saga


def _problems(accounts: list[CreateAccount], known: dict[str, Domain]) -> Iterator[dict[str, Any]]:
    """What is wrong with rows, in the form of pydantic's errors."""
    seen: dict[tuple[str, str], int] = {}
    for i, row in enumerate(accounts):
        domain = known.get(row.domain_id)
        if domain is None:
            yield {"loc": ("accounts", i, "domain_id"), "msg": domains.ABSENT}
        elif domain.status != DomainStatus.VERIFIED:
            problem = f"{domain.domain} is {domain.status}: an account needs a verified domain."
            yield {"loc": ("accounts", i, "domain_id"), "msg": problem}
        first = seen.setdefault((row.username, row.domain_id), i)
        if first != i:
            yield {"loc": ("accounts", i, "username"), "msg": f"is the same address as in accounts.{first}"}


def _row(number: int, account: CreateAccount, domain: Domain) -> Row:
    account_id = str(uuid.uuid4())
    request = saga_request(account_id, domain.domain, account)
    return Row(number=number, name=f"{account.username}@{domain.domain}", subject_id=account_id, request=request)
