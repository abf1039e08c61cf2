"""The list of domains, with a form to register one."""

from kindling.console.actions import Form
from kindling.console.html import NOTHING, Html, join, tag
from kindling.console.layout import badge, empty, field, form, page, pager, section, table
from kindling.console.numbers import code, count, limit, moment
from kindling.console.visit import Visit
from kindling.domains import lookup
from kindling.domains.model import Domain, DomainStatus
from kindling.keys.model import Scope
from kindling.platform.paging import Paging
from kindling.warming import overview
from kindling.warming.model import CLOSED, SENDING, UNLIMITED, Phase
from kindling.warming.overview import Glance

ROWS = 50
PATH = "/console/domains"
FIRST_STEP = (
    "Register a domain below. Kindling registers it with the mail provider, publishes its DNS records where the zone "
    "is bound to you, and shows them where it is not."
)


def show(visit: Visit) -> Html:
    """A page of the tenant's domains, newest first."""
    found = lookup.page_of(visit.caller, visit.read(Paging, "cursor", limit=ROWS))
    glances = overview.glances(visit.caller, found.rows)
    heads = ("Domain", "Status", "Phase", "Sent today", "Daily limit", "Where it stands", "Registered")
    rows = [_row(domain, glances.get(domain.id)) for domain in found.rows]
    listed = table("Domains, newest first", heads, rows, numeric=(3, 4)) if rows else _none(visit)
    return page(visit, "Domains", tag("h1", "Domains"), listed, pager(visit, found.next_cursor), _create(visit))


def state(status: DomainStatus) -> Html:
    """A domain's status as a badge."""
    kinds = {DomainStatus.VERIFIED: "good", DomainStatus.FAILED: "bad", DomainStatus.VERIFYING: "busy"}
    return badge(status, kinds.get(status, ""))


def stage(phase: Phase) -> Html:
    """A phase as a badge."""
    return badge(code(phase), "bad" if phase in CLOSED else "good" if phase in SENDING else "")


def _row(domain: Domain, glance: Glance | None) -> list[Html | str]:
    link = tag("a", domain.domain, href=f"{PATH}/{domain.id}")
    if glance is None:
        return [link, state(domain.status), "", "", "", "", moment(domain.created_at)]
    verdict = glance.verdict[:1].upper() + glance.verdict[1:]
    sends = glance.phase in SENDING
    return [
        link,
        state(domain.status),
        stage(glance.phase),
        join(count(glance.used), _meter(glance) if sends else NOTHING),
        limit(glance.limit) if sends else "none",
        verdict,
        moment(domain.created_at),
    ]


def _meter(glance: Glance) -> Html:
    if not 0 < glance.limit < UNLIMITED:
        return NOTHING
    label = f"{count(glance.used)} of {count(glance.limit)} used"
    return tag("meter", label, value=min(glance.used, glance.limit), max=glance.limit, aria_label=label)


def _none(visit: Visit) -> Html:
    if visit.may(Scope.PROVISION):
        return empty("There is no domain yet.", FIRST_STEP)
    return empty("There is no domain yet.", "A live key with the scope provision can register one.")


def _create(visit: Visit) -> Html:
    if not visit.may(Scope.PROVISION):
        return NOTHING
    name = field(
        "Domain", "domain", hint="such as mail.example.com", required=True, autocomplete="off", spellcheck="false"
    )
    return section("Register a domain", form(visit, PATH, "Register", name, inline=False), id_="register")


CREATE = Form("POST", "/api/email/domains", show, PATH, "done", body=lambda sent: {"domain": sent.get("domain", "")})
