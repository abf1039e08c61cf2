"""The page of `/docs`: Swagger UI (Apache-2.0) as Powertools ships it, in one HTML text.

The page loads `openapi.json` beside it and nothing else; its Content-Security-Policy allows no other origin and no
script but its own two.
"""

import hashlib
from base64 import b64encode
from functools import cache
from pathlib import Path

import aws_lambda_powertools

from kindling.entry.answers.pages import Page

FILES = Path(aws_lambda_powertools.__file__).parent / "event_handler/openapi/swagger_ui"
# `validatorUrl`: Swagger UI would otherwise send the document's address to a server of its makers.
START = """
SwaggerUIBundle({
  url: "openapi.json", dom_id: "#docs", validatorUrl: null, defaultModelsExpandDepth: 0, deepLinking: true,
  displayRequestDuration: true, filter: true, tryItOutEnabled: true
});
"""
HTML = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Kindling API</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<div id="docs"></div>
<noscript>This page needs JavaScript; the document itself is <a href="openapi.json">openapi.json</a>.</noscript>
<script>{viewer}</script>
<script>{start}</script>
</body>
</html>
"""


@cache
def page() -> Page:
    """The page and its policy, made once per execution environment."""
    style, viewer = ((FILES / name).read_text() for name in ("swagger-ui.min.css", "swagger-ui-bundle.min.js"))
    policy = {
        "default-src": "'none'",
        "script-src": f"{_source(viewer)} {_source(START)}",
        "style-src": _source(style),
        "img-src": "data:",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return Page(
        html=HTML.format(style=style, viewer=viewer, start=START),
        policy="; ".join(f"{name} {value}" for name, value in policy.items()),
    )


def _source(text: str) -> str:
    """An inline script or style as the policy names it."""
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
