"""The page of a domain: how its warming goes and why, its DNS records, and what may be done."""

from collections.abc import Iterable
from typing import Any

from kindling.console import plots
from kindling.console.actions import Form, number
from kindling.console.html import NOTHING, Html, join, tag
from kindling.console.layout import badge, confirmed, facts, field, form, page, section, sentences, table, unfolded
from kindling.console.numbers import code, count, full, limit, moment, percent, plural
from kindling.console.pages.domains import PATH, stage, state
from kindling.console.visit import Visit
from kindling.domains import lookup
from kindling.domains.model import Domain, DomainStatus
from kindling.entry.v1 import DnsAnswer, ShownDnsRecord
from kindling.errors import InvalidRequest
from kindling.keys.model import Scope
from kindling.warming import overview, service
from kindling.warming.model import RAMPED, SENDING, ExplainWarming, Phase
from kindling.warming.overview import Day
from kindling.warming.schedules import Thresholds
from kindling.warming.statistics import interval

HERE = f"{PATH}/{{domain_id}}"
WARMING = "/v1/domains/{domain_id}/warming"
PLOTTED_DAYS = 56
HISTORY = 25
TRAIL = ((PATH, "Domains"),)
PURPOSES = {
    "ownership": "ownership",
    "mx": "receiving",
    "spf": "SPF",
    "dkim": "DKIM",
    "dmarc": "DMARC",
    "return_path": "return path",
}
WINDOWS = {"7_days": "7 days", "28_days": "28 days"}

Shown = dict[str, Any]


def show(visit: Visit) -> Html:
    """The page of one of the tenant's domains. Raises NotFound."""
    domain = lookup.get(visit.caller, visit.ids["domain_id"])
    shown = service.show(visit.caller, domain)
    entries = service.history(visit.caller, domain, limit=service.HISTORY_LIMIT, cursor=None)["history"]
    title = tag("h1", domain.domain, " ", state(domain.status), " ", stage(shown["phase"]))
    return page(
        visit,
        domain.domain,
        title,
        _actions(visit, domain, shown["phase"]),
        _next_step(domain, shown["phase"]),
        _now(shown, _cap(visit, domain, shown["phase"])),
        _verdict(shown),
        _course(visit, domain, entries),
        _evidence(visit, shown["evidence"]),
        _providers(shown["mailbox_providers"]),
        _what_if(visit, domain),
        _records(visit, domain),
        _history(entries[:HISTORY]),
        trail=TRAIL,
        live=domain.status == DomainStatus.VERIFYING,
    )


def _actions(visit: Visit, domain: Domain, phase: Phase) -> Html:
    if not visit.may(Scope.PROVISION):
        return NOTHING
    path = f"{PATH}/{domain.id}"
    made = [form(visit, f"{path}/verify", "Check DNS now", style="quiet")]
    if phase == Phase.NOT_STARTED and domain.status == DomainStatus.VERIFIED:
        made.append(form(visit, f"{path}/start", "Start warming"))
    if phase in RAMPED:
        reason = tag("input", type="text", name="reason", aria_label="Reason for the pause", placeholder="Reason")
        made.append(form(visit, f"{path}/pause", "Pause warming", reason, style="quiet"))
    if phase == Phase.PAUSED:
        made.append(form(visit, f"{path}/resume", "Resume warming"))
    warning = (
        f"This deletes {domain.domain} with all its accounts, at the mail provider and in DNS. The addresses can never "
        "be used again. What the gate has counted stays with the name."
    )
    return tag("div", made, confirmed(visit, f"{path}/delete", "Delete domain", warning), class_="actions")


def _next_step(domain: Domain, phase: Phase) -> Html:
    """What to do now, while the domain cannot send."""
    if domain.status == DomainStatus.VERIFIED and phase != Phase.NOT_STARTED:
        return NOTHING
    if domain.status == DomainStatus.VERIFIED:
        says = "The domain is verified. Start its warming: until then the gate admits nothing."
        return tag("p", says, " Accounts are made on the page ", tag("a", "Accounts", href="/console/accounts"), ".")
    says = domain.status_reason or {
        DomainStatus.PENDING: "Publish the records below, then check DNS.",
        DomainStatus.VERIFYING: "The records are being looked for. They are checked again by themselves for 12 hours.",
        DomainStatus.FAILED: "The records were not found in time. Publish those that are missing, then check DNS.",
    }.get(domain.status, "")
    return tag("p", says, class_="notice")


def _now(shown: Shown, cap: Html) -> Html:
    used = [
        (f"Used {name}", _used(shown[f"{key}_sent"], shown["current_limits"][limited], shown["phase"]))
        for name, key, limited in (
            ("today", "today", "daily_limit"),
            ("this hour", "this_hour", "hourly_limit"),
            ("this minute", "this_minute", "per_minute_limit"),
        )
    ]
    schedule = f"{shown['schedule']['name']}, version {shown['schedule']['version']}"
    more: list[tuple[str, Any]] = [
        ("Schedule", schedule),
        ("Warming since", full(shown["warming_started_at"]) or "not yet"),
    ]
    if shown["phase"] in RAMPED:
        more.insert(0, ("In this phase for", plural(shown["days_in_current_phase"], "day")))
    if shown["next_phase"]:
        following = shown["next_phase_limits"]
        first = f", with {limit(following['daily_limit'])} a day at first" if following else ""
        more.insert(1, ("Next phase", f"{code(shown['next_phase'])}{first}"))
    return section("Now", facts(*used, *more), cap, id_="now")


