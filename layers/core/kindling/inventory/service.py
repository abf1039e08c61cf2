"""The daily inventory run: list each provider, update the findings, and remove safe ones after their grace.

The findings of a provider whose listing is incomplete stay as they are.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from kindling.errors import ProviderError
from kindling.inventory import dns, mail, removal, store, warmup
from kindling.inventory.model import PROVIDERS, Finding, Provider, Sighting, record
from kindling.inventory.pace import OutOfTime, Pace
from kindling.inventory.rules import may_remove
from kindling.platform import clock
from kindling.platform.observability import logger

SCANS: dict[Provider, Callable[[Pace], Iterator[Sighting]]] = {
    Provider.MAIL: mail.scan,
    Provider.WARMUP: warmup.scan,
    Provider.DNS: dns.scan,
}


def reconcile(seconds_left: Callable[[], float]) -> dict[str, Any]:
    """Run over all three providers; the numbers of findings and removals, and the incomplete providers.

    `seconds_left` returns how long the function may still run.
    """
    began = clock.now()
    pace = Pace(seconds_left)
    previous = store.list_all()
    found = removed = 0
    incomplete: list[Provider] = []
    for provider, scan in SCANS.items():
        try:
            sightings = list(scan(pace))
            before = [finding for finding in previous if PROVIDERS[finding.kind] == provider]
            findings = _update_findings(sightings, before)
            found += len(findings)
            removed += _remove(findings, pace)
        except (ProviderError, OutOfTime) as reason:
            incomplete.append(provider)
            logger.error("inventory incomplete", provider=provider, reason=str(reason))
    if not incomplete:
        store.record_run(clock.timestamp(began))
    return {"findings": found, "removed": removed, "incomplete": incomplete}


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
