"""What to do next, as an agent is told."""

from kindling_client import models
from kindling_mcp.answers import Record

OF_OPERATIONS = {
    "running": "It goes on by itself: call operation_status after some seconds.",
    "undoing": "A step has failed and what was made is being undone: call operation_status after some seconds.",
    "succeeded": "It is done.",
    "failed": "It has failed and is undone: correct what the error names before another try.",
}


def of_domain(domain: models.ShownDomain, missing: list[Record], warming: models.WarmingAnswer) -> list[str]:
    """The steps that lead a domain to sending."""
    if domain.status == "verified":
        return [of_warming(warming)]
    steps = [_of_dns(domain.dns_sync, missing)]
    if domain.status == "verifying":
        return [
            *steps,
            "It is looked at again by itself, later and later for 12 hours; verify_domain has it looked at now. "
            "DNS takes minutes to hours: do not call more often than every few minutes.",
        ]
    return [*steps, "Then call verify_domain: until then nobody looks."]


def _of_dns(sync: models.ShownSync, missing: list[Record]) -> str:
    if sync.status == "published":
        return f"Nothing to create: the records are published in the zone {sync.zone} and have to be found there."
    if sync.status == "conflict":
        names = ", ".join(f"{one.type} {one.name}" for one in sync.conflicts)
        return f"Ask the user: records of theirs stand in the way, and none was published: {names}."
    if not missing:
        return "All needed records were found."
    steps = f"Create the {len(missing)} missing_records at the domain's DNS host."
    return f"{steps} They were not published: {sync.message}" if sync.message else steps


def of_warming(warming: models.WarmingAnswer) -> str:
    """What a verified domain may do in its phase."""
    if warming.phase == "not_started":
        return "Warming has not started, so nothing may be sent: ask the user to start it."
    if warming.phase == "paused":
        return "Sending is paused: resume_warming ends that, if the user agrees with the reason being mended."
    if warming.phase == "suspended":
        return "Sending is suspended: only a person with an admin key ends that. Tell the user the reason."
    if warming.remaining_today == 0:
        return "Today's limit is used up: explain_sending says when more may be sent."
    return (
        f"The domain may send to {warming.remaining_today} more recipients today. provision_accounts makes accounts, "
        "list_accounts shows which may send, explain_sending whether a number of recipients has room now."
    )


def of_explanation(answer: models.ExplainAnswer) -> list[str]:
    """What to do about what the gate would say."""
    if answer.allowed:
        return ["Send from an account that may_send, as list_accounts shows."]
    if answer.earliest_at:
        return [f"Send at {answer.earliest_at} or later, or to fewer recipients."]
    if answer.phase in ("not_started", "paused", "suspended"):
        return ["Waiting alone does not help: call show_domain."]
    return ["Waiting alone does not help: send to fewer recipients at once, or see show_domain."]


def of_account(account: models.ShownAccount) -> list[str]:
    """What an account needs before it may send."""
    if may_send(account):
        return ["It may send, within the limits of its domain."]
    if account.warmup_status in ("banned", "suspended"):
        return ["Nothing leads out of this: make an account with another username."]
    if account.status == "pending":
        return ["Its warmup is started again by itself; retry_warmup does so now."]
    return ["It warms up for some weeks and may send after that: do not wait for it."]


def may_send(account: models.ShownAccount) -> bool:
    """Whether it may send, as far as it depends on the account."""
    return account.status == "active" or (account.status != "error" and not account.warmup_enabled)