def _used(used: int, most: int, phase: Phase) -> str:
    return f"{count(used)} of {limit(most)}" if phase in SENDING else count(used)


def _cap(visit: Visit, domain: Domain, phase: Phase) -> Html:
    """A form for the limit of the domain when it is warmed."""
    if not visit.may(Scope.ADMIN) or phase == Phase.NOT_STARTED:
        return NOTHING
    cap = overview.cap_of(visit.caller, domain)
    given = field(
        "Daily limit once it is warmed",
        "daily_limit",
        str(cap or ""),
        hint="empty: what the schedule and recent use allow",
        inputmode="numeric",
        pattern="[0-9]*",
        autocomplete="off",
    )
    says = f"Cap: {count(cap)} a day" if cap else "Set a cap"
    return unfolded(says, form(visit, f"{PATH}/{domain.id}/cap", "Set the cap", given, inline=False))


def _verdict(shown: Shown) -> Html:
    parts: list[Any] = []
    if shown["stopped_because"]:
        before = f", before it {code(shown['phase_before'])}" if shown["phase_before"] else ""
        parts.append(tag("p", f"It is {shown['phase']}{before}: {shown['stopped_because']}", class_="notice bad"))
    if shown["phase"] in RAMPED and not shown["advancement_blockers"]:
        parts.append(tag("p", f"It advances to {code(shown['next_phase'])} at the next daily judgement."))
    for heading, key in (
        (f"Before {code(shown['next_phase'] or 'the next phase')}", "advancement_blockers"),
        ("Why the daily limit does not climb", "climbing_blockers"),
        ("What helps", "advice"),
    ):
        if shown[key] and (shown["phase"] in SENDING or key == "advice"):
            parts += [tag("h3", heading), sentences(shown[key])]
    return section("Where it stands", *parts, id_="verdict") if parts else NOTHING


def _course(visit: Visit, domain: Domain, entries: list[Shown]) -> Html:
    days = overview.course(visit.caller, domain, days=PLOTTED_DAYS, since=domain.created_at)
    if not any(day.tally.recipients or day.refused for day in days):
        return section("Day by day", tag("p", "Nothing has been sent yet.", class_="faint"), id_="course")
    phases = [(entry["created_at"], entry["to_phase"]) for entry in reversed(entries)]
    thresholds = overview.schedule_of(visit.caller).thresholds
    picture = plots.course(days, phases, thresholds)
    scrolls = tag("div", picture, class_="plot", tabindex="0", role="region", aria_label="Picture, scrolls sideways")
    same = tag("details", tag("summary", "The same as a table"), _days(days))
    return section("Day by day", scrolls, same, id_="course")


def _days(days: list[Day]) -> Html:
    heads = ("Day", "Recipients", "Daily limit", "Refused, at least", "Reported", "Bounces", "Complaints")
    rows = [
        (
            tag("time", day.date, datetime=day.date),
            count(day.tally.recipients),
            "unknown" if day.limit is None else limit(day.limit),
            count(day.refused),
            count(day.tally.reported),
            count(day.tally.bounces),
            count(day.tally.complaints),
        )
        for day in reversed(days)
    ]
    return table("By day of sending, newest first", heads, rows, numeric=range(1, 7))


def _evidence(visit: Visit, windows: Iterable[Shown]) -> Html:
    bar = overview.schedule_of(visit.caller).thresholds
    rows = []
    for window in windows:
        name = WINDOWS[window["window"]]
        bounces = (window["bounces"], window["reported"])
        complaints = (window["complaints"], window["listening"])
        rows.append(
            _rate(f"Bounces, {name}", *bounces, (bar.max_bounce_rate, bar.pause_bounce_rate, bar.suspend_bounce_rate))
        )
        rows.append(_rate(f"Complaints, {name}", *complaints, _of_complaints(bar)))
    heads = ("Rate", "Seen", "Of", "Rate", "95 % range", "Holds from", "Pauses above", "Suspends above")
    why = (
        "By these the domain is judged: whole days, a report counted on the day of sending. A threshold is crossed "
        "only when chance does not explain it; missing reports hold."
    )
    listed = table("Rates and thresholds", heads, rows, numeric=range(1, 8))
    return section("Rates", tag("p", why, class_="faint"), listed, id_="rates")


def _of_complaints(bar: Thresholds) -> tuple[float, float, float]:
    return bar.max_complaint_rate, bar.pause_complaint_rate, bar.suspend_complaint_rate


