"""The pages for what cannot be shown, and for what may or may not have been done."""

from kindling.console.html import Html, tag
from kindling.console.layout import document, page
from kindling.console.visit import Visit


def failure(message: str) -> Html:
    """A page with a sentence and a way back."""
    way = tag("p", tag("a", "Go to the domains", href="/console/domains"))
    return document("Not shown", tag("main", tag("h1", "This cannot be shown"), tag("p", message), way, class_="alone"))


def unanswered(visit: Visit, then: str) -> Html:
    """The page after a form that the API has not answered: it has the same form once more, with the same `once`."""
    sent = [tag("input", type="hidden", name=name, value=text) for name, text in visit.form.items()]
    again = tag("form", sent, tag("button", "Send it again"), method="post", action=visit.path)
    says = (
        "The API has not answered in time. It may have done what the form asked for, or do it yet. To send the same "
        "form again is safe: it acts once."
    )
    look = tag("p", "Or ", tag("a", "look first", href=then), " at what has come of it.")
    return page(visit, "No answer", tag("h1", "It is not known whether this was done"), tag("p", says), again, look)
