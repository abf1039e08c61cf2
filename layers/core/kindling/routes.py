"""Every route of the API, so that what is refused can be refused for the right reason."""

import re

_ROUTES = """
GET /healthz
POST /api/email/domains
GET /api/email/domains
GET /api/email/domains/{id}
PATCH /api/email/domains/{id}
DELETE /api/email/domains/{id}
POST /api/email/domains/{id}/verify
GET /api/email/domains/{id}/dns-records
POST /api/email/accounts
GET /api/email/accounts
GET /api/email/accounts/warmup-analytics
GET /api/email/accounts/{id}
PATCH /api/email/accounts/{id}
DELETE /api/email/accounts/{id}
PATCH /api/email/accounts/{id}/retry-warmup
GET /api/cleanups
GET /api/operations/{id}
POST /api/keys
GET /api/keys
DELETE /api/keys/{id}
"""

NAMES = tuple(_ROUTES.split("\n")[1:-1])
ROUTES = tuple(
    (method, re.compile(re.sub(r"\{\w+\}", "[^/]+", path))) for method, path in (name.split(" ") for name in NAMES)
)
