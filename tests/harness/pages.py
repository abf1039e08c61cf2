"""A browser without a browser: the console's handler through httpx, with its cookies, links and forms."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import httpx

from tests.harness.cases import Gateway

ORIGIN = "http://127.0.0.1:8791"


@dataclass
class Form:
    """A form of a page: where it is sent and how, its fields with their values, and its buttons."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[str] = field(default_factory=list)


class Page(HTMLParser):
    """What a page has: its text, its links, its forms, and the names and attributes of its elements, in order."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__()
        self.response = response
        self.status = response.status_code
        self.text = ""
        self.links: list[str] = []
        self.forms: list[Form] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self._select = ""
        self.feed(response.text)
        self.text = re.sub(r"\s+", " ", self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        own = dict(attrs)
        self.elements.append((tag, own))
        self._open.append(tag)
        if tag == "a":
            self.links.append(own.get("href") or "")
        if tag == "form":
            self.forms.append(Form(own.get("action") or "", own.get("method") or "get"))
        if tag == "select" and self.forms:
            self._select = str(own["name"])
        if tag == "option" and (self._select not in self.forms[-1].fields or "selected" in own):
            self.forms[-1].fields[self._select] = own.get("value") or ""
        if tag == "input" and self.forms and own.get("name"):
            unchosen = own.get("type") == "checkbox" and "checked" not in own
            self.forms[-1].fields |= {} if unchosen else {str(own["name"]): own.get("value") or ""}

    def handle_data(self, data: str) -> None:
        self.text += f"{data} "
        if self._open and self._open[-1] == "button" and self.forms:
            self.forms[-1].buttons.append(data)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def form(self, action: str) -> Form:
        """The form that is posted to an action that ends so."""
        found = [form for form in self.forms if form.method == "post" and form.action.endswith(action)]
        assert found, (action, [form.action for form in self.forms])
        return found[0]

    @property
    def buttons(self) -> set[str]:
        return {button for form in self.forms for button in form.buttons}

    @property
    def changes(self) -> set[str]:
        """The paths to which forms are posted, signing out aside."""
        posted = {form.action for form in self.forms if form.method == "post"}
        return posted - {"/console/sign-out"}


class Browser:
    """Visits pages; `page` is the last one."""

    def __init__(self, gateway: Gateway, origin: str = ORIGIN) -> None:
        self.client = httpx.Client(transport=httpx.MockTransport(gateway), base_url=origin)
        self.origin = origin

    def get(self, path: str, **query: str) -> Page:
        self.page = Page(self.client.get(path, params=query or None, follow_redirects=True))
        return self.page

    def post(self, path: str, data: dict[str, str], **headers: str) -> httpx.Response:
        """Post a form as a browser does, without following where the answer leads."""
        sent = {"origin": self.origin} | {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(path, data=data, headers=sent)

    def submit(self, action: str, **fields: str) -> Page:
        """Fill in a form of the page, submit it and go where that leads."""
        form = self.page.form(action)
        response = self.post(form.action, form.fields | fields)
        location = response.headers.get("location")
        if location:
            return self.get(location)
        self.page = Page(response)
        return self.page

    def sign_in(self, api_key: str) -> Page:
        self.get("/console/sign-in")
        return self.submit("sign-in", api_key=api_key)


def attribute(page: Page, tag: str, name: str) -> list[Any]:
    """The values of an attribute of all elements of a name."""
    return [own[name] for found, own in page.elements if found == tag and name in own]
