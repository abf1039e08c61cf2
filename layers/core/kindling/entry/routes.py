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
GET /api/inventory
GET /api/operations/{id}
POST /api/keys
GET /api/keys
DELETE /api/keys/{id}
POST /api/keys/{id}/rotate
POST /v1/domains
GET /v1/domains
GET /v1/domains/{id}
PUT /v1/domains/{id}
DELETE /v1/domains/{id}
POST /v1/domains/{id}/verify
GET /v1/domains/{id}/dns
GET /v1/domains/{id}/warming
GET /v1/domains/{id}/warming/history
POST /v1/domains/{id}/warming/start
POST /v1/domains/{id}/warming/pause
POST /v1/domains/{id}/warming/resume
POST /v1/domains/{id}/warming/explain
GET /v1/warming/schedules
PUT /v1/warming/schedules
GET /v1/domains/{id}/stats
GET /v1/domains/{id}/stats/daily
GET /v1/domains/{id}/stats/hourly
GET /v1/domains/{id}/stats/isp
POST /v1/send
POST /v1/send/batch
GET /v1/suppressions
POST /v1/suppressions
GET /v1/suppressions/check
DELETE /v1/suppressions/{id}
POST /webhooks/agentmail
"""

NAMES = tuple(_ROUTES.split("\n")[1:-1])
ROUTES = tuple(
    (method, re.compile(re.sub(r"\{\w+\}", "[^/]+", path))) for method, path in (name.split(" ") for name in NAMES)
)
