"""Ports, the folder of the local cloud, and atomic file writes."""

import stat
from pathlib import Path

import pytest

from local.settings import ROOT, Home, Ports, Refused, write_atomically


def test_the_ports_have_defaults_that_the_environment_overrides() -> None:
    assert Ports.from_environment({}) == Ports(engine=8792, api=8790, sandbox=8791, dns=8793)
    assert Ports.from_environment({"KINDLING_API_PORT": "9000", "KINDLING_ENGINE_PORT": ""}) == Ports(api=9000)


@pytest.mark.parametrize("text", ["none", "0", "65536", "-1", "80.5"])
def test_an_invalid_port_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(Refused, match=r"KINDLING_SANDBOX_PORT is '.*', which is not a port number"):
        Ports.from_environment({"KINDLING_SANDBOX_PORT": text})


def test_the_folder_is_next_to_the_template_unless_the_environment_overrides_it(tmp_path: Path) -> None:
    assert Home.from_environment({}).path == ROOT / ".kindling"
    assert Home.from_environment({"KINDLING_HOME": str(tmp_path)}).path == tmp_path


def test_a_file_is_replaced_atomically_and_stays_private(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "secret"
    write_atomically(path, "one", 0o600)
    write_atomically(path, "two", 0o600)
    assert path.read_text() == "two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]
