"""Comparing what the providers hold with what is named, telling the difference, and removing what is provably ours.

What a round did not see completely is unknown: it makes no finding there and ends none.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from kindling.errors import ProviderError
from kindling.inventory import dns, mail, removal, store, warmup
from kindling.inventory.model import PROVIDERS, Finding, Provider, Sighting, seen
from kindling.inventory.pace import OutOfTime, Pace
from kindling.inventory.rules import may_act
from kindling.platform import clock
from kindling.platform.observability import logger

LOOKS: dict[Provider, Callable[[Pace], Iterator[Sighting]]] = {
    Provider.MAIL: mail.look,
    Provider.WARMUP: warmup.look,
    Provider.DNS: dns.look,
}


def reconcile(seconds_left: Callable[[], float]) -> dict[str, Any]:
    """One round over all three providers; the number of findings, of removals, and who was not seen completely."""
    began = clock.now()
    pace = Pace(seconds_left)
    known = store.everything()
    found = removed = 0
    incomplete: list[Provider] = []
    for provider, look in LOOKS.items():
        try:
            sightings = list(look(pace))
            before = [finding for finding in known if PROVIDERS[finding.kind] == provider]
            findings = _write_down(sightings, before)
            found += len(findings)
            removed += _remove(findings, pace)
        except (ProviderError, OutOfTime) as reason:
            incomplete.append(provider)
            logger.error("inventory incomplete", provider=provider, reason=str(reason))
    if not incomplete:
        store.note_round(clock.timestamp(began))
    return {"findings": found, "removed": removed, "incomplete": incomplete}


def _write_down(sightings: Iterable[Sighting], before: Iterable[Finding]) -> list[Finding]:
    """Write what was seen, and forget what is seen no more; the findings that there are now."""
    earlier = {_place(finding): finding for finding in before}
    findings = {_place(sighting): seen(sighting, earlier.get(_place(sighting)), clock.now()) for sighting in sightings}
    for finding in findings.values():
        store.write(finding)
    for place in earlier.keys() - findings.keys():
        store.forget(earlier[place])
    return list(findings.values())


def _place(sighting: Sighting) -> tuple[str, ...]:
    return tuple(store.at(sighting).values())


def _remove(findings: list[Finding], pace: Pace) -> int:
    """Have removed what has lasted for the grace; the number. What a provider does not let go stays a finding."""
    removed = 0
    for finding in findings:
        if may_act(finding, clock.now()):
            pace.check()
            try:
                removed += removal.remove(finding)
            except ProviderError as error:
                logger.warning("orphan not removed", kind=finding.kind, target=finding.target, reason=str(error))
    return removed
