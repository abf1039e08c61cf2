"""Every command, against the handlers, as it is typed."""

import json
import re
from pathlib import Path

import pytest

from kindling.sending import service as sending
from kindling_cli.commands import COMMANDS
from tests.client.conftest import Ran, Shell
from tests.conftest import Kindling
from tests.harness.template import ROOT


class Story:
    """A shell that notes which commands have succeeded."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self.told: set[str] = set()

    def __call__(self, line: str, *more: str) -> Ran:
        words = [word for word in line.split() if not word.startswith("-")]
        known = [" ".join(words[:n]) for n in range(len(words), 0, -1)]
        self.told.add(next(one for one in known if one in COMMANDS))
        return self.shell.ok(line, *more)


def listed() -> set[str]:
    """The commands of the table in docs/cli.md: the words of one, and the last words of those like it."""
    found = set()
    for row in re.findall(r"^\| (`kindling .+?) \|", (ROOT / "docs/cli.md").read_text(), re.MULTILINE):
        topic = ""
        for words in re.findall(r"`([^`]+)`", row):
            command = words.removeprefix("kindling ") if words.startswith("kindling ") else f"{topic}{words}"
            topic = command.removesuffix(command.split()[-1])
            found.add(command)
    return found


def test_every_command_is_in_the_document() -> None:
    assert {name for name, command in COMMANDS.items() if not command.hidden} - listed() == set()


def test_every_command_works(tenant: Shell, kindling: Kindling, tmp_path: Path) -> None:
    type_ = Story(tenant)
    domain = type_("email domain create --domain acme.example --wait").json
    assert (domain["domain"], domain["status"]) == ("acme.example", "verifying")
    assert type_("email domain list --skip-sync").lines[0]["id"] == domain["id"]
    assert type_("email domain get --id acme.example").json["id"] == domain["id"]
    assert type_("email domain dns-records --id", domain["id"]).json["cloudflare"]["checked"]
    assert type_("email domain dns-record --id acme.example").json["records"]
    purposes = {one["purpose"] for one in type_("email domain required-records --id acme.example").json["records"]}
    assert "ownership" in purposes
    assert type_("email domain sync-dns-records --id acme.example --dry-run").json["dry_run"] is True
    assert type_("email domain update --id acme.example --status failed").json["status"] == "failed"
    kindling.clock.advance(seconds=10)
    assert type_("email domain verify --id acme.example --poll").json["status"] == "verified"

    account = type_("email account create --username kim --domain-id acme.example --wait").json
    assert account["status"] == "warming"
    assert type_("email account list").lines == [account]
    assert type_("email account get --id kim@acme.example").json == account
    assert type_("email account warmup-analytics").lines[0]["email"] == "kim@acme.example"
    kindling.world.fault("instantly", "POST", "/api/v2/accounts/warmup/enable", "refuse", status=402)
    pending = type_("email account create --username pat --domain-id", domain["id"]).json
    assert pending["status"] == "pending"
    kindling.world.heal()
    retried = type_("email account retry-warmup --id", pending["id"], "--format", "json").json["account"]
    assert (retried["status"], retried["warmup_status"]) == ("warming", "warming")
    changed = type_("email account update --no-warmup-enabled --signature Kim --id", account["id"]).json
    assert (changed["warmup_enabled"], changed["signature"]) == (False, "Kim")
    rows = tmp_path / "rows.csv"
    rows.write_text(f"username,domain_id,first_name\nlee,{domain['id']},\nkim,{domain['id']},Kim\n")
    batch = type_("email account batch --wait --file", str(rows))
    assert [row["state"] for row in batch.json["rows"]] == ["succeeded", "exists"]
    operation_id = batch.json["operation"]["id"]
    assert f"{batch.json['operation']['kind']} " in batch.err
    assert type_("operations get --id", operation_id).json["operation"]["state"] == "succeeded"
    assert type_("operations wait --id", operation_id).json["operation"]["progress"]["exists"] == 1

    by_name = ("--domain-id", "acme.example")
    assert type_("warming status", *by_name).json["phase"] == "phase_1"
    assert type_("warming pause --reason holiday", *by_name).json["reason"] == "holiday"
    assert type_("warming resume", *by_name).json["phase"] == "phase_1"
    assert type_("warming explain --recipients 51", *by_name).json["allowed"] is False
    assert len(type_("warming history --limit 2", *by_name).lines) == 2
    assert type_("warming cap --daily-limit 900", *by_name).json["daily_limit"] == 900
    assert type_("warming cap --daily-limit null", *by_name).json["daily_limit"] is None
    assert type_("warming set-schedule --preset tiered").json["name"] == "tiered"
    assert type_("warming schedule").json["schedule"]["name"] == "tiered"
    sending._claims.clear()
    message = ("--from", "kim@acme.example", "--to", "max@example.com", "--subject", "Hello there")
    assert type_("send --text-body Hello --to sam@example.com", *message).json["status"] == "queued"
    one = {"from": "kim@acme.example", "to": ["ann@example.com"], "text_body": "Hello"}
    (tmp_path / "mails.json").write_text(json.dumps([one, one | {"to": "nobody"}]))
    sent = type_("send-batch --file", str(tmp_path / "mails.json")).json
    assert (sent["accepted"], sent["rejected"]) == (1, 1)
    (logged,) = type_("emails list --to sam@example.com").lines
    assert type_("emails get --id", logged["id"]).json["subject"] == "Hello there"
    assert [one["event_type"] for one in type_("emails events --id", logged["id"]).json["events"]] == ["queued"]
    exported = type_("recipients export --email sam@example.com").json["messages"]
    assert [one["subject"] for one in exported] == ["Hello there"]
    assert type_("recipients erase --email sam@example.com").json == {"erased": 1, "complete": True}
    assert type_("stats summary", *by_name).json["today_sent"] == 3
    assert len(type_("stats daily --days 3", *by_name).lines) == 3
    assert len(type_("stats hourly --hours 5", *by_name).lines) == 5
    assert isinstance(type_("stats isp", *by_name).lines, list)

    assert type_("usage --days 7").json["period_days"] == 7

    assert type_("suppressions create --email max@example.com --reason unsubscribe").json["reason"] == "unsubscribe"
    assert type_("suppressions check --email max@example.com").json["suppressed"] is True
    assert [row["email"] for row in type_("suppressions list --reason unsubscribe").lines] == ["max@example.com"]
    assert type_("suppressions delete --email max@example.com").json == {"success": True}
    rows.write_text("email,reason\nann@example.com,complaint\nnobody,\n")
    job = type_("suppressions import --file", str(rows)).json
    assert (job["valid_rows"], job["invalid_rows"]) == (1, 1)
    assert type_("suppressions commit --id", job["job_id"]).json["status"] == "committed"
    assert type_("suppressions imported --id", job["job_id"]).json["written_rows"] == 1

    key = type_("keys create --name reader --scopes read --scopes send --no-live").json
    assert (key["scopes"], key["live"]) == (["read", "send"], False)
    assert len(type_("keys list").lines) == 2
    rotated = type_("keys rotate --overlap-hours 0 --id", key["id"]).json["key"]
    assert type_("keys revoke --id", rotated["id"]).json["revoked_at"]
    webhook = type_("webhooks create --url https://hooks.invalid/ --events suppression.created").json["webhook"]
    assert [one["id"] for one in type_("webhooks list").lines] == [webhook["id"]]
    assert type_("webhooks deliveries --id", webhook["id"]).out == type_("deliveries list").out == ""
    assert type_("webhooks replay --id", webhook["id"]).json["replayed"] == 0
    assert type_("webhooks rotate --id", webhook["id"]).json["secret"].startswith("whsec_")
    assert type_("webhooks delete --id", webhook["id"]).code == 0
    assert type_("health").json == {"status": "ok"}
    assert type_("findings list").out == ""
    (newest,) = type_("audit list --method DELETE --subject", webhook["id"]).lines
    assert (newest["route"], newest["outcome"]) == ("/v1/webhooks/{webhook_id}", "succeeded")

    kindling.world.fault("agentmail", "DELETE", "/v0/inboxes/*", "refuse", status=500)
    assert type_("email account delete --wait --id kim@acme.example").json == {"success": True}
    assert "inbox" in [one["kind"] for one in type_("cleanups list").lines]
    kindling.world.heal()
    assert type_("email domain delete --id acme.example").json == {"success": True}
    # It is warming from its verification on; only a new domain may be started.
    start_warming(type_, kindling)
    assert type_.told == COMMANDS.keys()


def start_warming(type_: Story, kindling: Kindling) -> None:
    name = "external-late.example"
    type_("email domain create --domain", name)
    ran = type_.shell("warming start --domain-id", name)
    assert (ran.code, "prerequisites_not_met" in ran.err) == (5, True)
    started = type_("warming start --force --domain-id", name)
    assert started.json["phase"] == "phase_1"


@pytest.mark.parametrize(
    "line",
    [
        "email domain --skip-sync --format json",
        "--format json email domain",
        "email domain list --format json",
        "email account --format pretty",
        "email account --format raw",
    ],
)
def test_a_topic_without_a_command_lists(tenant: Shell, line: str) -> None:
    ran = tenant.ok(line)
    assert tenant.requests[-1].method == "GET"
    assert ran.code == 0


def test_a_list_has_all_pages_unless_one_is_asked_for(tenant: Shell, kindling: Kindling) -> None:
    for number in range(53):
        kindling.api.post("/v1/suppressions", {"email": f"p{number}@example.com"})
    assert len(tenant.ok("suppressions list").lines) == 53
    assert len(tenant.requests) == 2
    assert len(tenant.ok("suppressions list --limit 3").lines) == 3
    assert len(tenant.ok("suppressions list --format json").json["suppressions"]) == 53
    pages = tenant.ok("suppressions list --format raw").lines
    assert [len(page["suppressions"]) for page in pages] == [50, 3]
    assert pages[0]["next_cursor"]


def test_steps_are_told_on_stderr_and_the_result_on_stdout(tenant: Shell) -> None:
    ran = tenant.ok("email domain create --domain acme.example --wait")
    assert ran.err == "onboard_domain acme.example: succeeded\n"
    assert ran.json["domain"] == "acme.example"


def test_a_batch_may_come_from_stdin(tenant: Shell, kindling: Kindling) -> None:
    domain_id = kindling.verified_domain()["id"]
    lines = f'{{"username": "lee", "domain_id": "{domain_id}"}}\n{{"username": "sam", "domain_id": "{domain_id}"}}\n'
    ran = tenant.ok("email account batch --file - --wait", typed=lines)
    assert [row["name"] for row in ran.json["rows"]] == ["lee@acme.example", "sam@acme.example"]


def test_a_batch_may_have_fields_that_are_null(tenant: Shell, kindling: Kindling) -> None:
    row = {"username": "lee", "domain_id": kindling.verified_domain()["id"], "first_name": None, "display_name": None}
    ran = tenant.ok("email account batch --file - --wait", typed=json.dumps([row]))
    assert [row["state"] for row in ran.json["rows"]] == ["succeeded"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("username,domain_id\nkim,1,2\n", "line 2 has more cells than the first"),
        ("[1]", "rows that are no objects"),
        ('{"username": ', "neither JSON nor CSV"),
    ],
)
def test_a_file_that_has_no_rows_is_refused(tenant: Shell, text: str, reason: str) -> None:
    ran = tenant("email account batch --file -", typed=text)
    assert (ran.code, tenant.requests) == (2, [])
    assert reason in ran.err


def test_a_value_that_is_json_may_be_in_a_file(tenant: Shell, kindling: Kindling, tmp_path: Path) -> None:
    phases = kindling.api.get("/v1/warming/schedules").body["schedule"]["phases"]
    (tmp_path / "phases.json").write_text(json.dumps(phases | {"phase_1": phases["phase_1"] | {"min_days": 9}}))
    ran = tenant.ok(f"warming set-schedule --phases @{tmp_path}/phases.json")
    assert ran.json["phases"]["phase_1"]["min_days"] == 9
    assert tenant("warming set-schedule --phases {{").code == 2
    assert tenant("warming set-schedule --phases @absent.json").code == 2


def test_repeating_a_line_with_its_key_makes_nothing_twice(tenant: Shell) -> None:
    line = "keys create --name reader --idempotency-key once"
    assert tenant.ok(line).json["api_key"] == tenant.ok(line).json["api_key"]
    assert len(tenant.ok("keys list").lines) == 2
