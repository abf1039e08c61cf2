"""How a request waits for its saga."""

from typing import Any

import pytest

from kindling.errors import StoreUnavailable
from kindling.operations import store
from tests.conftest import Kindling

ACCOUNTS = "/api/email/accounts"


def test_a_table_that_does_not_answer_while_a_saga_runs_fails_no_create(
    kindling: Kindling, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"username": "kim", "domain_id": kindling.verified_domain()["id"]}
    real = store.get
    failures = iter(range(2))

    def sometimes(user_id: str, operation_id: str) -> Any:
        if next(failures, None) is not None:
            raise StoreUnavailable("away")
        return real(user_id, operation_id)

    monkeypatch.setattr(store, "get", sometimes)
    assert kindling.api.post(ACCOUNTS, body).status == 201