def _rate(name: str, events: int, trials: int, bars: tuple[float, float, float]) -> list[str]:
    if not trials:
        return [name, "0", "0", "unknown", "unknown", *(percent(bar, 1) for bar in bars)]
    low, high = interval(events, trials)
    seen = percent(events / max(trials, events))
    return [
        name,
        count(events),
        count(trials),
        seen,
        f"{percent(low)} to {percent(high)}",
        *(percent(b, 1) for b in bars),
    ]


def _providers(providers: list[Shown]) -> Html:
    heads = ("Mailbox provider", "Sent today", "Own daily limit", "Left of it")
    rows = [
        (
            one["mailbox_provider"].capitalize(),
            count(one["sent_today"]),
            "none" if one["daily_limit"] is None else count(one["daily_limit"]),
            "" if one["remaining_today"] is None else count(one["remaining_today"]),
        )
        for one in providers
    ]
    return section("Mailbox providers", table("Today", heads, rows, numeric=(1, 2, 3)), id_="providers")


def _what_if(visit: Visit, domain: Domain) -> Html:
    """A question to the gate: it counts nothing."""
    asked = visit.query.get("recipients", "")
    said: Html = NOTHING
    if asked:
        try:
            said = _answer(service.explain(visit.caller, domain, visit.read(ExplainWarming, "recipients")))
        except InvalidRequest as error:
            said = tag("p", str(error), class_="notice bad", role="alert")
    number = field("Recipients", "recipients", asked, inputmode="numeric", pattern="[0-9]+", required=True)
    ask = tag(
        "form", number, tag("button", "Ask the gate", class_="quiet"), method="get", action="#what-if", class_="inline"
    )
    return section("What if I send now?", ask, said, id_="what-if")


def _answer(told: Shown) -> Html:
    n = plural(told["recipients"], "recipient")
    if told["allowed"]:
        return tag("p", f"Yes: the gate would admit {n} now.", class_="notice good", role="status")
    when = "Waiting alone does not change that."
    if told["earliest_at"]:
        when = "It would at the earliest "
    parts = (tag("p", f"No: the gate would refuse {n} now."), sentences(told["reasons"]))
    later = tag("p", when, full(told["earliest_at"]), "." if told["earliest_at"] else "")
    return tag("div", *parts, later, class_="notice", role="status")


def _records(visit: Visit, domain: Domain) -> Html:
    records = DnsAnswer.of(domain).records
    heads = ("Purpose", "State", "Type", "Name", "Value")
    rows = [(PURPOSES[one.purpose], _found(one), one.type, tag("code", one.name), _value(one)) for one in records]
    checked = tag("p", "Last looked for: ", moment(domain.last_dns_check), class_="faint")
    sync = domain.dns_sync
    told = tag("p", f"Publishing: {sync.status}. {sync.message or ''}", class_="faint")
    clash = [
        f"{one.type} {one.name} is not published, since {one.found} of yours stands in its place"
        for one in sync.conflicts
    ]
    listed = table("Records that the domain needs", heads, rows)
    again = form(visit, f"{PATH}/{domain.id}/publish", "Publish again", style="quiet")
    offered = tag("div", again, class_="actions") if visit.may(Scope.PROVISION) else NOTHING
    return section("DNS records", checked, told, sentences(clash) if clash else NOTHING, offered, listed, id_="dns")


def _found(record: ShownDnsRecord) -> Html:
    if record.verified is None:
        return badge("not checked")
    if record.verified:
        return badge("found", "good")
    return badge("missing", "bad") if record.required else badge("missing, recommended")


def _value(record: ShownDnsRecord) -> Html:
    priority = f"{record.priority} " if record.priority is not None else ""
    return tag("code", priority + record.value, class_="long")


def _history(entries: list[Shown]) -> Html:
    if not entries:
        return section("History", tag("p", "No phase has begun yet.", class_="faint"), id_="history")
    heads = ("When", "From", "To", "Why", "By")
    rows = [
        (
            moment(entry["created_at"]),
            code(entry["from_phase"]),
            stage(Phase(entry["to_phase"])),
            join(code(entry["reason"]), tag("br") if entry.get("detail") else NOTHING, entry.get("detail")),
            "the policy" if entry["triggered_by"] == "system" else "a key",
        )
        for entry in entries
    ]
    return section("History", table("Changes of phase, newest first", heads, rows), id_="history")


VERIFY = Form("POST", "/api/email/domains/{domain_id}/verify", show, HERE, "verify")
DELETE = Form("DELETE", "/api/email/domains/{domain_id}", show, PATH, "deleted")
PUBLISH = Form("POST", "/api/email/domains/{domain_id}/dns-records/sync", show, HERE, "published")
CAP = Form(
    "PUT",
    f"{WARMING}/cap",
    show,
    HERE,
    "capped",
    body=lambda sent: {"daily_limit": number(sent.get("daily_limit", "")) or None},
)
START = Form("POST", f"{WARMING}/start", show, HERE, "start")
PAUSE = Form(
    "POST", f"{WARMING}/pause", show, HERE, "pause", body=lambda sent: {"reason": sent.get("reason", "").strip()}
)
RESUME = Form("POST", f"{WARMING}/resume", show, HERE, "resume")
