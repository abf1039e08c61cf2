"""The console as an ASGI application: who is asked in, what is answered, and the headers of every answer."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from kindling.console import assets, session
from kindling.console.actions import Form, perform
from kindling.console.api import Outcome, Unanswered, is_loopback, origin_of
from kindling.console.pages import routes, sign_in
from kindling.console.pages.failure import failure, unanswered
from kindling.console.session import Session
from kindling.console.visit import Page, Visit
from kindling.errors import Forbidden, InvalidRequest, KindlingError, NotFound, PayloadTooLarge, Unauthorized
from kindling.keys import authentication, quota
from kindling.keys.model import Scope
from kindling.platform import tenancy
from kindling.platform.observability import logger
from kindling.platform.text import writable

HOME = "/console/domains"
SIGN_IN = "/console/sign-in"
MAX_FORM_BYTES = 20_000
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    # Not `no-referrer`, with which browsers hide the origin of a form from us, too.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
KEPT = {"Cache-Control": "public, max-age=31536000, immutable"}

Answer = Callable[[Request], Response]
Endpoint = Callable[[Request], Awaitable[Response]]


def application() -> Starlette:
    """The application."""
    made = [
        Route("/console", _endpoint(_home), methods=["GET"]),
        Route("/console/", _endpoint(_home), methods=["GET"]),
        Route(SIGN_IN, _endpoint(_show_sign_in), methods=["GET"]),
        Route(SIGN_IN, _endpoint(_sign_in), methods=["POST"]),
        Route("/console/sign-out", _endpoint(_sign_out), methods=["POST"]),
        Route("/console/assets/{name}", _endpoint(_asset), methods=["GET"]),
        *(Route(f"/console/{path}", _endpoint(_showing(page)), methods=["GET"]) for path, page in routes.PAGES.items()),
        *(Route(f"/console/{path}", _endpoint(_acting(one)), methods=["POST"]) for path, one in routes.FORMS.items()),
    ]
    # Otherwise a path with a slash at its end would be redirected by the `Host` that the client sent.
    app = Starlette(routes=made, exception_handlers={HTTPException: _unknown})
    app.router.redirect_slashes = False
    return app


def _endpoint(answer: Answer) -> Endpoint:
    """An endpoint. One request runs at a time in an execution environment, so nothing is gained by threads."""

    async def endpoint(request: Request) -> Response:
        request.state.body = await _body(request)
        try:
            response = answer(request)
        except KindlingError as error:
            response = _failed(request, error)
        except Exception:  # noqa: BLE001
            logger.exception("page failed")
            response = _failed(request, KindlingError("Something went wrong on our side; the logs have the reason."))
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    return endpoint


async def _body(request: Request) -> bytes:
    return await request.body()


async def _unknown(_request: Request, error: Exception) -> Response:
    """What Starlette refuses itself: a path or a method that no page has."""
    status = error.status_code if isinstance(error, HTTPException) else HTTPStatus.NOT_FOUND
    return HTMLResponse(failure("There is no such page."), status, headers=HEADERS)


def _failed(request: Request, error: KindlingError) -> Response:
    if isinstance(error, Unauthorized):
        response: Response = RedirectResponse(SIGN_IN, HTTPStatus.SEE_OTHER)
        return _forget(response) if session.COOKIE in request.cookies else response
    return HTMLResponse(failure(str(error)), int(error.status))


def _home(_request: Request) -> Response:
    return RedirectResponse(HOME, HTTPStatus.SEE_OTHER)


def _asset(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in assets.TYPES:
        raise NotFound("There is no such file.")
    etag = f'"{assets.digest(name)}"'
    headers = {**KEPT, "ETag": etag}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(assets.content(name), media_type=assets.TYPES[name], headers=headers)


# --- Who it is ---


def _show_sign_in(request: Request) -> Response:
    try:
        _resume(request)
    except Unauthorized:
        return HTMLResponse(sign_in.page())
    return _home(request)


def _sign_in(request: Request) -> Response:
    """Begin a session for the key that was posted, checked as the API checks it. It counts as a failed try as there."""
    _require_own_origin(request)
    text = _form(request).get("api_key", "").strip()
    try:
        caller = authentication.authenticate(f"Bearer {text}", _address(request))
        quota.admit_request(caller)
    except Unauthorized as error:
        return HTMLResponse(sign_in.page(str(error)), HTTPStatus.UNAUTHORIZED)
    response = RedirectResponse(HOME, HTTPStatus.SEE_OTHER)
    response.set_cookie(
        session.COOKIE,
        session.seal(session.begin(text)),
        max_age=session.SECONDS,
        path=session.PATH,
        secure=not _is_loopback(request),
        httponly=True,
        samesite="strict",
    )
    return response


def _sign_out(request: Request) -> Response:
    _require_own_origin(request)
    opened = _opened(request)
    if opened and not opened.has(_form(request).get("token", "")):
        raise Forbidden("This form is not one of your session: go back and reload the page.")
    return _forget(RedirectResponse(SIGN_IN, HTTPStatus.SEE_OTHER))


def _forget(response: Response) -> Response:
    response.delete_cookie(session.COOKIE, path=session.PATH)
    return response


def _resume(request: Request, *, anew: bool = False) -> Visit:
    """Who sent the request, by the cookie. Raises Unauthorized without a session, or when its key has ended.

    With `anew`, the key's row is read even if it was a moment ago.
    """
    opened = _opened(request)
    if opened is None:
        raise Unauthorized("There is no session.")
    caller = authentication.authenticate(f"Bearer {opened.api_key}", _address(request), anew=anew)
    logger.append_keys(user_id=caller.user_id, key_id=caller.key_id)
    return Visit(
        caller=caller,
        session=opened,
        origin=origin_of(request.scope["aws.event"]),
        path=request.url.path,
        query=dict(request.query_params),
        ids={name: text.lower() for name, text in request.path_params.items()},
    )


def _opened(request: Request) -> Session | None:
    cookie = request.cookies.get(session.COOKIE)
    return session.unseal(cookie) if cookie else None


# --- Pages and forms ---


def _showing(page: Page) -> Answer:
    """The answer of a page."""

    def show(request: Request) -> Response:
        visit = _resume(request)
        quota.admit_request(visit.caller)
        return _shown(page, visit)

    return show


def _acting(form: Form) -> Answer:
    """The answer to a form that changes something; the API counts the request itself.

    A key that has ended is refused here, where it counts against the browser's address: the API sees that of Lambda.
    """

    def act(request: Request) -> Response:
        _require_own_origin(request)
        visit = replace(_resume(request, anew=True), form=_form(request))
        if not visit.session.has(visit.form.get("token", "")):
            raise Forbidden("This form is not one of your session: go back, reload the page and try again.")
        try:
            outcome = perform(form, visit)
        except Unanswered:
            return HTMLResponse(unanswered(visit, form.then.format(**visit.ids)), HTTPStatus.GATEWAY_TIMEOUT)
        if not outcome.done:
            return _refused(form, visit, outcome)
        if form.shows:
            return _shown(form.page, _at_page(form, replace(visit, secret=form.shows(outcome.body))))
        return RedirectResponse(_next(form, visit, outcome), HTTPStatus.SEE_OTHER)

    return act


def _refused(form: Form, visit: Visit, outcome: Outcome) -> Response:
    """The form's page again, with what was wrong."""
    if outcome.status == HTTPStatus.UNAUTHORIZED:
        raise Unauthorized(authentication.REFUSED)
    visit = _at_page(form, replace(visit, problem=outcome.body["message"]))
    try:
        return _shown(form.page, visit, outcome.status)
    except NotFound:
        return HTMLResponse(failure(visit.problem), outcome.status)


