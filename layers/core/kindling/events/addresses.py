"""Which network addresses a webhook may reach: those of the Internet, never one of a network that we are inside of."""

import ipaddress
from ipaddress import IPv4Address, IPv6Address

Address = IPv4Address | IPv6Address


def is_public(text: str) -> bool | None:
    """Whether an address is on the Internet; None for a name.

    Refused are all that IANA's registries for special purposes call not globally reachable (RFC 6890), multicast and
    reserved ones, and IPv6 addresses that stand for an IPv4 address, since a translator may be on the way.
    """
    address = _read(text)
    if address is None:
        return None
    if isinstance(address, IPv6Address) and (address.ipv4_mapped or address.sixtofour or address.teredo):
        return False
    usable = address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)
    # Python counts site-local addresses, and link-local ones with a zone, apart.
    return usable and not (address.is_link_local or (isinstance(address, IPv6Address) and address.is_site_local))


def is_loopback(text: str) -> bool:
    """Whether an address or name is this machine's own."""
    address = _read(text)
    return text == "localhost" if address is None else address.is_loopback


def _read(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
