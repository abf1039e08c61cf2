"""Warmup: background jobs, one at a time per workspace, and figures computed from the days of warmup."""

import secrets
from datetime import datetime, timedelta
from typing import Annotated, Any

import httpx
from pydantic import Field

from kindling.platform import clock
from local.sandbox.instantly.errors import body_of, comma_list, page, refused
from local.sandbox.settings import Strict
from local.sandbox.wire import Call, Routes
from local.sandbox.world import Account, Job, World

WORKSPACE_ID = "0b1c7f52-3a0e-4f57-8a55-2f6c1d0b9e21"
JOB_TYPE = "update-warmup-accounts"
DEFAULT_LIMIT = 40
DEFAULT_INCREMENT = "2"
DAY = timedelta(days=1)

Emails = Annotated[list[str], Field(max_length=100)]
routes = Routes("/api/v2")


class ChangeWarmup(Strict):
    emails: Emails | None = None
    include_all_emails: bool | None = None
    excluded_emails: list[str] | None = None
    filter: dict[str, Any] | None = None
    search: str | None = None


class AskAnalytics(Strict):
    emails: Annotated[Emails, Field(min_length=1)]


@routes.on("POST", "/accounts/warmup/enable")
def enable_warmup(world: World, call: Call) -> httpx.Response:
    return _start_job(world, body_of(call, ChangeWarmup), enable=True)


@routes.on("POST", "/accounts/warmup/disable")
def disable_warmup(world: World, call: Call) -> httpx.Response:
    return _start_job(world, body_of(call, ChangeWarmup), enable=False)


@routes.on("GET", "/background-jobs")
def list_jobs(world: World, call: Call) -> httpx.Response:
    wanted = {name: comma_list(call, name) for name in ("type", "status", "entity_type", "entity_id")}
    wanted["id"] = comma_list(call, "ids")
    data_fields = comma_list(call, "data_fields")

    def fits(job: Job) -> bool:
        shown = _shown(job, [])
        return all(not values or shown[field] in values for field, values in wanted.items())

    return page(call, filter(fits, world.jobs.values()), lambda job: _shown(job, data_fields))


@routes.on("GET", "/background-jobs/{id}")
def get_job(world: World, call: Call) -> httpx.Response:
    job = world.jobs.get(call.args["id"])
    if job is None:
        raise refused(404, "Background job not found")
    return httpx.Response(200, json=_shown(job, comma_list(call, "data_fields")))


@routes.on("POST", "/accounts/warmup-analytics")
def read_analytics(world: World, call: Call) -> httpx.Response:
    emails = [email.lower() for email in body_of(call, AskAnalytics).emails]
    days = {
        email: figures
        for email in emails
        if (account := world.accounts.get(email)) and (figures := _days(world, account))
    }
    return httpx.Response(
        200,
        json={
            "email_date_data": {
                email: {day: _without_zeros(figure) for day, figure in figures.items()}
                for email, figures in days.items()
            },
            "aggregate_data": {email: _aggregate(figures) for email, figures in days.items()},
        },
    )


def settle(world: World) -> None:
    """Complete the running job when it is due."""
    job = world.jobs.get(world.running_job or "")
    if job is None or clock.now() < job.ends_at:
        return
    world.running_job = None
    job.finished = True
    job.updated_at = clock.timestamp(job.ends_at)
    for email in job.emails:
        account = world.accounts.get(email)
        if account is None or email in world.settings.warmup_failures:
            job.failed_count += 1
        else:
            job.success_count += 1
            _switch(account, enable=job.enable, at=job.ends_at)


def refuse_while_locked(world: World) -> None:
    """Refuse the call while a job is running: a workspace runs one job at a time."""
    if world.running_job:
        message = f"A background job of type {JOB_TYPE} is already running: {world.running_job}"
        raise refused(409, message)


def health_score(world: World, account: Account) -> int | None:
    days = _days(world, account)
    return int(_aggregate(days).get("health_score", 0)) if days else None


