"""Deploys the template to the engine with CloudFormation, and writes the routes for the HTTP API."""

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from botocore.exceptions import ClientError

from local.aws import client
from local.packaging import BUCKET, Package
from local.providers import PROVIDERS, WEBHOOK_VARIABLE
from local.settings import API_CONCURRENCY, HOST, STACK, Home, Ports, Refused, write_atomically

WAIT_SECONDS = 120
DIGEST_TAG = "kindling-digest"
SETTLED = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
# A stack can be updated after a rolled-back update; after any other failure it must be deleted and created again.
USABLE = (*SETTLED, "UPDATE_ROLLBACK_COMPLETE")


# All tenants of a local cloud belong to one user, so the first one to use a zone may have it.
ZONE_BINDING = ("ZoneBinding", "first")
# Half of the calls that the API may make at a time, so that others go on while some wait for their sagas.
WAITING_REQUESTS = ("WaitingRequests", str(API_CONCURRENCY // 2))
# The sandbox hosts the names below `.example`.
RESERVED_NAMES = ("ReservedNames", "allow")
# A receiver of events that is tried out runs on the same machine.
LOOPBACK_WEBHOOKS = ("LoopbackWebhooks", "allow")

WEBHOOK_NAME = "kindling/agentmail-webhook"
DNS_PARAMETER = "DnsResolvers"
WEBHOOK_PARAMETER = "AgentMailWebhookSecretArn"
SERVICE_ACCOUNT_NAME = "kindling/postmaster"
SERVICE_ACCOUNT_PARAMETER, POSTMASTER_URL_PARAMETER = "PostmasterSecretArn", "PostmasterUrl"
WEBHOOK_PATH = "/webhooks/agentmail"
WEBHOOK_EVENTS = (
    "message.sent",
    "message.delivered",
    "message.bounced",
    "message.complained",
    "message.rejected",
    "message.opened",
    "message.clicked",
    "domain.verified",
)


def webhook_placeholder() -> str:
    """A random value in the format of a webhook's secret, which functions read until the webhook is registered."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(24)).decode()}"


@dataclass(frozen=True)
class Stack:
    """A stack as CloudFormation describes it."""

    status: str
    digest: str
    outputs: dict[str, str]


class Deployment:
    """One package on one engine."""

    def __init__(self, package: Package, home: Home, ports: Ports) -> None:
        self._package = package
        self._home = home
        self._ports = ports
        self._formation = client("cloudformation", ports.engine_url)

    def run(self, environment: Mapping[str, str]) -> Stack:
        """Create or update the stack if anything has changed, and register its webhook with the sandbox.

        `environment` holds the API keys when the real providers are used. Raises Refused.
        """
        parameters = self._parameters(environment)
        digest = hashlib.sha256(f"{self._package.digest}{json.dumps(parameters)}".encode()).hexdigest()
        stack = self.describe()
        if stack is None or stack.digest != digest or stack.status not in SETTLED:
            stack = self._deploy(stack, parameters, digest)
        self._write_routes()
        if WEBHOOK_PARAMETER in parameters and not self._home.real:
            self._register_webhook(parameters[WEBHOOK_PARAMETER])
        return stack

    def describe(self) -> Stack | None:
        """The stack's current state; None when there is no stack."""
        try:
            description = self._formation.describe_stacks(StackName=STACK)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        tags = {tag["Key"]: tag["Value"] for tag in description.get("Tags", [])}
        outputs = {output["OutputKey"]: output["OutputValue"] for output in description.get("Outputs", [])}
        return Stack(description["StackStatus"], tags.get(DIGEST_TAG, ""), outputs)

    def _parameters(self, environment: Mapping[str, str]) -> dict[str, str]:
        """The values of the template's parameters. Creates the secrets whose ARNs are among them."""
        real = self._home.real
        values = {}
        for provider in PROVIDERS:
            if provider.secret_parameter in self._package.parameters:
                key = environment[provider.variable] if real else provider.sandbox_key
                values[provider.secret_parameter] = self._put_secret(provider.secret, key)
            if provider.url_parameter in self._package.parameters and not real:
                values[provider.url_parameter] = f"{self._ports.sandbox_url}{provider.base_path}"
        if SERVICE_ACCOUNT_PARAMETER in self._package.parameters and not real:
            values[SERVICE_ACCOUNT_PARAMETER] = self._put_secret(SERVICE_ACCOUNT_NAME, self._service_account())
            values[POSTMASTER_URL_PARAMETER] = self._ports.sandbox_url
        sandbox_only = [RESERVED_NAMES, (DNS_PARAMETER, f"{HOST}:{self._ports.dns}")]
        everywhere = [ZONE_BINDING, WAITING_REQUESTS, LOOPBACK_WEBHOOKS]
        optional = everywhere if real else [*everywhere, *sandbox_only]
        values |= {name: text for name, text in optional if name in self._package.parameters}
        if WEBHOOK_PARAMETER in self._package.parameters:
            given = environment.get(WEBHOOK_VARIABLE) if real else None
            if given:
                values[WEBHOOK_PARAMETER] = self._put_secret(WEBHOOK_NAME, given)
            else:
                values[WEBHOOK_PARAMETER] = self._create_secret(WEBHOOK_NAME, webhook_placeholder())
        return values

    def _service_account(self) -> str:
        """The key file of the sandbox's service account."""
        try:
            with httpx.Client(base_url=self._ports.sandbox_url, trust_env=False) as sandbox:
                return sandbox.get("/_admin/service-account").raise_for_status().text
        except httpx.HTTPError as error:
            raise Refused(f"The sandbox gave no service account: {error}") from None

    def _put_secret(self, name: str, text: str) -> str:
        arn = self._create_secret(name, text)
        self._set_secret(arn, text)
        return arn

    def _create_secret(self, name: str, text: str) -> str:
        """Create a secret, unless one of that name exists, and return its ARN."""
        secrets_manager = client("secretsmanager", self._ports.engine_url)
        try:
            arn: str = secrets_manager.create_secret(Name=name, SecretString=text)["ARN"]
        except secrets_manager.exceptions.ResourceExistsException:
            arn = secrets_manager.describe_secret(SecretId=name)["ARN"]
        return arn

    def _set_secret(self, arn: str, text: str) -> None:
        secrets_manager = client("secretsmanager", self._ports.engine_url)
        if secrets_manager.get_secret_value(SecretId=arn)["SecretString"] != text:
            secrets_manager.put_secret_value(SecretId=arn, SecretString=text)

    def _register_webhook(self, secret_arn: str) -> None:
        """Register the API's webhook with the sandbox's AgentMail and store its signing secret."""
        try:
            self._set_secret(secret_arn, self._ensure_webhook()["secret"])
        except httpx.HTTPError as error:
            raise Refused(f"The sandbox refused the webhook: {error}") from None

    def _ensure_webhook(self) -> dict[str, Any]:
        """The only webhook of this local cloud, created or updated when necessary."""
        wanted = {
            "url": f"{self._ports.api_url}{WEBHOOK_PATH}",
            "event_types": list(WEBHOOK_EVENTS),
            "client_id": "kindling",
        }
        key = {"Authorization": f"Bearer {PROVIDERS[0].sandbox_key}"}
        with httpx.Client(base_url=f"{self._ports.sandbox_url}/v0", headers=key, trust_env=False) as mail:
            webhook: dict[str, Any] = mail.post("/webhooks", json=wanted).raise_for_status().json()
            path = f"/webhooks/{webhook['webhook_id']}"
            if webhook["url"] != wanted["url"]:
                # The API's port has changed, and AgentMail does not allow a webhook's URL to be changed.
                mail.delete(path).raise_for_status()
                webhook = mail.post("/webhooks", json=wanted).raise_for_status().json()
            elif webhook["event_types"] != wanted["event_types"] or not webhook["enabled"]:
                changes = {"event_types": wanted["event_types"], "enabled": True}
                mail.patch(path, json=changes).raise_for_status()
        return webhook

    def _deploy(self, stack: Stack | None, parameters: dict[str, str], digest: str) -> Stack:
        if stack is not None and stack.status not in USABLE:
            self._formation.delete_stack(StackName=STACK)
            self._wait()
            stack = None
        self._upload()
        operation = self._formation.create_stack if stack is None else self._formation.update_stack
        try:
            operation(
                StackName=STACK,
                TemplateURL=f"{self._ports.engine_url}/{BUCKET}/template.json",
                Parameters=[{"ParameterKey": name, "ParameterValue": text} for name, text in parameters.items()],
                Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
                Tags=[{"Key": DIGEST_TAG, "Value": digest}],
            )
            deployed = self._wait()
        except ClientError as error:
            # After a rolled-back update, the stack may already match the package.
            if stack is None or "No updates are to be performed" not in str(error):
                raise Refused(f"The engine refused the template: {error}") from None
            return stack
        finally:
            self._remove_uploads()
        if deployed is None or deployed.status not in SETTLED:
            raise Refused(f"The stack could not be deployed: {self._reason()}")
        return deployed

    def _upload(self) -> None:
        storage = client("s3", self._ports.engine_url)
        storage.create_bucket(Bucket=BUCKET)
        for key, archive in self._package.archives.items():
            storage.put_object(Bucket=BUCKET, Key=key, Body=archive)
        storage.put_object(Bucket=BUCKET, Key="template.json", Body=self._package.body.encode())

    def _remove_uploads(self) -> None:
        """Delete the uploaded files. The engine has its own copy of every function's code."""
        storage = client("s3", self._ports.engine_url)
        for key in (*self._package.archives, "template.json"):
            storage.delete_object(Bucket=BUCKET, Key=key)

    def _wait(self) -> Stack | None:
        """The stack when its current operation has ended; None when it was deleted."""
        end = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < end:
            stack = self.describe()
            if stack is None or stack.status == "DELETE_COMPLETE":
                return None
            if not stack.status.endswith("_IN_PROGRESS"):
                return stack
            time.sleep(0.05)
        raise Refused(f"The stack was still in progress after {WAIT_SECONDS} s.")

    def _reason(self) -> str:
        """The first failure in the stack's events."""
        events = self._formation.describe_stack_events(StackName=STACK)["StackEvents"]
        failures = [event for event in events if event["ResourceStatus"].endswith("_FAILED")]
        if not failures:
            return "no reason was given"
        first: dict[str, Any] = failures[-1]
        return f"{first['LogicalResourceId']}: {first.get('ResourceStatusReason', first['ResourceStatus'])}"

    def _write_routes(self) -> None:
        resources = self._formation.describe_stack_resources(StackName=STACK)["StackResources"]
        names = {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in resources}
        rows = [{"key": key, "function": names[function]} for key, function in self._package.routes]
        write_atomically(self._home.routes, json.dumps(rows, indent=1))
