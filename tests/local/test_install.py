"""What the Makefile's installation shows, and what it says when it cannot go on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from local import install
from local.settings import ROOT


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    return tmp_path / "venv"


def python_that(does: str, path: Path) -> Path:
    path.write_text(f"#!/bin/sh\n{does}\n")
    path.chmod(0o755)
    return path


def test_an_installation_shows_how_far_it_is(environment: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = "for i in $(seq 60); do echo Collecting package-$i; done; echo Installing collected packages: all"
    python_that(lines, environment / "bin" / "python")
    assert install.main(["packages", str(environment), "some.txt"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Installing some.txt (once, about a minute)",
        "  25 packages found",
        "  50 packages found",
        "  60 packages found, installing them",
    ]


def test_a_failed_installation_ends_in_a_sentence(environment: Path, capsys: pytest.CaptureFixture[str]) -> None:
    python_that("echo ERROR: no network >&2; exit 2", environment / "bin" / "python")
    assert install.main(["packages", str(environment), "some.txt"]) == 2
    assert capsys.readouterr().err == "ERROR: no network\npip could not install some.txt; its reason is above.\n"


def test_an_environment_without_its_python_is_named(environment: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert install.main(["packages", str(environment), "some.txt"]) == 1
    assert capsys.readouterr().err == (
        f"The environment in {environment} has lost its Python; remove it: rm -r {environment}\n"
    )


def test_a_python_without_venv_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    python = python_that("echo a long story >&2; exit 1", tmp_path / "python")
    monkeypatch.setattr(sys, "executable", str(python))
    assert install.main(["environment", str(tmp_path / "venv")]) == 1
    (sentence,) = capsys.readouterr().err.splitlines()
    assert sentence.startswith(f"{python} cannot make an environment. It needs the modules venv and ensurepip")


def test_ctrl_c_ends_an_installation_with_a_sentence(environment: Path) -> None:
    python_that("echo Collecting one; exec sleep 60", environment / "bin" / "python")
    command = [sys.executable, str(ROOT / "local" / "install.py"), "packages", str(environment), "some.txt"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, start_new_session=True) as it:  # noqa: S603
        assert it.stdout
        assert it.stdout.readline().startswith("Installing")
        time.sleep(0.2)
        # A terminal sends it to every process of the group.
        os.killpg(it.pid, signal.SIGINT)
        _, said = it.communicate(timeout=10)
    assert (it.returncode, said) == (130, "\nInterrupted; the same command goes on with the installation.\n")


def test_a_python_that_is_too_old_is_named_before_anything_is_made(tmp_path: Path) -> None:
    python = python_that("exit 1", tmp_path / "python")
    command = ["make", "--no-print-directory", "-C", str(ROOT), f"VENV={tmp_path / 'venv'}", f"PYTHON={python}", "up"]
    made = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    assert made.returncode == 2
    assert made.stdout == (f"Kindling needs Python 3.11 or newer; '{python}' is not. Try: make PYTHON=python3.12 up\n")
    assert not (tmp_path / "venv").exists()
