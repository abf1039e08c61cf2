"""Replaying answers: the first answer under an Idempotency-Key is stored for 24 hours and returned to retries.

The records are kept by the idempotency utility of Powertools. Only successes are stored: after an error a retry starts
anew, because the cause may be gone (a paused domain resumed, a missing one registered, a field corrected). Nor is an
answer with `Retry-After` stored, of which a part may still succeed, nor one that is too large for an item. Answers with
a secret are never stored: their routes are idempotent by themselves (see `kindling.keys.service`).
"""

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
    IdempotencyInconsistentStateError,
    IdempotencyPersistenceLayerError,
    IdempotencyValidationError,
)
from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.errors import IdempotencyKeyReused, RequestRunning, StoreUnavailable
from kindling.platform import aws
from kindling.platform.settings import settings

RETENTION_SECONDS = 24 * 3600
# An item of DynamoDB has at most 400 KiB; what the record has besides the answer takes less than the rest.
MAX_RECORD_BYTES = 390_000

Answer = dict[str, Any]


class NotStored(Exception):
    """Carries an answer that must not be stored: Powertools deletes its record when an exception is raised."""

    def __init__(self, answer: Answer) -> None:
        super().__init__("not stored")
        self.answer = answer


def replay(run: Callable[[], Answer], request: dict[str, str], context: LambdaContext) -> Answer:
    """The stored answer for the same user, environment, route and key, or else the answer of `run`, which is stored.

    Live and test keys are separate environments: no answer is replayed from one to the other. Raises
    IdempotencyKeyReused when the body differs, RequestRunning while the first request runs, StoreUnavailable.
    """
    config = IdempotencyConfig(
        event_key_jmespath="[user, environment, route, key]",
        payload_validation_jmespath="body",
        expires_after_seconds=RETENTION_SECONDS,
        hash_function="sha256",
    )
    config.register_lambda_context(context)
    records = DynamoDBPersistenceLayer(
        table_name=settings().table_name,
        key_attr="pk",
        sort_key_attr="sk",
        static_pk_value=f"TENANT#{request['user']}#IDEMPOTENCY",
        expiry_attr="expires_at",
        boto3_client=aws.dynamodb_client(),
    )
    ran = False

    @idempotent_function(  # type: ignore[untyped-decorator]
        data_keyword_argument="request", config=config, persistence_store=records, key_prefix="http"
    )
    def answer(*, request: dict[str, str]) -> Answer:  # noqa: ARG001
        nonlocal ran
        ran = True
        outcome = run()
        if _is_not_final(outcome) or len(json.dumps(outcome)) > MAX_RECORD_BYTES:
            raise NotStored(outcome)
        return outcome

    try:
        outcome: Answer = answer(request=request)
    except NotStored as error:
        return error.answer
    except IdempotencyValidationError as error:
        raise IdempotencyKeyReused("This Idempotency-Key came with another query or body before.") from error
    except (IdempotencyAlreadyInProgressError, IdempotencyInconsistentStateError) as error:
        raise RequestRunning("The first request with this Idempotency-Key is still running.") from error
    except IdempotencyPersistenceLayerError as error:
        raise StoreUnavailable("The answer under this Idempotency-Key could not be looked up or kept.") from error
    if ran:
        return outcome
    return {**outcome, "headers": {**outcome.get("headers", {}), "Idempotent-Replayed": "true"}}


def _is_not_final(outcome: Answer) -> bool:
    return outcome["statusCode"] >= HTTPStatus.BAD_REQUEST or "Retry-After" in outcome["headers"]
