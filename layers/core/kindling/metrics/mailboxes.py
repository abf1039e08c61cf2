"""Whose mailbox a recipient has: the domains of the large mailbox providers, and the classes that follow from them.

The providers publish no complete lists. These are the names under which they have given out consumer mailboxes, from
what public lists have in common (validator.js, mailcheck, Mozilla's and GNOME's autoconfiguration) and, for Yahoo, the
brands that it operates (senders.yahooinc.com, and what sending services say of it).
"""

from collections import Counter
from collections.abc import Container, Iterable

from kindling.metrics.model import APPLE, GMAIL, MICROSOFT, OTHER, OWN, YAHOO

# Mailbox providers that tell a sender of no single complaint. Gmail reports rates to the owner of a domain only
# (support.google.com/mail/answer/6254652), iCloud Mail has no feedback loop (support.apple.com/102322).
WITHOUT_COMPLAINT_REPORTS = frozenset({GMAIL, APPLE})

_GMAIL = "gmail.com googlemail.com"
_HOTMAIL = """
    at be ca ch cl co.at co.id co.il co.in co.jp co.kr co.nz co.th co.uk co.za com com.ar com.au com.bo com.br com.do
    com.gr com.hk com.mx com.my com.pe com.ph com.tr com.tw com.ve com.vn cz de dk ee es fi fr gr hk hu id ie in it jp
    kr la lt lu lv ly my net.fj nl no ph pl pt ro rs sa se sg sk
"""
_LIVE = """
    at be ca ch cl cn co.il co.in co.jp co.kr co.uk co.za com com.ar com.au com.co com.hk com.mx com.my com.pe com.ph
    com.pt com.sg com.ve cz de dk es eu fi fr hk ie in it jp lu mx net nl no ph pl pt ro ru se sg vn
"""
_OUTLOOK = """
    at be cl co.il co.nz co.th com com.ar com.au com.br com.gr com.pe com.tr com.vn cz de dk es fr hu id ie in it jp
    kr lv my ph pt sa sg sk
"""
_MICROSOFT = "msn.com msn.cn passport.com passport.net webtv.net windowslive.com windowslive.es dbmail.com"
# Not `co.jp` and `ne.jp`: Yahoo Japan is another company.
_YAHOO = """
    ae at be bg ca ch cl cn co.id co.il co.in co.kr co.nz co.th co.uk co.za com com.ar com.au com.br com.cn com.co
    com.ec com.hk com.hr com.mx com.my com.pe com.ph com.pk com.pl com.sg com.tr com.tw com.ua com.ve com.vn cz de dk
    ee es fi fr gr hr hu ie in it lt lv nl no pl pt ro rs ru se si sk
"""
_AOL = "at be ch cl co.nz co.uk com com.ar com.au com.br com.co com.mx com.ve cz de dk es fi fr hk in it kr nl pl se"
_OF_YAHOO = """
    aim.com ameritech.net att.net bellatlantic.net bellsouth.net citlink.net comcast.net compuserve.com cs.com
    currently.com flash.net frontier.com frontiernet.net games.com kimo.com love.com myyahoo.com netscape.com
    netscape.net newnorth.net nvbell.net pacbell.net prodigy.net rocketmail.com sbcglobal.net snet.net swbell.net
    verizon.net wans.net wow.com y7mail.com yahoomail.com ygm.com ymail.com
"""
_APPLE = "icloud.com me.com mac.com privaterelay.appleid.com"


def _below(brand: str, suffixes: str) -> list[str]:
    return [f"{brand}.{suffix}" for suffix in suffixes.split()]


_PROVIDERS = {
    **dict.fromkeys(_GMAIL.split(), GMAIL),
    **dict.fromkeys(_below("hotmail", _HOTMAIL), MICROSOFT),
    **dict.fromkeys(_below("live", _LIVE), MICROSOFT),
    **dict.fromkeys(_below("outlook", _OUTLOOK), MICROSOFT),
    **dict.fromkeys(_MICROSOFT.split(), MICROSOFT),
    **dict.fromkeys(_below("yahoo", _YAHOO), YAHOO),
    **dict.fromkeys(_below("aol", _AOL), YAHOO),
    **dict.fromkeys(_OF_YAHOO.split(), YAHOO),
    **dict.fromkeys(_APPLE.split(), APPLE),
}


def domain_of(address: str) -> str:
    """The domain of an address, in lower case."""
    return address.rpartition("@")[2].lower()


def provider_of(domain: str) -> str:
    """The mailbox provider of a recipient's domain, as far as its name tells."""
    return _PROVIDERS.get(domain, OTHER)


def class_of(address: str, own: Container[str]) -> str:
    """The class in which a recipient is counted; `own` are domains of the tenant that sends."""
    domain = domain_of(address)
    return OWN if domain in own else provider_of(domain)


def by_class(addresses: Iterable[str], own: Container[str]) -> Counter[str]:
    """How many of the recipients are in each class."""
    return Counter(class_of(address, own) for address in addresses)
