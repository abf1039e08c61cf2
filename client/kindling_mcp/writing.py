"""The tools that change something. Each repeats nothing under a `request_id` that it has seen."""

import hashlib
from typing import Annotated, Any

from mcp.server.mcpserver import Context
from pydantic import BaseModel, Field

from kindling_client import AsyncKindling, StillRunning, models
from kindling_mcp import sentences
from kindling_mcp.answers import Account, DomainReport, Message, Onboarding, OperationReport, Phase
from kindling_mcp.reading import DomainName, Reading, account_line

# Seconds that a call waits for an operation. Many clients give up on a call after 60.
WAIT = 40.0

RequestId = Annotated[
    str | None,
    Field(
        min_length=1,
        max_length=200,
        description="A text of your choice for this one action. A call that is repeated with it acts once. Give one.",
    ),
]


class NewAccount(BaseModel):
    """An account to make."""

    model_config = {"extra": "forbid"}

    username: Annotated[str, Field(description="What stands before the @ of its address.")]
    first_name: str | None = None
    last_name: str | None = None
    display_name: str | None = None


class Writing:
    """The tools by the names of the methods, over a client."""

    def __init__(self, kindling: AsyncKindling, reading: Reading) -> None:
        self._kindling, self._reading = kindling, reading

    async def onboard_domain(
        self,
        domain: Annotated[str, Field(description="The name of the new domain, such as news.example.com.")],
        context: Context[Any, Any],
        request_id: RequestId = None,
    ) -> Onboarding:
        """WRITES: register a sending domain, publish its DNS records where possible, and start its verification.

        Waits for the registration up to 40 seconds, and answers which records are missing and what to do next.
        """
        key = _key(request_id)
        made = await self._kindling.create_domain(domain=domain, idempotency_key=key, respond_async=True)
        if isinstance(made, models.Accepted):
            operation = await self._settled(made, context)
            if operation.state != "succeeded":
                return Onboarding(operation=operation, domain=None)
        return Onboarding(operation=None, domain=await self._reading.report_domain(domain))

    async def verify_domain(self, domain: DomainName, request_id: RequestId = None) -> DomainReport:
        """WRITES: have the provider look for a domain's DNS records now; records that its zone lacks are published."""
        await self._kindling.verify_sending_domain(domain, idempotency_key=_key(request_id))
        return await self._reading.report_domain(domain)

    async def provision_accounts(
        self,
        domain: DomainName,
        accounts: Annotated[list[NewAccount], Field(min_length=1, max_length=1000)],
        context: Context[Any, Any],
        request_id: RequestId = None,
    ) -> OperationReport:
        """WRITES: make one or many email accounts of a verified domain, and start their warmup, which takes weeks.

        Waits up to 40 seconds. Each row succeeds, exists already or fails for itself. An address whose account is
        deleted can never be used again, so do not make accounts for a test.
        """
        known = await self._kindling.get_sending_domain(domain)
        rows = [models.CreateAccount(domain_id=known.id, **one.model_dump(exclude_none=True)) for one in accounts]
        key = _key(request_id)
        return await self._settled(await self._kindling.create_accounts(accounts=rows, idempotency_key=key), context)

    async def retry_warmup(
        self,
        account: Annotated[str, Field(description="The address of an account, or its id.")],
        request_id: RequestId = None,
    ) -> Account:
        """WRITES: start the warmup of an account that is pending/not_started."""
        account_id = await self._reading.find_account(account)
        key = _key(request_id)
        return account_line((await self._kindling.retry_warmup(account_id, idempotency_key=key)).account)

    async def pause_warming(
        self,
        domain: DomainName,
        reason: Annotated[str, Field(min_length=1, description="Why, for the people who read the history.")],
        request_id: RequestId = None,
    ) -> Phase:
        """WRITES: stop all mail of a domain until resume_warming. Nothing is sent after the answer."""
        key = _key(request_id)
        await self._kindling.pause_warming(domain, reason=reason, idempotency_key=key)
        return await self._phase(domain)

    async def resume_warming(self, domain: DomainName, request_id: RequestId = None) -> Phase:
        """WRITES: let a paused domain send again. Ask the user first when it was paused for its figures."""
        await self._kindling.resume_warming(domain, idempotency_key=_key(request_id))
        return await self._phase(domain)

    async def send_email(
        self,
        sender: Annotated[str, Field(description="The address of an account that may_send.")],
        to: Annotated[list[str], Field(min_length=1, description="Addresses; with cc and bcc at most 50.")],
        subject: str,
        text_body: str,
        html_body: str | None = None,
        cc: list[str] | None = None,
        bcc: list[str] | None = None,
        reply_to: str | None = None,
        request_id: RequestId = None,
    ) -> Message:
        """WRITES: send a message to people, which cannot be taken back. All recipients are written to, or nobody.

        Give a request_id: without one, a call that is repeated sends again.
        """
        sent = await self._kindling.send_email(
            from_=sender,
            to=to,
            cc=cc,
            bcc=bcc,
            reply_to=reply_to,
            subject=subject,
            html_body=html_body,
            text_body=text_body,
            idempotency_key=_key(request_id),
        )
        return Message(message_id=sent.message_id, status=sent.status)

    async def _phase(self, domain: str) -> Phase:
        warming = await self._kindling.get_warming(domain)
        return Phase(domain=warming.domain, phase=warming.phase, next_steps=[sentences.of_warming(warming)])

    async def _settled(self, accepted: models.Accepted, context: Context[Any, Any]) -> OperationReport:
        """The operation when it has succeeded, or after WAIT; its steps are progress. Raises OperationFailed."""
        number = 0
        try:
            async for operation in self._kindling.wait(accepted, seconds=WAIT):
                number += 1
                await context.report_progress(
                    number, message=f"{operation.name}: {operation.current_step or operation.state}"
                )
        except StillRunning:
            pass
        return await self._reading.report_operation(accepted.operation.id)


def _key(request_id: str | None) -> str | None:
    """The `Idempotency-Key` of a call, from any text. The API tells the keys of its routes apart."""
    return request_id and f"mcp-{hashlib.sha256(request_id.encode()).hexdigest()}"
