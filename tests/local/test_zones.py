"""The command `kindling zones`."""

import uuid

import pytest

from kindling.domains import zones
from local import cli

USER, RIVAL = str(uuid.uuid4()), str(uuid.uuid4())

pytestmark = pytest.mark.usefixtures("cloud", "steady_clock")


def test_a_zone_is_bound_listed_and_unbound(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["zones", "bind", "Example.COM.", "--user", USER]) == 0
    assert zones.is_bound("example.com", USER)
    assert cli.main(["zones", "list"]) == 0
    assert "example.com" in (said := capsys.readouterr().out.splitlines()[-1])
    assert (USER in said, "by operator" in said, said.endswith("0 domains")) == (True, True, True)
    assert cli.main(["zones", "unbind", "example.com"]) == 0
    assert zones.list_bindings() == []


def test_a_zone_with_records_is_neither_rebound_nor_unbound(capsys: pytest.CaptureFixture[str]) -> None:
    zones.bind("example.com", USER)
    assert zones.join("example.com", USER, "a-domain")
    for command in (["zones", "bind", "example.com", "--user", RIVAL], ["zones", "unbind", "example.com"]):
        assert cli.main(command) == 1
        assert "records in example.com: delete them first" in capsys.readouterr().err
    assert zones.is_bound("example.com", USER)


@pytest.mark.parametrize("zone", ["example", "", "exa mple.com", "*.example.com", "https://example.com"])
def test_an_invalid_zone_name_is_refused(zone: str) -> None:
    with pytest.raises(SystemExit) as refused:
        cli.main(["zones", "bind", zone, "--user", USER])
    assert refused.value.code == 2


def test_zones_need_a_table(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("TABLE_NAME")
    assert cli.main(["zones", "list"]) == 1
    assert "Set TABLE_NAME" in capsys.readouterr().err
