"""The list of accounts, with a form to make one, and the page of an account."""

from typing import Any

from kindling.accounts import graduation, lookup, warmup
from kindling.accounts.model import PENDING, AccountStatus, JoinedAccount
from kindling.console import plots
from kindling.console.actions import Form
from kindling.console.html import NOTHING, Html, tag
from kindling.console.layout import (
    badge,
    confirmed,
    empty,
    facts,
    field,
    form,
    page,
    pager,
    section,
    select,
    table,
    unfolded,
)
from kindling.console.numbers import code, count, full, moment
from kindling.console.visit import Visit
from kindling.domains import lookup as domains
from kindling.domains.model import DomainStatus
from kindling.keys.model import Scope
from kindling.platform import clock
from kindling.platform.paging import Paging

PATH = "/console/accounts"
HERE = f"{PATH}/{{account_id}}"
ROWS = 50
# Domains among which a form lets choose.
CHOICES = 100
KINDS = {AccountStatus.ACTIVE: "good", AccountStatus.WARMING: "busy", AccountStatus.ERROR: "bad"}
NAMES = ("username", "domain_id", "display_name")


def show_all(visit: Visit) -> Html:
    """A page of the tenant's accounts, newest first."""
    found = lookup.list_accounts(visit.caller, visit.read(Paging, "cursor", limit=ROWS))
    heads = ("Account", "Status", "Warmup", "Domain", "Name", "Made")
    rows = [
        (
            tag("a", one.email_address, href=f"{PATH}/{one.id}"),
            badge(one.status, KINDS.get(one.status, "")),
            code(one.warmup_status),
            _domain(one),
            one.display_name or "",
            moment(one.created_at),
        )
        for one in found.rows
    ]
    none = empty(
        "There is no account yet.",
        "An account is an inbox that sends and is warmed up. It needs a verified ",
        tag("a", "domain", href="/console/domains"),
        ".",
    )
    listed = table("Accounts, newest first", heads, rows) if rows else none
    return page(visit, "Accounts", tag("h1", "Accounts"), listed, pager(visit, found.next_cursor), _create(visit))


def _domain(account: JoinedAccount) -> Html | str:
    found = account.email_domains
    return tag("a", found.domain, href=f"/console/domains/{found.id}") if found else "deleted"


def _create(visit: Visit) -> Html:
    if not visit.may(Scope.PROVISION):
        return NOTHING
    newest = domains.page_of(visit.caller, Paging(limit=CHOICES)).rows
    choices = [(one.id, one.domain) for one in newest if one.status == DomainStatus.VERIFIED]
    if not choices:
        says = "Once a domain is verified, accounts can be made here."
        return section("Make an account", tag("p", says, class_="faint"), id_="make")
    fields = (
        field("Name before the @", "username", hint="such as kim", required=True, autocomplete="off"),
        select("Domain", "domain_id", choices, visit.query.get("domain_id", "")),
        field("Display name", "display_name", hint="as recipients see it; may stay empty", autocomplete="off"),
    )
    return section("Make an account", form(visit, PATH, "Make it", *fields, inline=False), id_="make")


def show(visit: Visit) -> Html:
    """The page of one of the tenant's accounts. Raises NotFound."""
    account = lookup.get(visit.caller, visit.ids["account_id"])
    title = tag("h1", account.email_address, " ", badge(account.status, KINDS.get(account.status, "")))
    reason = tag("p", account.warmup_reason, class_="notice") if account.warmup_reason else NOTHING
    sends = "yes" if account.may_send else "not yet" if account.status != AccountStatus.ERROR else "no"
    about = facts(
        ("Domain", _domain(account)),
        ("Warmup", code(account.warmup_status) if account.warmup_enabled else "switched off"),
        ("May send", sends),
        ("Display name", account.display_name or "none"),
        ("Made", full(account.created_at)),
        ("Changed", moment(account.updated_at)),
    )
    return page(
        visit,
        account.email_address,
        title,
        _actions(visit, account),
        reason,
        about,
        _warmup(account, graduation.figures_of(visit.caller, account)),
        _reputation(account),
        trail=((PATH, "Accounts"),),
        live=account.state == PENDING and account.warmup_enabled,
    )


