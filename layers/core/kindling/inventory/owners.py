"""Whose a provider's resource is: what the table knows of the accounts and domains that marks name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kindling.accounts import claims as addresses_claimed
from kindling.accounts.claims import Claim, ClaimStatus
from kindling.accounts.model import account_key
from kindling.cleanups.model import CleanupKind, cleanup_key
from kindling.domains import claims as names_claimed
from kindling.domains import service as domains
from kindling.domains.model import domain_key
from kindling.inventory.rules import Claimed, Known, Outcome, classify
from kindling.operations import ended
from kindling.operations.ended import Ended
from kindling.platform import table

_CLAIMED = {
    ClaimStatus.RESERVED: Claimed.RESERVED,
    ClaimStatus.IN_USE: Claimed.IN_USE,
    ClaimStatus.BURNT: Claimed.BURNT,
}


@dataclass(frozen=True)
class Fate:
    """What becomes of a resource; `subject_id` and `user_id` are whose it was, where anything says so.

    `ended` are all that had the address and have ended, where no account claims it.
    """

    outcome: Outcome
    subject_id: str = ""
    user_id: str | None = None
    ended: tuple[Ended, ...] = ()


@dataclass(frozen=True)
class Trace:
    """A domain that a provider's resource names, and what it may be called."""

    user_id: str
    domain_id: str
    names: tuple[str, ...]


def of_inboxes(marked: Mapping[str, str]) -> dict[str, Fate]:
    """The fates of inboxes, given by their address and the account that their mark names."""
    claims = addresses_claimed.by_address(marked)
    own = {address for address, claim in claims.items() if claim.account_id == marked[address]}
    notes = ended.known((address, id_) for address, id_ in marked.items() if address not in own)
    found = {note.name: (note,) for note in notes.values()}
    return _of_accounts(marked, claims, found, CleanupKind.INBOX)


def of_warmup_accounts(addresses: Iterable[str]) -> dict[str, Fate]:
    """The fates of warmup accounts, which carry no mark of their own: whoever claims the address has them."""
    addresses = list(addresses)
    claims = addresses_claimed.by_address(addresses)
    found = {address: tuple(ended.all_of(address)) for address in addresses if address not in claims}
    subjects = {address: claim.account_id for address, claim in claims.items()}
    subjects |= {address: notes[0].subject_id if notes else "" for address, notes in found.items()}
    return _of_accounts(subjects, claims, found, CleanupKind.WARMUP_ACCOUNT)


def of_domains(traces: Iterable[Trace], kind: CleanupKind) -> dict[Trace, tuple[Outcome, str]]:
    """The fates of what domains without a row have left, and what each is called."""
    traces = list(traces)
    rows = _rows(domain_key(trace.user_id, trace.domain_id) for trace in traces)
    left = [trace for trace in traces if trace.domain_id not in rows]
    owners = [(trace.user_id, trace.domain_id) for trace in left]
    named = _cleanups(kind, owners)
    claiming = names_claimed.claiming((trace.user_id, name) for trace in left for name in trace.names)
    names = domains.offboarded(owners)
    notes = ended.known((name, trace.domain_id) for trace in left for name in trace.names)
    names |= {domain_id: name for name, domain_id in notes}
    return {
        trace: (
            classify(
                Known(
                    cleanup=trace.domain_id in named,
                    claimed=Claimed.RESERVED if trace.domain_id in claiming else Claimed.NO,
                    ended=trace.domain_id in names,
                )
            ),
            names.get(trace.domain_id, trace.names[-1]),
        )
        for trace in left
    }


def _of_accounts(
    subjects: Mapping[str, str], claims: Mapping[str, Claim], found: Mapping[str, tuple[Ended, ...]], kind: CleanupKind
) -> dict[str, Fate]:
    users: dict[str, str] = {}
    for address, subject_id in subjects.items():
        claim = claims.get(address)
        notes = found.get(address)
        if claim and claim.account_id == subject_id:
            users[address] = claim.user_id
        elif notes:
            users[address] = notes[0].user_id
    owners = {address: (user_id, subjects[address]) for address, user_id in users.items()}
    rows = _rows(account_key(*owner) for owner in owners.values())
    named = _cleanups(kind, (owner for owner in owners.values() if owner[1] not in rows))
    fates = {}
    for address, subject_id in subjects.items():
        known = Known(
            row=subject_id in rows,
            cleanup=subject_id in named,
            claimed=_claimed(claims.get(address), subject_id),
            ended=bool(found.get(address)),
        )
        fates[address] = Fate(classify(known), subject_id, users.get(address), found.get(address, ()))
    return fates


def _claimed(claim: Claim | None, account_id: str) -> Claimed:
    if claim is None:
        return Claimed.NO
    if claim.account_id != account_id and claim.status != ClaimStatus.RESERVED:
        return Claimed.OTHERWISE
    return _CLAIMED[claim.status]


def _rows(keys: Iterable[dict[str, str]]) -> set[str]:
    """The ids of the accounts or domains that have a row."""
    return {str(item["id"]) for item in table.standing(keys)}


def _cleanups(kind: CleanupKind, owners: Iterable[tuple[str, str]]) -> set[str]:
    """The ids of the accounts or domains, each given with its tenant, that have a cleanup of that kind."""
    keys = (cleanup_key(user_id, kind, subject_id) for user_id, subject_id in owners)
    return {str(item["subject_id"]) for item in table.standing(keys)}
