"""What people see: tables, colours where a terminal shows them, and the ramp."""

import re
from typing import Any

import pytest

from kindling_cli import ramp
from kindling_client import models
from local import client
from tests.client.conftest import Shell
from tests.conftest import Kindling

COLOUR = "\x1b["


def test_a_terminal_gets_a_table_and_a_pipe_gets_lines(tenant: Shell, kindling: Kindling) -> None:
    kindling.verified_domain()
    shown = tenant.ok("email domain list", terminal=True).out
    assert "status" in shown.splitlines()[0]
    assert COLOUR in shown
    assert tenant.ok("email domain list").lines[0]["domain"] == "acme.example"


def test_there_is_no_colour_where_it_is_not_wanted(
    tenant: Shell, kindling: Kindling, monkeypatch: pytest.MonkeyPatch
) -> None:
    kindling.verified_domain()
    for line in ("email domain list", "email domain get --id acme.example", "warming status --domain-id acme.example"):
        assert COLOUR not in tenant.ok(f"{line} --format pretty").out
    monkeypatch.setenv("NO_COLOR", "1")
    shown = tenant.ok("email domain list", terminal=True).out
    assert "\x1b[3" not in shown
    assert "verified" in shown


def test_ids_are_whole_however_narrow_the_terminal_is(
    tenant: Shell, kindling: Kindling, monkeypatch: pytest.MonkeyPatch
) -> None:
    domain_id = kindling.verified_domain()["id"]
    monkeypatch.setenv("COLUMNS", "40")
    shown = tenant.ok("email domain get --id acme.example", terminal=True).out
    assert domain_id in re.sub(r"\x1b\[[0-9;]*m|\s", "", shown)


def test_an_empty_list_says_so(tenant: Shell) -> None:
    assert tenant.ok("email account list --format pretty").out == "Nothing to show.\n"
    assert tenant.ok("email account list").out == ""
    assert tenant.ok("email account list --format json").json == {"accounts": []}


def test_a_new_key_is_printed_once(tenant: Shell) -> None:
    made = tenant.ok("keys create --name reader --format pretty").out
    assert re.search(r"kd_live_\w+_[\w-]{43}", made)
    assert not re.search(r"kd_live_\w{16}_", tenant.ok("keys list --format pretty").out)


def test_schedules_are_shown_by_phase(tenant: Shell) -> None:
    lines = [line.rstrip() for line in tenant.ok("warming schedule --format pretty").out.splitlines()]
    assert lines[0] == "standard, version 1 in use"
    assert re.split(r" {2,}", lines[2]) == ["phase_1", "50 to 1,500", "10 to 150", "5 to 6", "14", "7", "3,000"]
    assert "tiered, version 1" in lines


STANDARD = [[50, 75, 100], [200, 300], [400], [500]]


def example(path: str) -> Any:
    """What the document shows as the answer of a GET."""
    answer = client.document()["paths"][path]["get"]["responses"]["200"]
    return answer["content"]["application/json"]["example"]


def status(phase: str, limit: int, sent: int = 0, started: str = "2026-03-01T09:00:00.000Z") -> models.WarmingAnswer:
    limits = {"daily_limit": limit, "hourly_limit": limit, "per_minute_limit": limit}
    told = {"phase": phase, "warming_started_at": started, "current_limits": limits, "today_sent": sent}
    return models.WarmingAnswer.model_validate(example("/v1/domains/{domain_id}/warming") | told)


def days(*sent: int) -> list[models.ShownDate]:
    shown = example("/v1/domains/{domain_id}/stats/daily")["stats"][0]
    dates = [shown | {"date": f"2026-03-{day:02}", "total_sent": number} for day, number in enumerate(sent, 1)]
    return [models.ShownDate.model_validate(one) for one in dates]


def test_limits_are_counted_back_from_todays_and_planned_from_it() -> None:
    shown = ramp.days(status("phase_1", 100, sent=80), days(40, 75, 70), STANDARD)
    assert [(day.date[-2:], day.sent, day.limit) for day in shown] == [
        ("01", 40, 50),
        ("02", 75, 75),
        ("03", 80, 100),
        ("04", None, 200),
        ("05", None, 300),
        ("06", None, 400),
        ("07", None, 500),
    ]
    assert [day.today for day in shown] == [False, False, True, False, False, False, False]


def test_days_before_warming_have_no_limit_and_are_left_out_when_nothing_was_sent() -> None:
    began = status("phase_1", 75, started="2026-03-02T09:00:00.000Z")
    shown = ramp.days(began, days(0, 0, 0), STANDARD)
    assert [(day.date, day.limit) for day in shown][:2] == [("2026-03-02", 50), ("2026-03-03", 75)]
    shown = ramp.days(began, days(9, 0, 0), STANDARD)
    assert [(day.sent, day.limit) for day in shown][:3] == [(9, None), (0, 50), (0, 75)]


@pytest.mark.parametrize(("phase", "limit"), [("warmed", ramp.NO_LIMIT), ("paused", 0), ("phase_1", 60)])
def test_nothing_is_planned_where_nobody_knows(phase: str, limit: int) -> None:
    shown = ramp.days(status(phase, limit, sent=5), days(3, 4), STANDARD)
    assert [day.sent for day in shown] == [3, 5]
    assert shown[-1].limit == (60 if limit == 60 else None)


def test_bars_are_to_scale_and_end_in_the_limit() -> None:
    shown = [ramp.Day("2026-03-01", 100, 200, today=True), ramp.Day("2026-03-02", None, 400)]
    lines = [line.plain for line in ramp.lines(shown, ramp.ASCII)][1:]
    assert lines[0] == f"  2026-03-01   100  {'#' * 10}{'.' * 10}|{' ' * 20}   200  today"
    assert lines[1] == f"  2026-03-02        {'.' * 40}|   400  planned"


def test_more_than_the_limit_goes_beyond_its_mark() -> None:
    (_, line) = [each.plain for each in ramp.lines([ramp.Day("2026-03-01", 400, 100)], ramp.BLOCKS)]
    assert "█" * 10 + "▏" + "█" * 30 in line


def test_the_ramp_is_drawn_for_people_and_the_answer_for_programs(tenant: Shell, kindling: Kindling) -> None:
    kindling.verified_domain()
    line = "warming status --domain-id acme.example"
    shown = tenant.ok(f"{line} --format pretty").out
    assert shown.startswith("acme.example phase_1 day 1 of the phase, schedule standard\ntoday        0 of 50\n")
    assert "····▏" in shown
    assert "minimum 7 days in phase required (currently 0)" in shown
    assert tenant.ok(line).json["current_limits"]["daily_limit"] == 50
    tenant.encoding = "ascii"
    assert "....|" in tenant.ok(f"{line} --format pretty").out


def test_a_domain_that_is_stopped_says_why(tenant: Shell, kindling: Kindling) -> None:
    kindling.verified_domain()
    tenant.ok("warming pause --domain-id acme.example --reason holiday")
    shown = tenant.ok("warming status --domain-id acme.example --format pretty").out
    assert "stopped: " in shown
    assert "holiday" in shown
