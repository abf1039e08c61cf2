"""The walk-through: the main job against the local cloud, part by part, over its API."""

import os
import re
import secrets
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx

from local import ticks
from local.aws import client
from local.settings import Home
from local.walkthrough import DEADLINE_SECONDS, Say, Session, Unexpected
from local.weeks import EightWeeks

LAST_DAY = 20
ENABLE = {"provider": "instantly", "method": "POST", "path": "/api/v2/accounts/warmup/enable", "status": 402}
TAG = {"provider": "instantly", "method": "POST", "path": "/api/v2/custom-tags/toggle-resource", "status": 400}


class Demo:
    """One run. It has a tenant and domains of its own, so that it can be repeated and leaves other tenants alone."""

    def __init__(self, description: Mapping[str, Any], say: Say) -> None:
        self._session = Session(description, Home.from_environment(os.environ), say)
        self._say, self._api, self._sandbox = say, self._session.api, self._session.sandbox
        self._engine_url = self._session.engine_url
        self._domain_id = ""
        self._name = f"demo-{secrets.token_hex(3)}.example"

    @property
    def key(self) -> str:
        """The API key of the demo's tenant."""
        return self._session.key

    def run(self) -> None:
        """Run all parts. Raises Unexpected, httpx.HTTPError."""
        self._say(
            "\nThe demo makes a tenant of its own. It moves the clock, for the tenants that are there already too."
        )
        self._sandbox.delete("/_admin/faults")
        domain = self._domain()
        self._verification(domain)
        self._account(domain)
        self._stuck_warmup(domain)
        self._failed_provisioning(domain)
        self._graduation()
        EightWeeks(self._session, f"weeks-{self._name}").run()

    def _domain(self) -> dict[str, Any]:
        self._session.title(f"1. A sending domain: POST /api/email/domains {self._name}")
        domain = self._session.expect(self._api.post("/api/email/domains", json={"domain": self._name}), 201)["domain"]
        self._session.see("status", domain["status"], "verifying")
        self._domain_id = domain["id"]
        records = [row for row in self._inventory()["cloudflare"]["records"] if row["zone_name"] == self._name]
        self._say(f"   {len(records)} records in the sandbox's Cloudflare zone:")
        for record in records:
            content = record["content"] if len(record["content"]) < 50 else record["content"][:47] + "…"
            self._say(f"     {record['type']:5} {record['name']:45} {content}")
        self._session.check("records published", len(records), len(domain["dns_records"]))
        return dict(domain)

    def _verification(self, domain: dict[str, Any]) -> None:
        self._session.title("2. Its verification: the poller checks it 10 minutes after the trigger")
        self._say(f"   clock moved to {ticks.advance(timedelta(minutes=10, seconds=5))}")
        self._say(f"   kindling local tick verify-domains → {ticks.tick('verify-domains', self._engine_url)}")
        path = f"/api/email/domains/{domain['id']}"
        self._session.see("status", self._until("verified", path), "verified")

    def _account(self, domain: dict[str, Any]) -> None:
        self._session.title("3. An account on it: POST /api/email/accounts, followed through its operation")
        request = {"username": "kim", "domain_id": domain["id"], "first_name": "Kim", "last_name": "Lee"}
        self._session.see("account", self._state(self._provisioned(request)), "warming/warming")

    def _stuck_warmup(self, domain: dict[str, Any]) -> None:
        self._session.title("4. A warmup that cannot be enabled, and its retry")
        self._fault(ENABLE)
        request = {"username": "lou", "domain_id": domain["id"], "display_name": "Lou"}
        account = self._provisioned(request)
        self._session.see("account", self._state(account), "pending/not_started")
        self._say(f"   warmup_reason: {account['warmup_reason']}")
        path = f"/api/email/accounts/{account['id']}/retry-warmup"
        refused = self._api.patch(path)
        self._session.expect(refused, 502)
        self._say(f"   retry while Instantly still refuses: 502, {refused.json()['message']}")
        self._sandbox.delete("/_admin/faults")
        account = self._session.expect(self._api.patch(path), 200)["account"]
        self._session.see("retry, account", self._state(account), "warming/warming")
        self._session.expect(self._api.patch(path), 409)
        self._say("   a second retry: 409, since the account is warming")

    def _failed_provisioning(self, domain: dict[str, Any]) -> None:
        self._session.title("5. A provisioning that fails at the tag step and is undone")
        before = self._inventory()
        self._fault(TAG)
        request = {"username": "max", "domain_id": domain["id"]}
        answer = self._api.post("/api/email/accounts", json=request)
        error = self._session.expect(answer, 502)
        self._sandbox.delete("/_admin/faults")
        self._say(f"   502 at {error['step']}: {error['message']}")
        self._say("   " + " → ".join(self._entered_states(f"max@{self._name}")))
        self._session.check("the sandbox's inventory is exactly as before", self._inventory() == before, True)
        burnt = self._session.expect(self._api.post("/api/email/accounts", json=request), 409)
        self._say(f"   the same address again: 409 {burnt['error']}: {burnt['message']}")

    def _graduation(self) -> None:
        self._session.title("6. The days of warmup, in seconds: kim graduates, lou is banned")
        rows = self._session.expect(self._api.get("/api/email/accounts"), 200)["accounts"]
        ids = {row["email_address"].partition("@")[0]: row["id"] for row in rows if row["domain_id"] == self._domain_id}
        for _ in range(LAST_DAY):
            ticks.advance(timedelta(days=2))
            body = self._session.expect(self._api.get("/api/email/accounts/warmup-analytics"), 200)
            kim = body["analytics"][ids["kim"]]
            day = kim["daily_data"][-1]["date"] if kim["daily_data"] else "no day yet"
            figures = f"{kim['total_sent']:4} sent, reputation {kim['warmup_reputation']:3}"
            self._say(f"     {day}  kim: {figures}  {body['transitions'].get(ids['kim'], {}).get('status', 'warming')}")
            if ids["kim"] in body["transitions"]:
                break
        account = self._session.expect(self._api.get(f"/api/email/accounts/{ids['kim']}"), 200)["account"]
        self._session.see("kim is", self._state(account), "active/active")
        self._session.expect(
            self._sandbox.post("/_admin/settings", json={"warmup_states": {f"lou@{self._name}": -1}}), 200, 204
        )
        self._say("   (the sandbox's Instantly now bans lou)")
        ticks.advance(timedelta(hours=25))
        self._say(f"   kindling local tick graduate-accounts → {ticks.tick('graduate-accounts', self._engine_url)}")
        path = f"/api/email/accounts/{ids['lou']}"
        deadline = time.monotonic() + DEADLINE_SECONDS
        lou: dict[str, Any] = {}
        while time.monotonic() < deadline and lou.get("status") != "error":
            time.sleep(0.2)
            lou = self._session.expect(self._api.get(path), 200)["account"]
        self._session.see("lou is", self._state(lou), "error/banned")

    def _provisioned(self, request: dict[str, str]) -> dict[str, Any]:
        """Create an account, print the steps of its saga, which may take longer than a create waits, and return it."""
        answer = self._api.post("/api/email/accounts", json=request, headers={"Prefer": "respond-async"})
        operation = self._follow(self._session.expect(answer, 202)["operation"], answer.headers["Location"])
        self._session.check("operation", operation["state"], "succeeded")
        path = f"/api/email/accounts/{operation['subject_id']}"
        return dict(self._session.expect(self._api.get(path), 200)["account"])

    def _follow(self, operation: dict[str, Any], location: str) -> dict[str, Any]:
        """Print each step when the saga enters it, and return the operation when it has ended."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        step = None
        while operation["state"] in ("running", "undoing"):
            if operation["current_step"] not in (step, None):
                step = operation["current_step"]
                self._say(f"     … {step}")
            if time.monotonic() > deadline:
                raise Unexpected(f"the operation is still running after {DEADLINE_SECONDS:.0f} s")
            time.sleep(0.05)
            operation = self._session.expect(self._api.get(location), 200)["operation"]
        return operation

    def _until(self, status: str, path: str) -> str:
        deadline = time.monotonic() + DEADLINE_SECONDS
        current = ""
        while current != status and time.monotonic() < deadline:
            time.sleep(0.2)
            current = self._session.expect(self._api.get(path), 200)["domain"]["status"]
        return current

    def _entered_states(self, address: str) -> list[str]:
        """The states that the newest provisioning execution for the address entered, as the AWS console shows them."""
        stepfunctions = client("stepfunctions", self._engine_url)
        machines = stepfunctions.list_state_machines()["stateMachines"]
        machine = next(m["stateMachineArn"] for m in machines if "ProvisionAccount" in m["name"])
        prefix = re.sub(r"[^A-Za-z0-9]+", "-", address)
        executions = [
            execution
            for execution in stepfunctions.list_executions(stateMachineArn=machine)["executions"]
            if execution["name"].startswith(prefix)
        ]
        newest = max(executions, key=lambda execution: execution["startDate"])
        events = stepfunctions.get_execution_history(executionArn=newest["executionArn"], maxResults=1000)["events"]
        entered = [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]
        return [name for name in entered if name not in ("Start", "IsUndoWanted")]

    def _fault(self, fault: dict[str, Any]) -> None:
        self._session.expect(self._sandbox.post("/_admin/faults", json={**fault, "fault": "refuse"}), 200, 201, 204)
        self._say(f"   (the sandbox now refuses {fault['method']} {fault['path']})")

    def _inventory(self) -> dict[str, Any]:
        return self._session.expect(self._sandbox.get("/_admin/inventory"), 200)

    @staticmethod
    def _state(account: dict[str, Any]) -> str:
        return f"{account['status']}/{account['warmup_status']}"


def run(description: Mapping[str, Any], say: Say) -> bool:
    """Run the walk-through; prints the reason and returns False when a result is not the expected one."""
    home = Home.from_environment(os.environ)
    before = ticks.ahead(home)
    try:
        demo = Demo(description, say)
        demo.run()
    except (Unexpected, httpx.HTTPError) as error:
        say(f"\n✗ The walk-through failed: {error}")
        return False
    say(
        "\nAll results are as expected. The clock stays where it is, "
        f"{(ticks.ahead(home) - before).days} days later than before and {ticks.ahead(home).days} days ahead of the "
        "system's,\nsince rows that were written at later times exist; 'make reset' sets it back. Try next:\n"
        f"  curl -H 'Authorization: Bearer {demo.key}' {description['api_url']}/api/email/accounts\n"
        "  .venv/bin/kindling local status              show all URLs\n"
        "  .venv/bin/kindling local advance 3d          move the clock\n"
        "  .venv/bin/kindling local tick verify-domains run a poller now\n"
        f"  curl {description['sandbox_url']}/_admin/inventory   list the sandbox's resources\n"
        f"  {description['console_url']}                the console: sign in with the key above"
    )
    return True
