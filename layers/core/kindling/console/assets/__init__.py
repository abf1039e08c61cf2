"""The files that pages load: one style, one script, one icon, from this origin and by the digest of what is in them."""

import hashlib
from functools import cache
from pathlib import Path

TYPES = {
    "console.css": "text/css; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
DIGEST_LENGTH = 20


def url(name: str) -> str:
    """The path of a file, which changes with its content."""
    return f"/console/assets/{name}?v={digest(name)}"


@cache
def digest(name: str) -> str:
    return hashlib.sha256(content(name)).hexdigest()[:DIGEST_LENGTH]


@cache
def content(name: str) -> bytes:
    return Path(__file__).with_name(name).read_bytes()
