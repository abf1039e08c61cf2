"""The paths below /console: the page of each, and the forms that are posted to it."""

from kindling.console.actions import Form
from kindling.console.pages import domain, domain_forms, domains
from kindling.console.visit import Page

PAGES: dict[str, Page] = {
    "domains": domains.show,
    "domains/{domain_id}": domain.show,
}
FORMS: dict[str, Form] = {
    "domains": domains.CREATE,
    "domains/{domain_id}/verify": domain_forms.VERIFY,
    "domains/{domain_id}/start": domain_forms.START,
    "domains/{domain_id}/pause": domain_forms.PAUSE,
    "domains/{domain_id}/resume": domain_forms.RESUME,
    "domains/{domain_id}/delete": domain_forms.DELETE,
}