def _at_page(form: Form, visit: Visit) -> Visit:
    """The visit as one of the page that has the form."""
    return replace(visit, path=form.then.format(**visit.ids), query={})


def _next(form: Form, visit: Visit, outcome: Outcome) -> str:
    if outcome.operation_id:
        return f"/console/operations/{outcome.operation_id}"
    return f"{form.then.format(**visit.ids)}?done={form.done}"


def _shown(page: Page, visit: Visit, status: int = HTTPStatus.OK) -> Response:
    visit.caller.require(Scope.READ)
    with tenancy.working_for(visit.caller.user_id):
        return HTMLResponse(page(visit), status)


# --- What a request has ---


def _form(request: Request) -> dict[str, str]:
    """The fields of a form. Raises PayloadTooLarge, InvalidRequest."""
    body: bytes = request.state.body
    if len(body) > MAX_FORM_BYTES:
        raise PayloadTooLarge(f"A form may have at most {MAX_FORM_BYTES} bytes.")
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=bool(body))
        return {name: writable(text) for name, text in pairs}
    except ValueError as error:
        raise InvalidRequest("The form cannot be read.", fields=[]) from error


def _require_own_origin(request: Request) -> None:
    """Raises Forbidden for a form that another site has sent: every browser tells the origin of one that is posted."""
    origin = urlsplit(request.headers.get("origin", ""))
    schemes = ("https", "http") if _is_loopback(request) else ("https",)
    if origin.scheme not in schemes or origin.netloc != request.headers.get("host"):
        raise Forbidden("This form came from another site.")


def _is_loopback(request: Request) -> bool:
    """Whether the browser runs on this machine and talks to it without TLS, as with the local cloud."""
    return is_loopback(request.headers.get("host", ""))


def _address(request: Request) -> str:
    return str(request.scope["aws.event"]["requestContext"]["http"]["sourceIp"])


app = application()
