"""Accounts: created only when the login to their mailbox succeeds."""

from typing import Annotated, Any, Literal

import httpx
from pydantic import Field

from kindling.platform import clock
from local.sandbox.agentmail.keys import opens_mailbox
from local.sandbox.instantly import warmup
from local.sandbox.instantly.errors import body_of, comma_list, page, refuse_a_body, refused
from local.sandbox.settings import Strict
from local.sandbox.wire import Call, Routes
from local.sandbox.world import Account, World

IMAP = ("imap.agentmail.to", 993)
SMTP = (("smtp.agentmail.to", 465), ("smtp.agentmail.to", 587))
LOGIN_FIELDS = tuple(
    f"{protocol}_{field}" for protocol in ("imap", "smtp") for field in ("username", "password", "host", "port")
)

Text = Annotated[str, Field(min_length=1)]
routes = Routes("/api/v2")


class Advanced(Strict):
    warm_ctd: bool | None = None
    open_rate: float | None = None
    important_rate: float | None = None
    read_emulation: bool | None = None
    spam_save_rate: float | None = None
    weekday_only: bool | None = None


class Warmup(Strict):
    limit: float | None = None
    increment: Literal["disabled", "0", "1", "2", "3", "4"] | None = None
    reply_rate: float | None = None
    warmup_custom_ftag: str | None = None
    advanced: Advanced | None = None


class Changeable(Strict):
    warmup: Warmup | None = None
    daily_limit: float | None = None
    sending_gap: Annotated[float, Field(ge=0, le=1440)] | None = None
    enable_slow_ramp: bool | None = None
    signature: str | None = None
    reply_to: str | None = None
    tracking_domain_name: str | None = None
    tracking_domain_status: str | None = None
    skip_cname_check: bool | None = None
    inbox_placement_test_limit: float | None = None


class CreateAccount(Changeable):
    email: Text
    first_name: str
    last_name: str
    provider_code: Literal[1, 2, 3, 4, 8, 11]
    imap_username: Text
    imap_password: Text
    imap_host: Text
    imap_port: float
    smtp_username: Text
    smtp_password: Text
    smtp_host: Text
    smtp_port: float
    warmup_custom_ftag: str | None = None


class UpdateAccount(Changeable):
    first_name: str | None = None
    last_name: str | None = None


@routes.on("POST", "/accounts")
def create_account(world: World, call: Call) -> httpx.Response:
    body = body_of(call, CreateAccount)
    email = body.email.lower()
    if email in world.accounts:
        message = "This account has already been added to this or a different workspace"
        raise refused(400, message)
    failure = _login_failure(world, email, body.model_dump())
    if failure:
        raise refused(400, failure)
    now = clock.timestamp()
    account = Account(
        number=world.next_number(),
        created_at=now,
        updated_at=now,
        email=email,
        body={**body.model_dump(exclude_none=True), "email": email},
    )
    world.accounts[email] = account
    return httpx.Response(200, json=shown(world, account))


@routes.on("GET", "/accounts")
def list_accounts(world: World, call: Call) -> httpx.Response:
    search = call.query.get("search", "").lower()
    tagged = _tagged(world, comma_list(call, "tag_ids"))
    rows = [
        account
        for account in world.accounts.values()
        if search in f"{account.email} {account.body['first_name']} {account.body['last_name']}".lower()
        and (tagged is None or account.email in tagged)
    ]
    return page(call, rows, lambda account: shown(world, account), key=lambda account: account.email)


@routes.on("GET", "/accounts/{email}")
def get_account(world: World, call: Call) -> httpx.Response:
    return httpx.Response(200, json=shown(world, _account(world, call)))


@routes.on("PATCH", "/accounts/{email}")
def update_account(world: World, call: Call) -> httpx.Response:
    account = _account(world, call)
    body = body_of(call, UpdateAccount)
    warmup.refuse_while_locked(world)
    account.body = {**account.body, **body.model_dump(exclude_unset=True)}
    account.updated_at = clock.timestamp()
    return httpx.Response(200, json=shown(world, account))


@routes.on("DELETE", "/accounts/{email}")
def delete_account(world: World, call: Call) -> httpx.Response:
    refuse_a_body(call)
    account = _account(world, call)
    answer = shown(world, account)
    del world.accounts[account.email]
    world.settings.warmup_states.pop(account.email, None)
    for mapping in [m for m in world.tag_mappings.values() if m.resource_id == account.email]:
        del world.tag_mappings[mapping.id]
    return httpx.Response(200, json=answer)


def shown(world: World, account: Account) -> dict[str, Any]:
    started = account.warmup_started_at
    public = {name: value for name, value in account.body.items() if name not in LOGIN_FIELDS}
    return {
        **public,
        "email": account.email,
        "timestamp_created": account.created_at,
        "timestamp_updated": account.updated_at,
        "organization": warmup.WORKSPACE_ID,
        "status": -1 if _login_failure(world, account.email, account.body) else 1,
        "warmup_status": world.settings.warmup_states.get(account.email, account.warmup_status),
        "timestamp_warmup_start": clock.timestamp(started) if started else None,
        "stat_warmup_score": warmup.health_score(world, account),
        "setup_pending": False,
        "is_managed_account": False,
    }


def _account(world: World, call: Call) -> Account:
    account = world.accounts.get(call.args["email"].lower())
    if account is None:
        raise refused(404, "Account not found")
    return account


def _login_failure(world: World, email: str, logins: dict[str, Any]) -> str | None:
    """The reason why the login to the mailbox fails; None when it succeeds."""
    if (logins["imap_host"], logins["imap_port"]) != IMAP:
        return f"IMAP connection failed: cannot reach {logins['imap_host']}"
    if email in world.settings.imap_failures or not _opens(world, email, logins, "imap"):
        return "IMAP connection failed: invalid credentials"
    if (logins["smtp_host"], logins["smtp_port"]) not in SMTP:
        return f"SMTP connection failed: cannot reach {logins['smtp_host']}"
    if not _opens(world, email, logins, "smtp"):
        return "SMTP connection failed: invalid credentials"
    return None


def _opens(world: World, email: str, logins: dict[str, Any], protocol: str) -> bool:
    username = str(logins[f"{protocol}_username"]).lower()
    return username == email and opens_mailbox(world, logins[f"{protocol}_password"], email)


def _tagged(world: World, tag_ids: list[str]) -> set[str] | None:
    if not tag_ids:
        return None
    return {m.resource_id for m in world.tag_mappings.values() if m.tag_id in tag_ids}
