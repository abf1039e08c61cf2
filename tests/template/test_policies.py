"""The permissions of each function, declared a second time: a change to a policy has to be made twice."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from local import openapi
from tests.harness.template import FUNCTIONS, MACHINES, MAPPINGS, POLICIES, RESOURCES, STREAMS, policies, routes

GET, PUT, UPDATE, DELETE, QUERY = (
    f"dynamodb:{verb}" for verb in ("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query")
)
CHECK, BATCH = "dynamodb:ConditionCheckItem", "dynamodb:BatchGetItem"
SECRET = "secretsmanager:GetSecretValue"
START, DESCRIBE, DEFINITION, HISTORY = (
    f"states:{verb}"
    for verb in ("StartExecution", "DescribeExecution", "DescribeStateMachineForExecution", "GetExecutionHistory")
)
SEND = "sqs:SendMessage"
ANNOUNCE = "events:PutEvents"
# Used by Lambda's event source to read a worker's queue; the worker itself calls none of it.
CONSUME = {f"sqs:{verb}" for verb in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")}
# Used by Lambda's event source to read the table's stream.
FOLLOW = {f"dynamodb:{verb}" for verb in ("DescribeStream", "GetRecords", "GetShardIterator")}

# What Step Functions asks of a machine that has a log: docs.aws.amazon.com/step-functions, "Logging using CloudWatch".
DELIVERY = {
    *(f"logs:{verb}LogDelivery" for verb in ("Create", "Get", "Update", "Delete")),
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
}

READING = {GET, QUERY, BATCH, DESCRIBE, DEFINITION, HISTORY}

# What only reads the table is not listed: these write, send, start something or know a secret.
AUDIT: dict[str, set[str]] = {
    # The idempotency records of a route need all four actions.
    "CreateDomainFunction": {GET, PUT, UPDATE, DELETE, START, SECRET},
    "UpdateDomainFunction": {GET, PUT, UPDATE, DELETE},
    "DeleteDomainFunction": {GET, PUT, UPDATE, START},
    "GetDnsRecordsFunction": {GET, SECRET},
    "ListDomainsFunction": {GET, PUT, UPDATE, QUERY, SECRET},
    "SyncDnsRecordsFunction": {GET, PUT, UPDATE, DELETE, SECRET},
    "VerifyDomainFunction": {GET, PUT, UPDATE, DELETE, SECRET},
    "CreateAccountFunction": {GET, PUT, UPDATE, DELETE, START},
    "CreateAccountsFunction": {BATCH, GET, PUT, UPDATE, DELETE, START},
    "UpdateAccountFunction": {GET, PUT, UPDATE, DELETE, SECRET},
    "DeleteAccountFunction": {GET, PUT, UPDATE, START},
    "GetWarmupAnalyticsFunction": {UPDATE, QUERY, SECRET},
    "RetryWarmupFunction": {GET, PUT, UPDATE, DELETE, SECRET},
    "CreateKeyFunction": {PUT, CHECK, SECRET},
    "RevokeKeyFunction": {UPDATE, CHECK, QUERY},
    "RotateKeyFunction": {PUT, UPDATE, CHECK, SECRET},
    # the routes of /v1
    "CreateSendingDomainFunction": {GET, PUT, UPDATE, DELETE, START, SECRET},
    "UpdateSendingDomainFunction": {GET, UPDATE},
    "DeleteSendingDomainFunction": {GET, PUT, UPDATE, START},
    "VerifySendingDomainFunction": {GET, PUT, UPDATE, DELETE, SECRET},
    "StartWarmingFunction": {GET, PUT, UPDATE, DELETE},
    "PauseWarmingFunction": {GET, PUT, UPDATE, DELETE},
    "ResumeWarmingFunction": {GET, PUT, UPDATE, DELETE, QUERY},
    "ExplainWarmingFunction": {GET, PUT, UPDATE, DELETE},
    "SetWarmingCapFunction": {GET, UPDATE, QUERY},
    "SetWarmingScheduleFunction": {GET, PUT, UPDATE, QUERY},
    "SendEmailFunction": {BATCH, GET, PUT, UPDATE, DELETE, SECRET},
    "SendBatchFunction": {BATCH, GET, PUT, UPDATE, DELETE, SECRET},
    "EraseRecipientFunction": {GET, PUT, UPDATE, DELETE, QUERY},
    "CreateSuppressionFunction": {GET, PUT, UPDATE, DELETE},
    "DeleteSuppressionFunction": {DELETE},
    "PreviewImportFunction": {BATCH, GET, PUT, UPDATE, DELETE},
    "CommitImportFunction": {GET, PUT, UPDATE, DELETE},
    "CreateWebhookFunction": {GET, PUT, QUERY, SECRET},
    "DeleteWebhookFunction": {DELETE},
    "RotateWebhookSecretFunction": {GET, UPDATE, SECRET},
    "ReplayDeliveriesFunction": {GET, PUT, UPDATE, DELETE, QUERY, SEND},
    # the pages for operators, which only read
    "ConsoleFunction": {BATCH, GET, QUERY, DEFINITION, HISTORY, SECRET},
    # provider callbacks
    "ReceiveAgentmailFunction": {GET, PUT, UPDATE, SECRET, SEND},
    # onboard_domain
    "ClaimNameFunction": {PUT},
    "ReleaseNameFunction": {PUT, UPDATE, DELETE},
    "RegisterDomainFunction": {UPDATE, SECRET},
    "DeregisterDomainFunction": {UPDATE, DELETE, SECRET},
    "PublishDnsFunction": {GET, UPDATE, SECRET},
    "UnpublishDnsFunction": {UPDATE, DELETE, SECRET},
    "TriggerVerificationFunction": {SECRET},
    "SaveDomainFunction": {GET, PUT, UPDATE, SECRET},
    # provision_account
    "ReserveAddressFunction": {PUT, SECRET},
    "ReleaseAddressFunction": {PUT, UPDATE, DELETE},
    "CreateInboxFunction": {SECRET},
    "DeleteInboxFunction": {UPDATE, SECRET},
    "RegisterWarmupAccountFunction": {SECRET},
    "RemoveWarmupAccountFunction": {SECRET},
    "EnableWarmupFunction": {SEND},
    "DisableWarmupFunction": {SECRET},
    "ConfirmWarmupFunction": {GET, SECRET},
    "AssignTagsFunction": {SECRET},
    "RemoveTagsFunction": {SECRET},
    "SaveAccountFunction": {PUT, UPDATE, CHECK},
    # provision_accounts
    "ProvisionRowFunction": {GET, PUT, UPDATE, START},
    # both creations
    "RecallSaveFunction": {GET, UPDATE},
    # offboard_domain and deprovision_account
    "RetireDomainFunction": {CHECK, GET, PUT, UPDATE, DELETE},
    "DeprovisionAccountsFunction": {PUT, QUERY, START},
    "RetireAccountFunction": {PUT, UPDATE, DELETE},
    "CleanUpFunction": {GET, UPDATE, DELETE, SECRET},
    "CloseOperationFunction": {UPDATE},
    # pollers and workers
    "VerifyDomainsFunction": {UPDATE, QUERY, SEND},
    "CheckDomainFunction": {GET, PUT, UPDATE, SECRET, *CONSUME},
    "ReconcileOperationsFunction": {GET, UPDATE, QUERY, START, DESCRIBE},
    "ReconcileInventoryFunction": {BATCH, CHECK, PUT, UPDATE, DELETE, QUERY, SECRET},
    "GraduateAccountsFunction": {UPDATE, QUERY, SEND},
    "ReviewAccountsFunction": {PUT, UPDATE, QUERY, SECRET, *CONSUME},
    "RetryWarmupsFunction": {UPDATE, QUERY, SEND},
    "EnableWarmupsFunction": {BATCH, PUT, UPDATE, SECRET, *CONSUME},
    "RunCleanupsFunction": {UPDATE, QUERY, SEND},
    "AttemptCleanupFunction": {GET, UPDATE, DELETE, SECRET, *CONSUME},
    "AdvanceWarmingFunction": {UPDATE, QUERY, SEND},
    "ReadSpamRatesFunction": {BATCH, UPDATE, QUERY, SECRET, SEND},
    "JudgeWarmingFunction": {GET, PUT, UPDATE, QUERY, *CONSUME},
    # events
    "PublishChangesFunction": {PUT, QUERY, SEND, *FOLLOW},
    "AnnounceChangesFunction": {ANNOUNCE, *FOLLOW},
    "DeliverEventsFunction": {GET, UPDATE, SECRET, SEND, *CONSUME},
}

TABLE = {"GetAtt": "Table.Arn"}
CALLER_POLICY = {"Ref": "CallerPolicy"}
AUDIT_POLICY = {"Ref": "AuditPolicy"}
ASKING = {routes()[f"{one.method} {one.path}"] for one in openapi.routes() if one.scope} | {"ConsoleFunction"}
AUDITED = {routes()[f"{one.method} {one.path}"] for one in openapi.routes() if one.audited}
INDEXES = [{"Sub": "${Table.Arn}/index/by_owner"}, {"Sub": "${Table.Arn}/index/due"}]
SECRETS = {
    "AGENTMAIL_SECRET": "AgentMailSecretArn",
    "AGENTMAIL_WEBHOOK_SECRET": "AgentMailWebhookSecretArn",
    "INSTANTLY_SECRET": "InstantlySecretArn",
    "CLOUDFLARE_SECRET": "CloudflareSecretArn",
    "POSTMASTER_SECRET": "PostmasterSecretArn",
    "DEPLOYMENT_SECRET": "DeploymentSecret",
}

PROVIDERS = {"AgentMailPolicy": "agentmail", "InstantlyPolicy": "instantly", "CloudflarePolicy": "cloudflare"}
# One function alone calls it, so its policy is its own.
POSTMASTER = "postmaster"
# Without a service account, whose secret is optional, the grant is for a secret that cannot exist.
NO_SECRET = "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:${AWS::StackName}/postmaster"
OPTIONAL = {"If": ["ReadsSpamRates", {"Ref": "PostmasterSecretArn"}, {"Sub": NO_SECRET}]}

Grant = tuple[str, Any]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def rate_limit(provider: str) -> dict[str, Any]:
    """What keeping to a provider's rate limit takes: one number of an item, the shared one or a tenant's."""
    condition = {
        "ForAllValues:StringLike": {"dynamodb:LeadingKeys": [f"PROVIDER#{provider}", f"PROVIDER#{provider}#*"]},
        "ForAllValues:StringEquals": {"dynamodb:Attributes": ["pk", "sk", "full_at"]},
    }
    return {"Effect": "Allow", "Action": [UPDATE], "Resource": TABLE, "Condition": condition}


def tenants_secret(kind: str) -> dict[str, Any]:
    """What opening the own secret of any tenant takes: one kind of it, in this stack."""
    arn = "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:${AWS::StackName}/tenants/*/"
    return {"Effect": "Allow", "Action": [SECRET], "Resource": {"Sub": f"{arn}{kind}-*"}}


def of_tenants(provider: str) -> list[dict[str, Any]]:
    """What working in the workspaces of tenants takes: to know whose they are, their keys and their rate limits."""
    condition = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["CREDENTIALS#*"]}}
    known = {"Effect": "Allow", "Action": [GET], "Resource": TABLE, "Condition": condition}
    return [tenants_secret(provider), known, rate_limit(provider)]


def grants(properties: dict[str, Any]) -> Iterator[Grant]:
    """Every action of a resource's policies with each of its resources.

    Left out are what knowing a caller takes, the audit log, and the workspaces of tenants with the rate limit of a
    provider.
    """
    for policy in policies(properties):
        if policy in (CALLER_POLICY, AUDIT_POLICY):
            continue
        document = POLICIES[policy["Ref"]]["PolicyDocument"] if "Ref" in policy else policy
        for statement in document["Statement"]:
            provider = PROVIDERS.get(policy.get("Ref", ""))
            if statement in (of_tenants(provider) if provider else [TENANTS_WEBHOOK, *of_tenants(POSTMASTER)]):
                continue
            assert statement.keys() == {"Effect", "Action", "Resource"}
            assert statement["Effect"] == "Allow"
            for action in listed(statement["Action"]):
                for resource in listed(statement["Resource"]):
                    yield action, resource["If"][1] if resource == OPTIONAL else resource


TENANTS_WEBHOOK = tenants_secret("agentmail_webhook")
GRANTED = {name: {action for action, _ in grants(properties)} for name, properties in FUNCTIONS.items()}


def environment(function: str) -> dict[str, Any]:
    found: dict[str, Any] = FUNCTIONS[function].get("Environment", {}).get("Variables", {})
    return found


def test_every_route_that_asks_for_a_key_may_know_its_caller_and_nothing_else_may() -> None:
    assert {name for name, p in FUNCTIONS.items() if CALLER_POLICY in policies(p)} == ASKING


def test_knowing_a_caller_is_reading_keys_noting_their_use_and_counting() -> None:
    of_keys = {"dynamodb:LeadingKeys": ["KEY#*"]}
    last_use = {"dynamodb:Attributes": ["pk", "sk", "last_used_at"]}
    assert POLICIES["CallerPolicy"]["PolicyDocument"]["Statement"] == [
        {"Effect": "Allow", "Action": [action], "Resource": TABLE, "Condition": condition}
        for action, condition in (
            (GET, {"ForAllValues:StringLike": of_keys}),
            (UPDATE, {"ForAllValues:StringLike": of_keys, "ForAllValues:StringEquals": last_use}),
            (UPDATE, {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["QUOTA#*"]}}),
        )
    ]


def test_every_route_that_may_change_something_writes_the_audit_log_and_nothing_else_may() -> None:
    assert {name for name, p in FUNCTIONS.items() if AUDIT_POLICY in policies(p)} == AUDITED


def test_writing_the_audit_log_is_putting_entries_and_noting_what_was_answered() -> None:
    entries = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["TENANT#*#AUDIT#*"]}}
    answer = {"ForAllValues:StringEquals": {"dynamodb:Attributes": ["pk", "sk", "answered"]}}
    assert POLICIES["AuditPolicy"]["PolicyDocument"]["Statement"] == [
        {"Effect": "Allow", "Action": [action], "Resource": TABLE, "Condition": condition}
        for action, condition in ((PUT, entries), (UPDATE, entries | answer))
    ]


def test_who_opens_the_key_to_a_provider_may_open_those_of_tenants_and_keep_to_the_rate_limits() -> None:
    for policy, provider in PROVIDERS.items():
        shared = {"Effect": "Allow", "Action": [SECRET], "Resource": {"Ref": SECRETS[f"{provider.upper()}_SECRET"]}}
        assert POLICIES[policy]["PolicyDocument"]["Statement"] == [shared, *of_tenants(provider)]


def test_only_the_receiver_of_webhooks_opens_their_signing_secrets() -> None:
    statements = {
        name: [one for policy in policies(properties) for one in policy.get("Statement", [])]
        for name, properties in FUNCTIONS.items()
    }
    assert [name for name, own in statements.items() if TENANTS_WEBHOOK in own] == ["ReceiveAgentmailFunction"]


def test_only_the_reader_of_spam_rates_opens_service_accounts() -> None:
    shared = {"Effect": "Allow", "Action": [SECRET], "Resource": OPTIONAL}
    granted = {
        name: [one for one in (shared, *of_tenants(POSTMASTER)) if one in policy.get("Statement", [])]
        for name, properties in FUNCTIONS.items()
        for policy in policies(properties)
    }
    assert {name: found for name, found in granted.items() if found} == {
        "ReadSpamRatesFunction": [shared, *of_tenants(POSTMASTER)]
    }


def test_the_audit_is_what_the_template_grants_beyond_reading() -> None:
    assert {name: actions for name, actions in GRANTED.items() if actions - READING} == AUDIT


def test_nothing_is_granted_twice() -> None:
    for name, properties in FUNCTIONS.items():
        found = [(action, json.dumps(resource)) for action, resource in grants(properties)]
        assert len(found) == len(set(found)), name


@pytest.mark.parametrize("name", FUNCTIONS | MACHINES)
def test_no_action_and_no_resource_is_a_wildcard(name: str) -> None:
    for action, resource in grants(RESOURCES[name]["Properties"]):
        assert "*" not in action
        if action in DELIVERY:
            # Known for every log or for none.
            assert resource == "*"
            continue
        # The names of executions are not known in advance.
        execution = action in (DESCRIBE, DEFINITION, HISTORY)
        # Nor are the numbers of versions.
        version = action == "lambda:InvokeFunction"
        text = json.dumps(resource).replace('Function.Arn}:*"', '"' if version else "*")
        assert "*" not in text.replace('.Name}:*"', '"' if execution else "*")


def test_dynamodb_is_our_table_and_its_indexes_are_only_queried() -> None:
    for name, properties in FUNCTIONS.items():
        for action, resource in grants(properties):
            if action == QUERY:
                assert resource in (TABLE, *INDEXES), name
            elif action in FOLLOW:
                assert resource == {"GetAtt": "Table.StreamArn"}, name
            elif action.startswith("dynamodb:"):
                assert resource == TABLE, name


def test_a_function_reads_the_secrets_that_its_environment_names_and_no_other() -> None:
    for name, properties in FUNCTIONS.items():
        read = [resource["Ref"] for action, resource in grants(properties) if action == SECRET]
        told = {key: value["Ref"] for key, value in environment(name).items() if key.endswith("_SECRET")}
        assert sorted(read) == sorted(told.values()), name
        assert told == {key: SECRETS[key] for key in told}, name


def test_a_function_starts_the_machines_that_its_environment_names() -> None:
    for name, properties in FUNCTIONS.items():
        started = {resource["Ref"] for action, resource in grants(properties) if action == START}
        told = {value["Ref"] for key, value in environment(name).items() if key.endswith("_ARN")}
        # The reconciler takes the machine's ARN from the operation.
        assert started == (set(MACHINES) if name == "ReconcileOperationsFunction" else told), name
        assert started <= set(MACHINES)


def test_only_the_queue_that_the_environment_names_is_sent_to() -> None:
    for name, properties in FUNCTIONS.items():
        queues = {resource["GetAtt"] for action, resource in grants(properties) if action == SEND}
        assert queues == {f"{value['Ref']}.Arn" for k, value in environment(name).items() if k.endswith("_QUEUE_URL")}


def test_a_worker_takes_messages_off_the_queue_that_is_mapped_to_it_and_no_other() -> None:
    mapped = {mapping["FunctionName"]["Ref"]: mapping["EventSourceArn"]["GetAtt"] for mapping in MAPPINGS.values()}
    for name, properties in FUNCTIONS.items():
        queues = {resource["GetAtt"] for action, resource in grants(properties) if action in CONSUME}
        assert queues == ({mapped[name]} if name in mapped else set()), name


def test_two_functions_follow_the_stream_as_many_as_dynamodb_lets_and_no_other_reads_it() -> None:
    followers = {name for name, actions in GRANTED.items() if actions & FOLLOW}
    assert followers == {mapping["FunctionName"]["Ref"] for mapping in STREAMS.values()}
    assert followers == {"PublishChangesFunction", "AnnounceChangesFunction"}


def test_both_followers_are_brought_the_same_changes_and_from_the_beginning() -> None:
    one, two = ({**mapping, "FunctionName": None} for mapping in STREAMS.values())
    assert one == two


def test_events_are_put_on_the_stacks_own_bus_which_the_environment_names() -> None:
    for name, properties in FUNCTIONS.items():
        buses = [resource for action, resource in grants(properties) if action == ANNOUNCE]
        assert buses == ([{"GetAtt": "EventBus.Arn"}] if "EVENT_BUS_NAME" in environment(name) else []), name
    assert environment("AnnounceChangesFunction")["EVENT_BUS_NAME"] == {"Ref": "EventBus"}