def _start_job(world: World, body: ChangeWarmup, *, enable: bool) -> httpx.Response:
    emails = _meant(world, body)
    if not any(email in world.accounts for email in emails):
        raise refused(404, "No accounts found")
    refuse_while_locked(world)
    now = clock.now()
    job = Job(
        number=world.next_number(),
        created_at=clock.timestamp(now),
        updated_at=clock.timestamp(now),
        id=secrets.token_hex(12),
        enable=enable,
        emails=emails,
        starts_at=now + timedelta(seconds=world.settings.warmup_job_seconds / 2),
        ends_at=now + timedelta(seconds=world.settings.warmup_job_seconds),
    )
    world.jobs[job.id] = job
    world.running_job = job.id
    return httpx.Response(200, json={**_shown(job, []), "status": "pending", "progress": 0})


def _meant(world: World, body: ChangeWarmup) -> list[str]:
    """The addresses of a change; `include_all_emails` without any is all of the workspace."""
    emails = [email.lower() for email in body.emails or []]
    if not emails and body.include_all_emails:
        emails = [email for email in world.accounts if (body.search or "").lower() in email]
    excluded = {email.lower() for email in body.excluded_emails or []}
    return [email for email in dict.fromkeys(emails) if email not in excluded]


def _switch(account: Account, *, enable: bool, at: datetime) -> None:
    if enable and account.warmup_started_at is None:
        account.warmup_started_at = at
    elif enable and account.warmup_started_at and account.warmup_paused_at:
        account.warmup_started_at += at - account.warmup_paused_at
        account.warmup_paused_at = None
    elif not enable and account.warmup_status == 1:
        account.warmup_paused_at = at
    account.warmup_status = 1 if enable else 0
    account.updated_at = clock.timestamp(at)


def _status(job: Job) -> str:
    if job.finished:
        return "success" if job.success_count else "failed"
    return "pending" if clock.now() < job.starts_at else "in-progress"


def _shown(job: Job, data_fields: list[str]) -> dict[str, Any]:
    counters = {
        "success_count": job.success_count,
        "failed_count": job.failed_count,
        "total_to_process": len(job.emails),
    }
    status = _status(job)
    return {
        "id": job.id,
        "workspace_id": WORKSPACE_ID,
        "user_id": None,
        "type": JOB_TYPE,
        "entity_id": WORKSPACE_ID,
        "entity_type": "workspace",
        "data": {name: value for name, value in counters.items() if name in data_fields},
        "progress": {"pending": 0, "in-progress": 50}.get(status, 100),
        "status": status,
        "created_at": job.created_at,
        "updated_at": job.updated_at,
    }


def _days(world: World, account: Account) -> dict[str, dict[str, int]]:
    """Figures of every complete day of warmup: a ramp up to the limit, with a falling share of spam."""
    if account.warmup_started_at is None:
        return {}
    warmed = (account.warmup_paused_at or clock.now()) - account.warmup_started_at
    ramp = account.body.get("warmup") or {}
    limit = DEFAULT_LIMIT if ramp.get("limit") is None else ramp["limit"]
    increment = ramp.get("increment") or DEFAULT_INCREMENT
    days = {}
    for day in range(max(0, warmed // DAY)):
        volume = limit if increment == "disabled" else min(limit, 2 + int(increment) * day)
        sent = round(volume * world.settings.warmup_speed)
        share = world.settings.warmup_spam_rates.get(account.email, max(0.0, 0.25 - 0.02 * day))
        spam = round(sent * share)
        figures = {"sent": sent, "landed_inbox": sent - spam, "landed_spam": spam, "received": sent * 4 // 5}
        days[(account.warmup_started_at + day * DAY).date().isoformat()] = figures
    return days


def _aggregate(days: dict[str, dict[str, int]]) -> dict[str, Any]:
    names = ("sent", "landed_inbox", "landed_spam", "received")
    totals = {name: sum(figures[name] for figures in days.values()) for name in names}
    score = round(100 * totals["landed_inbox"] / totals["sent"]) if totals["sent"] else 0
    return {**_without_zeros(totals), "health_score_label": f"{score}%", "health_score": score}


def _without_zeros(figures: dict[str, int]) -> dict[str, int]:
    return {name: value for name, value in figures.items() if value}
