"""What the official `/v1` client can ask for and Kindling does not offer, each with a sentence that says why."""

from kindling.entry.request import path_ids

_DKIM = "The mail provider keeps one DKIM key for a domain; GET /v1/domains/{domain_id}/dns shows its record."
_TEMPLATES = "There are no templates; send subject, html_body and text_body."
_ALIASES = "There are no aliases; POST /api/email/accounts makes an inbox with an address of its own."
_INBOUND = "Mail that comes in is not read here; the inbox at the mail provider has it."
_TRUST = "Nobody reviews accounts; GET /v1/domains/{domain_id}/warming tells a domain's limits."

# Method, path, sentence.
UNOFFERED = (
    ("POST", "/v1/domains/{domain_id}/dkim", _DKIM),
    ("GET", "/v1/domains/{domain_id}/dkim", _DKIM),
    ("POST", "/v1/domains/{domain_id}/dkim/rotate", _DKIM),
    ("DELETE", "/v1/domains/{domain_id}/dkim/{selector}", _DKIM),
    ("POST", "/v1/templates", _TEMPLATES),
    ("GET", "/v1/templates", _TEMPLATES),
    ("GET", "/v1/templates/{template_id}", _TEMPLATES),
    ("PUT", "/v1/templates/{template_id}", _TEMPLATES),
    ("PATCH", "/v1/templates/{template_id}", _TEMPLATES),
    ("DELETE", "/v1/templates/{template_id}", _TEMPLATES),
    ("POST", "/v1/templates/{template_id}/preview", _TEMPLATES),
    ("POST", "/v1/aliases", _ALIASES),
    ("GET", "/v1/aliases", _ALIASES),
    ("GET", "/v1/aliases/{alias_id}", _ALIASES),
    ("PATCH", "/v1/aliases/{alias_id}", _ALIASES),
    ("DELETE", "/v1/aliases/{alias_id}", _ALIASES),
    ("GET", "/v1/inbound-emails", _INBOUND),
    ("GET", "/v1/inbound-emails/{email_id}", _INBOUND),
    ("GET", "/v1/inbound-emails/{email_id}/attachments/{attachment_id}/download", _INBOUND),
    ("GET", "/v1/trust/review-request", _TRUST),
    ("POST", "/v1/trust/review-request", _TRUST),
)


def why_not(method: str, path: str) -> str | None:
    """Why a request is not offered; None when the client does not have it either."""
    sentences = (why for asked, pattern, why in UNOFFERED if asked == method and path_ids(pattern, path) is not None)
    return next(sentences, None)
