"""The secrets that a stack on AWS reads: their names, their form, and the command that stores them."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.deploy import WEBHOOK_PARAMETER, webhook_placeholder
from local.profiles import Profile
from local.providers import PROVIDERS, WEBHOOK_VARIABLE
from local.settings import Refused

WEBHOOK_PREFIX = "whsec_"


@dataclass(frozen=True)
class Credential:
    """One secret: its name below the stack's, the template's parameter for its ARN, and the variable it comes from."""

    name: str
    parameter: str
    variable: str

    def path(self, stack: str) -> str:
        """The secret's name in Secrets Manager."""
        return f"{stack}/{self.name}"

    def fault(self, text: str) -> str:
        """What is wrong with the text of the secret; empty when nothing is."""
        if not text or text.split() != [text]:
            return "is empty or has spaces or lines"
        if text.startswith(("{", '"')):
            return "is JSON; only the key itself belongs there"
        if self.variable == WEBHOOK_VARIABLE and not _signs(text):
            return f"is not {WEBHOOK_PREFIX} and base64"
        return ""


CREDENTIALS = (
    *(Credential(one.label.lower(), one.secret_parameter, one.variable) for one in PROVIDERS),
    Credential("agentmail-webhook", WEBHOOK_PARAMETER, WEBHOOK_VARIABLE),
)


def store(profile: Profile, environment: Mapping[str, str], client: Any) -> list[str]:
    """Create or replace the stack's secrets from the environment, and return a line for each. Raises Refused.

    What the environment does not name is left as it is. The webhook's secret is not known before AgentMail has made the
    webhook, so a placeholder stands in for it.
    """
    given = {one: environment[one.variable] for one in CREDENTIALS if environment.get(one.variable)}
    try:
        known = {one for one in CREDENTIALS if exists(client, one.path(profile.stack))}
        for one in CREDENTIALS:
            if one.variable == WEBHOOK_VARIABLE and one not in known:
                given.setdefault(one, webhook_placeholder())
        faults = [f"{one.variable} {one.fault(text)}" for one, text in given.items() if one.fault(text)]
        faults += [f"{one.variable} is not set" for one in CREDENTIALS if one not in known and one not in given]
        if faults:
            raise Refused(f"No secret was stored: {'; '.join(faults)}.")
        return [_put(client, one, profile, text, known=one in known) for one, text in given.items()]
    except (BotoCoreError, ClientError) as error:
        raise Refused(f"AWS refused the call: {error}") from None


def exists(client: Any, name: str) -> bool:
    """Whether Secrets Manager has a secret of this name."""
    try:
        client.describe_secret(SecretId=name)
    except client.exceptions.ResourceNotFoundException:
        return False
    return True


def _put(client: Any, one: Credential, profile: Profile, text: str, *, known: bool) -> str:
    name = one.path(profile.stack)
    if known:
        client.put_secret_value(SecretId=name, SecretString=text)
        return f"replaced {name}"
    key = profile.parameters.get("KmsKeyArn")
    client.create_secret(Name=name, SecretString=text, **({"KmsKeyId": key} if key else {}))
    return f"created {name}"


def _signs(text: str) -> bool:
    if not text.startswith(WEBHOOK_PREFIX):
        return False
    try:
        return base64.b64decode(text.removeprefix(WEBHOOK_PREFIX), validate=True) != b""
    except binascii.Error:
        return False
