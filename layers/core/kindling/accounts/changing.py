"""A change of an account at its providers: all parts of it, or none."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kindling import providers
from kindling.accounts import warmup
from kindling.accounts.model import Account
from kindling.errors import ProviderError
from kindling.platform.observability import logger

# The providers ignore an empty text, so a cleared field is sent as a blank.
BLANK = " "

Values = Mapping[str, str | bool | None]


def _write_profile(address: str, values: Values) -> None:
    texts = {name: str(value or BLANK) for name, value in values.items()}
    if "signature" in texts:
        texts["signature"] = texts["signature"].replace("\r\n", "\n").replace("\n", "<br>")
    providers.warmup().update_account(address, texts)


def _write_display_name(address: str, values: Values) -> None:
    providers.mail().rename_inbox(address, str(values["display_name"] or BLANK))


def _switch_warmup(address: str, values: Values) -> None:
    # Not skipped when the provider shows the wanted state already: a job that changes it may be queued there.
    if values["warmup_enabled"]:
        providers.warmup().enable_warmups([address])
    else:
        providers.warmup().disable_warmup(address)


@dataclass(frozen=True)
class Part:
    """Fields that a provider takes in one call. `write` gives it those of them that it is called with."""

    fields: tuple[str, ...]
    write: Callable[[str, Values], None]

    def of(self, values: Values) -> dict[str, str | bool | None]:
        """Those of the values that are this part's."""
        return {name: values[name] for name in self.fields if name in values}


# The warmup last: a job that was queued for it cannot be taken back.
PARTS = (
    Part(("signature", "first_name", "last_name"), _write_profile),
    Part(("display_name",), _write_display_name),
    Part(("warmup_enabled",), _switch_warmup),
)


def apply(account: Account, changes: Values) -> None:
    """Make the changes at the providers, part by part.

    Raises ProviderError when one is refused, after those before it were put back to what the row says; `failed` has the
    fields of that part, and `applied` those that could not be put back.
    """
    parts = [part for part in PARTS if part.of(changes)]
    for done, part in enumerate(parts):
        try:
            part.write(account.email_address, part.of(changes))
        except ProviderError as error:
            left = [before for before in reversed(parts[:done]) if not _put_back(account, before, changes)]
            error.extras["applied"] = [name for before in left for name in before.of(changes)]
            error.extras["failed"] = list(part.of(changes))
            raise


def _put_back(account: Account, part: Part, changes: Values) -> bool:
    """Whether the provider has again what the row says."""
    # A name that was never given is registered as a part of the address.
    known = account.model_dump() | warmup.names(account.email_address, account.first_name, account.last_name)
    try:
        part.write(account.email_address, {name: known[name] for name in part.of(changes)})
    except ProviderError as error:
        logger.warning("change not put back", account_id=account.id, fields=part.fields, reason=str(error))
        return False
    return True
