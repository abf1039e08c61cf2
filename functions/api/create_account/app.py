"""POST /api/email/accounts: provision an email account on a verified domain."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.openapi.params import Body
from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.accounts import service
from kindling.accounts.model import CreateAccount
from kindling.entry.route import caller, counted, created, patience, serve
from kindling.keys.model import Scope

app = APIGatewayHttpResolver(enable_validation=True)


@app.post("/api/email/accounts", summary="Create an account", tags=["accounts"], middlewares=[counted])
def create_account(command: Annotated[CreateAccount, Body()]) -> Response[Any]:
    return created(
        service.create(caller(app), command, wait_seconds=patience(app)), lambda row: {"account": row.wire()}
    )


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return serve(app, event, context, scope=Scope.PROVISION)
