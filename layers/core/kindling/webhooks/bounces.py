"""What a bounce says, for each recipient: about the address, the sender, or the moment. Pure.

The codes are those of RFC 3463 and its registry (iana.org/assignments/smtp-enhanced-status-codes), with what Microsoft
means by two of them (learn.microsoft.com, "NDR codes in Exchange Online"). Types and subtypes are those of Amazon SES
("Amazon SNS notification contents"), through which AgentMail sends.
"""

import re
from dataclasses import dataclass

UNKNOWN_MAILBOX, BLOCKED, SOFT = "unknown_mailbox", "blocked", "soft_bounced"
PERMANENT, TRANSIENT = "permanent", "transient"

# A code may stand alone, or in the text of a reply such as `550 5.7.1 …`. Four numbers are an IP address.
_CODE = re.compile(r"(?<![\d.])([45])\.(\d{1,3})\.(\d{1,3})(?!\.?\d)")
# By code or the beginning of one; `x` is either class. The longest that fits decides.
_CODES = {
    "x.1": UNKNOWN_MAILBOX,
    "5.2.1": UNKNOWN_MAILBOX,  # the mailbox is disabled
    "5.4.1": UNKNOWN_MAILBOX,  # Exchange Online: no such recipient
    "5.5.0": UNKNOWN_MAILBOX,  # Outlook.com: mailbox unavailable
    "x.1.7": BLOCKED,  # the sender's address is refused
    "x.1.8": BLOCKED,  # the sender's domain is refused
    "x.6": BLOCKED,  # the content is refused
    "x.7": BLOCKED,  # security or policy
    "x.2.2": SOFT,  # the mailbox is full
    "x.2.3": SOFT,  # the message is too long for the mailbox
    "x.3.4": SOFT,  # the message is too big for the system
}
_SUB_TYPES = {
    "noemail": UNKNOWN_MAILBOX,
    "suppressed": UNKNOWN_MAILBOX,  # bounced before as an unknown mailbox, whoever wrote to it
    "contentrejected": BLOCKED,
    "attachmentrejected": BLOCKED,
    "mailboxfull": SOFT,
    "messagetoolarge": SOFT,
}


@dataclass(frozen=True)
class Bounce:
    """A bounce of one recipient; `kind` is a field of `Counts`, None when it is not known."""

    permanent: bool
    kind: str | None

    @property
    def fields(self) -> list[str]:
        """What the bounce counts as."""
        return ["bounced", *(["hard_bounced"] if self.permanent else []), *([self.kind] if self.kind else [])]

    @property
    def name(self) -> str | None:
        """The kind as the log of messages names it: `permanent` when nothing more is known."""
        return self.kind or (PERMANENT if self.permanent else None)

    @property
    def of_address(self) -> bool:
        """Whether the address must not be written to again: a block or a full mailbox says nothing about it."""
        return self.permanent and self.kind in (None, UNKNOWN_MAILBOX)


def read(status: str, kind: str, sub_type: str) -> Bounce:
    """What a recipient's `status` says, else the bounce's type (`kind`) and subtype."""
    code = _CODE.search(status)
    known = (_kind_of(code) if code else None) or _SUB_TYPES.get(sub_type.lower())
    passing = (code is not None and code[1] == "4") or kind.lower() == TRANSIENT
    return Bounce(kind.lower() == PERMANENT, known or (SOFT if passing else None))


def _kind_of(code: re.Match[str]) -> str | None:
    group, subject, detail = code.groups()
    places = (f"{group}.{subject}.{detail}", f"x.{subject}.{detail}", f"x.{subject}")
    return next((_CODES[place] for place in places if place in _CODES), None)
