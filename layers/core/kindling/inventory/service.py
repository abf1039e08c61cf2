"""The daily inventory run: list each workspace, update its findings, and remove safe ones after their grace.

A workspace is the one that tenants share at a provider, or a tenant's own. The findings of one whose listing is
incomplete stay as they are, and hold up no other.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from kindling.errors import ProviderError
from kindling.inventory import dns, mail, removal, store, warmup
from kindling.inventory.model import PROVIDERS, Finding, Provider, Sighting, record
from kindling.inventory.pace import OutOfTime, Pace
from kindling.inventory.rules import may_remove
from kindling.platform import clock, tenancy
from kindling.platform.observability import logger
from kindling.platform.tenancy import SHARED
from kindling.providers import credentials

# A provider and the owner of the workspace there.
Workspace = tuple[Provider, str]

SCANS: dict[Provider, Callable[[Pace], Iterator[Sighting]]] = {
    Provider.MAIL: mail.scan,
    Provider.WARMUP: warmup.scan,
    Provider.DNS: dns.scan,
}


def reconcile(seconds_left: Callable[[], float]) -> dict[str, Any]:
    """Run over all workspaces; the numbers of findings and removals, and the workspaces whose listing is incomplete.

    `seconds_left` returns how long the function may still run.
    """
    began = clock.now()
    pace = Pace(seconds_left)
    previous: defaultdict[Workspace, list[Finding]] = defaultdict(list)
    for finding in store.list_all():
        previous[PROVIDERS[finding.kind], finding.workspace].append(finding)
    # What is shared comes first, and workspaces that are no more and have only findings last.
    own = [(provider, owner) for provider in SCANS for owner in credentials.owners(provider)]
    workspaces = dict.fromkeys([*((provider, SHARED) for provider in SCANS), *own, *previous])
    found = removed = 0
    incomplete: list[Workspace] = []
    for provider, owner in workspaces:
        try:
            findings = _update_findings(_look(provider, owner, pace), previous[provider, owner])
            found += len(findings)
            removed += _remove(findings, pace)
        except (ProviderError, OutOfTime) as reason:
            incomplete.append((provider, owner))
            logger.error("inventory incomplete", provider=provider, owner=owner, reason=str(reason))
    if all(owner for _, owner in incomplete):
        store.record_run(clock.timestamp(began), sorted({owner for _, owner in incomplete}))
    return {"findings": found, "removed": removed, "incomplete": ["#".join(filter(None, one)) for one in incomplete]}


def _look(provider: Provider, owner: str, pace: Pace) -> list[Sighting]:
    """What one workspace shows; nothing for one that its tenant has no more. Raises ProviderError, OutOfTime."""
    if credentials.workspace(provider, owner) != owner:
        return []
    with tenancy.working_for(owner):
        sightings = list(SCANS[provider](pace))
    # Without a tenant, what it is was found here.
    used = ((one, credentials.workspace(provider, one.user_id) if one.user_id else owner) for one in sightings)
    return [sighting.seen_in(owner, where) for sighting, where in used]


def _update_findings(sightings: Iterable[Sighting], before: Iterable[Finding]) -> list[Finding]:
    """Write the findings for the sightings, delete those not seen any more, and return the current ones."""
    earlier = {_identity(finding): finding for finding in before}
    findings: dict[tuple[str, ...], Finding] = {}
    for sighting in sightings:
        identity = _identity(sighting)
        findings[identity] = record(sighting, earlier.get(identity), clock.now())
    for finding in findings.values():
        store.write(finding)
    for identity in earlier.keys() - findings.keys():
        store.delete(earlier[identity])
    return list(findings.values())


def _identity(sighting: Sighting) -> tuple[str, ...]:
    return tuple(store.finding_key(sighting).values())


def _remove(findings: list[Finding], pace: Pace) -> int:
    """Remove the resources whose grace has ended; their number. Where a provider fails, the finding stays."""
    removed = 0
    for finding in findings:
        if may_remove(finding, clock.now()):
            pace.check()
            try:
                removed += removal.remove(finding)
            except ProviderError as error:
                logger.warning("orphan not removed", kind=finding.kind, target=finding.target, reason=str(error))
    return removed
