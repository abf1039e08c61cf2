"""The tools that only read."""

from collections.abc import AsyncIterator
from typing import Annotated

from pydantic import Field

from kindling_client import AsyncKindling, NotFound, models
from kindling_mcp import sentences
from kindling_mcp.answers import (
    Account,
    Accounts,
    Domain,
    DomainReport,
    Domains,
    Explanation,
    OperationReport,
    Record,
    Row,
    Warming,
)

DomainName = Annotated[str, Field(description="The name of a domain, such as news.example.com, or its id.")]
From = Annotated[str | None, Field(description="The `next_cursor` of the page before.")]


class Reading:
    """The tools by the names of the methods, over a client."""

    def __init__(self, kindling: AsyncKindling) -> None:
        self._kindling = kindling

    async def list_domains(self, cursor: From = None) -> Domains:
        """List the sending domains. The status is pending, verifying, verified or failed; the provider is asked."""
        page = await self._kindling.list_domains(cursor=cursor)
        return Domains(domains=[_domain(one) for one in page.domains], next_cursor=page.next_cursor)

    async def show_domain(self, domain: DomainName) -> DomainReport:
        """Show a domain: verification, missing DNS records, warming with limits and blockers, and what to do next."""
        return await self.report_domain(domain)

    async def explain_sending(
        self,
        domain: DomainName,
        recipients: Annotated[int, Field(ge=1, description="How many recipients, all of to, cc and bcc.")] = 1,
    ) -> Explanation:
        """Explain whether a domain may send to so many recipients now; if not, why, and when it may. Sends nothing."""
        answer = await self._kindling.explain_warming(domain, recipients=recipients)
        return Explanation(
            domain=domain,
            recipients=answer.recipients,
            allowed=answer.allowed,
            reasons=answer.reasons,
            earliest_at=answer.earliest_at,
            retry_after_seconds=answer.retry_after_seconds,
            next_steps=sentences.of_explanation(answer),
        )

    async def list_accounts(
        self,
        domain: Annotated[str | None, Field(description="Only accounts of this domain, by its name or id.")] = None,
        cursor: From = None,
    ) -> Accounts:
        """List email accounts, and which of them may send. With `domain` a page may be short: follow next_cursor."""
        page = await self._kindling.list_accounts(cursor=cursor)
        found = [account_line(one) for one in page.accounts if domain is None or _is_of(one, domain)]
        return Accounts(accounts=found, next_cursor=page.next_cursor)

    async def operation_status(
        self,
        operation_id: Annotated[str, Field(description="The `operation_id` of an answer.")],
        cursor: From = None,
    ) -> OperationReport:
        """Show how far an operation is that onboard_domain or provision_accounts began, and what failed."""
        return await self.report_operation(operation_id, cursor)

    async def report_domain(self, name: str) -> DomainReport:
        """All about a domain, by its name or id. Raises KindlingError."""
        known = await self._kindling.get_sending_domain(name)
        domain = (await self._kindling.get_domain(known.id)).domain
        records = (await self._kindling.get_sending_domain_dns(known.id)).records
        warming = await self._kindling.get_warming(known.id)
        missing = [_record(one) for one in records if _is_missing(one, domain)]
        return DomainReport(
            **_domain(domain).model_dump(),
            ownership_verified=domain.ownership.verified,
            dns_sync=domain.dns_sync.status,
            missing_records=missing,
            warming=_warming(warming),
            next_steps=sentences.of_domain(domain, missing, warming),
        )

    async def report_operation(self, operation_id: str, cursor: str | None = None) -> OperationReport:
        """How far an operation is, with a page of its rows. Raises KindlingError."""
        answer = await self._kindling.get_operation(operation_id, limit=100, cursor=cursor)
        operation = answer.operation
        return OperationReport(
            operation_id=operation.id,
            kind=operation.kind,
            name=operation.name,
            state=operation.state,
            step=operation.current_step,
            error=_failure(operation.error),
            rows=[
                Row(name=row.name, state=row.state, id=row.subject_id, error=_failure(row.error))
                for row in answer.rows or []
            ],
            next_cursor=answer.next_cursor,
            next_steps=[sentences.OF_OPERATIONS.get(operation.state, sentences.OF_OPERATIONS["running"])],
        )

    async def find_account(self, name: str) -> str:
        """The id of an account by its address or id. Raises NotFound."""
        if "@" not in name:
            return name
        async for account in self._accounts():
            if account.email_address == name.lower():
                return account.id
        raise NotFound("not_found", f"You have no account with the address {name}.")

    async def _accounts(self) -> AsyncIterator[models.ShownAccount]:
        async for page in self._kindling.pages(self._kindling.list_accounts, limit=100):
            for account in page.accounts:
                yield account


def _domain(domain: models.ShownDomain | models.ListedDomain) -> Domain:
    return Domain(id=domain.id, domain=domain.domain, status=domain.status, status_reason=domain.status_reason)


def _is_missing(record: models.ShownDnsRecord, domain: models.ShownDomain) -> bool:
    """Whether a needed record was not found. Of one that nobody reports the domain tells whether it stands there."""
    if record.verified is None:
        return record.required and domain.status != "verified" and domain.dns_sync.status != "published"
    return record.required and not record.verified


def _record(record: models.ShownDnsRecord) -> Record:
    return Record(
        type=record.type, name=record.name, value=record.value, priority=record.priority, purpose=record.purpose
    )


def _warming(warming: models.WarmingAnswer) -> Warming:
    return Warming(
        phase=warming.phase,
        days_in_phase=warming.days_in_current_phase,
        daily_limit=warming.current_limits.daily_limit,
        remaining_today=warming.remaining_today,
        remaining_this_hour=warming.remaining_this_hour,
        remaining_this_minute=warming.remaining_this_minute,
        stopped_because=warming.stopped_because,
        advancement_blockers=warming.advancement_blockers,
        climbing_blockers=warming.climbing_blockers,
        advice=warming.advice,
    )


def account_line(account: models.ShownAccount) -> Account:
    """An account as a list shows it."""
    return Account(
        id=account.id,
        email_address=account.email_address,
        status=account.status,
        warmup_status=account.warmup_status,
        warmup_reason=account.warmup_reason,
        may_send=sentences.may_send(account),
        next_steps=sentences.of_account(account),
    )


def _is_of(account: models.ShownAccount, domain: str) -> bool:
    named = account.email_domains.domain if account.email_domains else ""
    return domain.lower().rstrip(".") in (account.domain_id, named)


def _failure(failure: models.ShownFailure | None) -> str | None:
    return f"{failure.message} (code {failure.code}, step {failure.step})" if failure else None
