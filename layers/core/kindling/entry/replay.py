"""The first answer under an Idempotency-Key, kept for a day and given again to the same request.

Powertools' idempotency does the record keeping; here is what its outcomes mean over HTTP. An answer of 500 and
above is not kept: nothing here breaks when a request is repeated, and its sender wants it to work in the end. Nor
is one with `Retry-After`, which asks for exactly that, nor a 403, which ends when somebody resumes or switches on.
An answer that holds a secret never comes here: its route derives it again instead (`kindling.keys.service`).
"""

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

KEPT_SECONDS = 24 * 3600

Answer = dict[str, Any]


class NotKept(Exception):
    """Carries an answer past the record keeping."""

    def __init__(self, answer: Answer) -> None:
        super().__init__("not kept")
        self.answer = answer


def replayed(run: Callable[[], Answer], request: dict[str, str], context: LambdaContext) -> Answer:
    """The answer of `run`, or the one it gave before under the same user, environment, route and key.

    Live and test keys are environments of their own: what one was answered is never told to the other.

    Raises IdempotencyKeyReused when the body differs, RequestRunning while the first request runs, StoreUnavailable.
    """
    config = IdempotencyConfig(
        event_key_jmespath="[user, environment, route, key]",
        payload_validation_jmespath="body",
        expires_after_seconds=KEPT_SECONDS,
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
        given = run()
        if given["statusCode"] >= HTTPStatus.INTERNAL_SERVER_ERROR or _may_pass(given):
            raise NotKept(given)
        return given

    try:
        given: Answer = answer(request=request)
    except NotKept as bare:
        return bare.answer
    except IdempotencyValidationError as error:
        raise IdempotencyKeyReused("This Idempotency-Key came with another query or body before.") from error
    except (IdempotencyAlreadyInProgressError, IdempotencyInconsistentStateError) as error:
        raise RequestRunning("The first request with this Idempotency-Key is still running.") from error
    except IdempotencyPersistenceLayerError as error:
        raise StoreUnavailable("The answer under this Idempotency-Key could not be looked up or kept.") from error
    if ran:
        return given
    return {**given, "headers": {**given.get("headers", {}), "Idempotent-Replayed": "true"}}


def _may_pass(given: Answer) -> bool:
    return given["statusCode"] == HTTPStatus.FORBIDDEN or "Retry-After" in given.get("headers", {})
