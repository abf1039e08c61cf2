"""Classifying the resources of a provider by the state of the accounts and domains to which they belong."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from kindling.accounts import claims as addresses_claimed
from kindling.accounts import lookup as accounts
from kindling.accounts.claims import Claim, ClaimStatus
from kindling.accounts.model import Account, account_key
from kindling.cleanups.model import CleanupKind, cleanup_key
from kindling.domains import claims as names_claimed
from kindling.domains import lookup as domains
from kindling.domains.model import OFFBOARD, Domain, domain_key
from kindling.inventory.rules import ClaimState, Outcome, OwnerState, classify
from kindling.operations import ended
from kindling.operations import service as operations
from kindling.operations.ended import Ended
from kindling.platform import table, tenancy
from kindling.providers import credentials

_CLAIM_STATES = {
    ClaimStatus.RESERVED: ClaimState.RESERVED,
    ClaimStatus.IN_USE: ClaimState.IN_USE,
    ClaimStatus.BURNT: ClaimState.BURNT,
}


@dataclass(frozen=True)
class Classification:
    """The outcome for a resource, with the account and tenant to which it belongs or belonged, as far as known.

    `ended` are the ended accounts that had the address; only when no account claims it now.
    """

    outcome: Outcome
    subject_id: str = ""
    user_id: str | None = None
    ended: tuple[Ended, ...] = ()


@dataclass(frozen=True)
class DomainRef:
    """A domain to which a provider's resource refers, and its possible names."""

    user_id: str
    domain_id: str
    names: tuple[str, ...]


def accounts_here(provider: str) -> Iterator[Account]:
    """The accounts whose resources at the provider are in the workspace that is being compared."""
    owner = tenancy.current()
    users = [owner] if owner else accounts.tenants()
    here = (user_id for user_id in users if credentials.workspace(provider, user_id) == owner)
    return (account for user_id in here for account in accounts.all_of(user_id))


def verified_here(provider: str) -> Iterator[Domain]:
    """The verified domains whose resources at the provider are in the workspace that is being compared."""
    owner = tenancy.current()
    found = domains.verified_of(owner) if owner else domains.all_verified()
    return (domain for domain in found if credentials.workspace(provider, domain.user_id) == owner)


def classify_inboxes(marked: Mapping[str, str]) -> dict[str, Classification]:
    """Classify inboxes, given as the account in their mark by their address."""
    claims = addresses_claimed.by_address(marked)
    own = {address for address, claim in claims.items() if claim.account_id == marked[address]}
    records = ended.find((address, id_) for address, id_ in marked.items() if address not in own)
    ended_of = {record.name: (record,) for record in records.values()}
    return _classify_accounts(marked, claims, ended_of, CleanupKind.INBOX)


def classify_warmup_accounts(addresses: Iterable[str]) -> dict[str, Classification]:
    """Classify warmup accounts. They carry no mark: the claim to the address, or its last end, names the account."""
    addresses = list(addresses)
    claims = addresses_claimed.by_address(addresses)
    ended_of = {address: tuple(ended.all_of(address)) for address in addresses if address not in claims}
    subjects = {address: claim.account_id for address, claim in claims.items()}
    subjects |= {address: records[0].subject_id if records else "" for address, records in ended_of.items()}
    return _classify_accounts(subjects, claims, ended_of, CleanupKind.WARMUP_ACCOUNT)


def classify_domains(references: Iterable[DomainRef], kind: CleanupKind) -> dict[DomainRef, tuple[Outcome, str]]:
    """The outcome and the name for each reference to a domain without a row; the others are left out."""
    references = list(references)
    rows = _rows(domain_key(reference.user_id, reference.domain_id) for reference in references)
    rowless = [reference for reference in references if reference.domain_id not in rows]
    owners = [(reference.user_id, reference.domain_id) for reference in rowless]
    with_cleanup = _cleanups(kind, owners)
    claiming = names_claimed.claiming((reference.user_id, name) for reference in rowless for name in reference.names)
    names = {one.subject_id: one.name for one in operations.succeeded(owners, OFFBOARD)}
    records = ended.find((name, reference.domain_id) for reference in rowless for name in reference.names)
    names |= {domain_id: name for name, domain_id in records}
    return {
        reference: (
            classify(
                OwnerState(
                    cleanup=reference.domain_id in with_cleanup,
                    claimed=ClaimState.RESERVED if reference.domain_id in claiming else ClaimState.NO,
                    ended=reference.domain_id in names,
                )
            ),
            names.get(reference.domain_id, reference.names[-1]),
        )
        for reference in rowless
    }


def _classify_accounts(
    subjects: Mapping[str, str],
    claims: Mapping[str, Claim],
    ended_of: Mapping[str, tuple[Ended, ...]],
    kind: CleanupKind,
) -> dict[str, Classification]:
    """Classify resources, given as the account to which they belong by their address."""
    users: dict[str, str] = {}
    for address, subject_id in subjects.items():
        claim = claims.get(address)
        records = ended_of.get(address)
        if claim and claim.account_id == subject_id:
            users[address] = claim.user_id
        elif records:
            users[address] = records[0].user_id
    owners = {address: (user_id, subjects[address]) for address, user_id in users.items()}
    rows = _rows(account_key(*owner) for owner in owners.values())
    with_cleanup = _cleanups(kind, (owner for owner in owners.values() if owner[1] not in rows))
    classified = {}
    for address, subject_id in subjects.items():
        state = OwnerState(
            row=subject_id in rows,
            cleanup=subject_id in with_cleanup,
            claimed=_claim_state(claims.get(address), subject_id),
            ended=bool(ended_of.get(address)),
        )
        records = ended_of.get(address, ())
        classified[address] = Classification(classify(state), subject_id, users.get(address), records)
    return classified


def _claim_state(claim: Claim | None, account_id: str) -> ClaimState:
    if claim is None:
        return ClaimState.NO
    if claim.account_id != account_id and claim.status != ClaimStatus.RESERVED:
        return ClaimState.OTHER
    return _CLAIM_STATES[claim.status]


def _rows(keys: Iterable[dict[str, str]]) -> set[str]:
    """The ids of the accounts or domains that have a row."""
    return {str(item["id"]) for item in table.existing(keys)}


def _cleanups(kind: CleanupKind, owners: Iterable[tuple[str, str]]) -> set[str]:
    """The ids of the accounts or domains, each given with its tenant, that have a cleanup of that kind."""
    keys = (cleanup_key(user_id, kind, subject_id) for user_id, subject_id in owners)
    return {str(item["subject_id"]) for item in table.existing(keys)}
