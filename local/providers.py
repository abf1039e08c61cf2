"""The providers of a local cloud: the sandbox, or the real services when the environment has their keys."""

from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from local.settings import Home, Refused

CHECK_SECONDS = 10
# What the providers answer to a key that they do not know, or that is none.
REFUSED = (400, 401, 403)
WEBHOOK_VARIABLE = "AGENTMAIL_WEBHOOK_SECRET"


@dataclass(frozen=True)
class Provider:
    """The names of a provider in the template's parameters, the sandbox and the user's environment.

    A GET of `check_path`, below `base_path`, is answered to every valid key, without any effect.
    """

    label: str
    sandbox_key: str
    variable: str
    host: str
    check_path: str
    base_path: str = ""

    @property
    def secret(self) -> str:
        return f"kindling/{self.label.lower()}"

    @property
    def secret_parameter(self) -> str:
        return f"{self.label}SecretArn"

    @property
    def url_parameter(self) -> str:
        return f"{self.label}Url"


PROVIDERS = (
    Provider("AgentMail", "am_local", "AGENTMAIL_API_KEY", "https://api.agentmail.to", "/v0/inboxes"),
    Provider("Instantly", "inst_local", "INSTANTLY_API_KEY", "https://api.instantly.ai", "/api/v2/accounts"),
    Provider("Cloudflare", "cf_local", "CLOUDFLARE_API_TOKEN", "https://api.cloudflare.com", "/zones", "/client/v4"),
)
KEY_VARIABLES = tuple(provider.variable for provider in PROVIDERS)
# Functions read these from Secrets Manager only.
SECRET_VARIABLES = (*KEY_VARIABLES, WEBHOOK_VARIABLE)


def real_providers(environment: Mapping[str, str]) -> bool:
    """Whether the environment has the API keys of the real providers.

    Raises Refused when it has some but not all of them.
    """
    missing = [name for name in KEY_VARIABLES if not environment.get(name)]
    if missing and len(missing) < len(KEY_VARIABLES):
        raise Refused(f"Real providers need {', '.join(KEY_VARIABLES)}. Not set: {', '.join(missing)}.")
    return not missing


def home_for(environment: Mapping[str, str]) -> Home:
    """The folder of the local cloud that the environment asks for. Raises Refused."""
    home = Home.from_environment(environment)
    return home.with_real_providers if real_providers(environment) else home


def check_keys(environment: Mapping[str, str], transport: httpx.BaseTransport | None = None) -> None:
    """Ask each real provider whether it knows its key. Raises Refused."""
    with httpx.Client(transport=transport, timeout=CHECK_SECONDS) as client:
        for provider in PROVIDERS:
            key = environment[provider.variable]
            if not (key.isascii() and key.isprintable()) or " " in key:
                raise Refused(f"{provider.variable} has characters that no key has.")
            url = f"{provider.host}{provider.base_path}{provider.check_path}"
            try:
                status = client.get(url, headers={"Authorization": f"Bearer {key}"}).status_code
            except httpx.HTTPError as error:
                raise Refused(f"{provider.label} cannot be reached: {error}.") from None
            if status in REFUSED:
                raise Refused(f"{provider.label} refuses the key in {provider.variable} (status {status}).")