def _actions(visit: Visit, account: JoinedAccount) -> Html:
    if not visit.may(Scope.PROVISION):
        return NOTHING
    path = f"{PATH}/{account.id}"
    again = form(visit, f"{path}/retry", "Retry warmup") if account.state == PENDING else NOTHING
    warning = f"This deletes the inbox {account.email_address} with its mail. The address can never be used again."
    gone = confirmed(visit, f"{path}/delete", "Delete account", warning)
    return tag("div", again, _switch(visit, account), gone, class_="actions")


def _switch(visit: Visit, account: JoinedAccount) -> Html:
    """A form that switches the warmup off or on; none after a ban, which has ended it."""
    path = f"{PATH}/{account.id}"
    if account.status == AccountStatus.ERROR:
        return NOTHING
    if not account.warmup_enabled:
        return form(visit, f"{path}/warm", "Switch warmup on", style="quiet")
    warning = f"{account.email_address} may send from then on, with the reputation that it has by now."
    return unfolded("Switch warmup off", tag("p", warning), form(visit, f"{path}/rest", "Yes, switch it off"))


def _warmup(account: JoinedAccount, figures: dict[str, Any] | None) -> Html:
    """What the warmup provider tells, day by day."""
    if figures is None:
        ended = f"It is {account.warmup_status} at Instantly: it sends no more, and no reputation is read any more."
        says = ended if account.status == AccountStatus.ERROR else "There are no figures of its warmup now."
        return section("Warmup", tag("p", says, class_="faint"), id_="warmup")
    still = "Its warmup is paused at Instantly: the figures stand still, and no reputation is kept."
    paused = tag("p", still, class_="notice") if figures["instantly_warmup_status"] == warmup.PAUSED else NOTHING
    label = f", {figures['health_score_label']}" if figures["health_score_label"] else ""
    told = facts(
        ("Reputation", f"{figures['warmup_reputation']} of 100"),
        ("Health", f"{figures['health_score']} of 100{label}"),
        ("Sent in all", count(figures["total_sent"])),
        ("Received in all", count(figures["total_received"])),
    )
    days = figures["daily_data"]
    if not days:
        return section("Warmup", paused, told, tag("p", "No day has figures yet.", class_="faint"), id_="warmup")
    heads = ("Day", "Sent", "Received")
    rows = [(one["date"], count(one["sent"]), count(one["received"])) for one in reversed(days)]
    listed = table("Warmup by day, newest first", heads, rows, numeric=(1, 2))
    return section("Warmup", paused, told, *_shown("Warmup mail by day", plots.warmup(days), listed), id_="warmup")


def _reputation(account: JoinedAccount) -> Html:
    """What was kept of its reputation, which the provider tells of the present only."""
    kept = account.daily_reputation
    if kept is None:
        says = "None is kept yet: it is read once on each day on which its warmup is on."
        return section("Reputation by day", tag("p", says, class_="faint"), id_="reputation")
    days = kept.until(clock.today())
    rows = [(str(day), "unknown" if value is None else count(value)) for day, value in reversed(days)]
    listed = table("Reputation by day, newest first", ("Day", "Reputation"), rows, numeric=(1,))
    return section(
        "Reputation by day", *_shown("Course of the reputation", plots.reputation(days), listed), id_="reputation"
    )


def _shown(name: str, picture: Html, listed: Html) -> tuple[Html, Html]:
    """A picture, and below it the same as a table."""
    scrolls = tag("div", picture, class_="plot", tabindex="0", role="region", aria_label=name)
    return scrolls, tag("details", tag("summary", "The same as a table"), listed)


CREATE = Form(
    "POST",
    "/api/email/accounts",
    show_all,
    PATH,
    "done",
    body=lambda sent: {name: sent.get(name, "") for name in NAMES},
)
RETRY = Form("PATCH", "/api/email/accounts/{account_id}/retry-warmup", show, HERE, "retry")
WARM = Form(
    "PATCH", "/api/email/accounts/{account_id}", show, HERE, "warmup-on", body=lambda _: {"warmup_enabled": True}
)
REST = Form(
    "PATCH", "/api/email/accounts/{account_id}", show, HERE, "warmup-off", body=lambda _: {"warmup_enabled": False}
)
DELETE = Form("DELETE", "/api/email/accounts/{account_id}", show, PATH, "deleted")
