"""The warming policy, verdict by verdict: what stops, lowers, slows and steps back a domain, and holds a tenant."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from kindling.metrics.model import MICROSOFT, OTHER
from kindling.warming import policy
from kindling.warming.evidence import Cohort, Evidence, Kind, Tally
from kindling.warming.model import SENDING, Phase, Slowed, Warming
from kindling.warming.policy import Action, Verdict, advancement_blockers, climbing_blockers, judge
from kindling.warming.schedules import PRESETS

STANDARD = PRESETS["standard"]
TODAY = date(2026, 3, 10)
DAY = TODAY.isoformat()


def warming(phase: Phase = Phase.PHASE_1, ramp_day: int = 3, **fields: Any) -> Warming:
    """A domain on a day of a phase of the standard schedule."""
    known = {
        "user_id": "u",
        "domain_id": "d",
        "phase": phase,
        "ramp_day": ramp_day,
        "limits": STANDARD.limits(phase, ramp_day),
        "limits_on": DAY,
        "counted_on": "2026-03-09",
        "phase_started_at": "2026-03-01T09:00:00.000Z",
    }
    return Warming.model_validate(known | fields)


def tally(recipients: int, bounces: int = 0, complaints: int = 0, **fields: int) -> Tally:
    """Recipients who all have a report, and would all be heard if they complained."""
    known = {"reported": recipients, "delivered": max(recipients - bounces, 0), "listening": recipients}
    return Tally(recipients, bounces=bounces, complaints=complaints, **known | fields)


def past(days: int, of: Tally, provider: str = OTHER) -> tuple[Cohort, ...]:
    """As many days before yesterday, alike."""
    last = TODAY - timedelta(days=2)
    return tuple(Cohort((last - timedelta(days=back)).isoformat(), {provider: of}) for back in reversed(range(days)))


def yesterday(of: Tally, *, today: Tally | None = None, before: tuple[Cohort, ...] = (), **fields: Any) -> Evidence:
    """The evidence of a domain that sent yesterday, and perhaps today and before."""
    cohorts = (*before, Cohort("2026-03-09", {OTHER: of}))
    if today:
        cohorts = (*cohorts, Cohort(DAY, {OTHER: today}))
    used = {one.day: one.whole.recipients for one in cohorts if one.day < DAY}
    return Evidence(**{"today": DAY, "cohorts": cohorts, "used": used, "counted_on": "2026-03-09"} | fields)


def judged(evidence: Evidence, standing: Warming | None = None, *, new_day: bool = True) -> Verdict:
    return judge(standing or warming(), STANDARD, evidence, new_day=new_day)


def ready(phase: Phase = Phase.PHASE_1, **fields: Any) -> Warming:
    """A domain on the last stage of its phase, after the required days and recipients."""
    met = {"phase_days": 14, "mailed_days": 14, "mailed": STANDARD.plan(phase).min_volume}
    return warming(phase, **{"ramp_day": 13} | met | fields)


def test_an_ordinary_day_changes_nothing_before_it_is_over_and_climbs_then() -> None:
    evidence = yesterday(tally(1_000, 10))
    assert judged(evidence, new_day=False) == Verdict(Action.STAY, Phase.PHASE_1)
    following = judged(evidence)
    assert (following.action, following.phase) == (Action.CLIMB, Phase.PHASE_1)
    assert following.blockers


# A pause needs a week.


@pytest.mark.parametrize("new_day", [True, False])
@pytest.mark.parametrize("phase", SENDING)
def test_complaints_of_a_week_pause_with_confidence_in_every_phase_that_sends(phase: Phase, new_day: bool) -> None:
    found = judged(yesterday(tally(1_000, 0, 5)), warming(phase), new_day=new_day)
    assert (found.action, found.phase, found.reason) == (Action.PAUSE, Phase.PAUSED, "complaint_rate_exceeded")
    assert found.detail == "5 complaints from 1,000 recipients: above 0.10% with 98.0% confidence in 7 days"


@pytest.mark.parametrize(
    ("bad", "action"),
    [
        (tally(1_000, 0, 4), Action.PAUSE),
        (tally(1_000, 0, 3), Action.STAY),
        (tally(1_000, 66), Action.PAUSE),
        (tally(1_000, 65), Action.LOWER),
        (tally(1_000, blocks=25, bounces=25), Action.LOWER),
        (tally(1_000, blocks=27, bounces=27), Action.PAUSE),
    ],
)
def test_the_edges_of_a_pause_are_exact(bad: Tally, action: Action) -> None:
    assert judged(yesterday(bad), new_day=False).action == action


@pytest.mark.parametrize(
    ("bad", "reason", "detail"),
    [
        (tally(1_000, 0, 9), "complaint_rate_exceeded", "9 complaints from 1,000 recipients: above 0.30%"),
        (tally(1_000, 126), "bounce_rate_exceeded", "126 bounces from 1,000 recipients: above 10.0%"),
        (tally(1_000, 50, blocks=50), "block_rate_exceeded", "50 blocked messages from 1,000 recipients: above 3.3%"),
    ],
)
def test_far_too_high_rates_of_a_week_suspend(bad: Tally, reason: str, detail: str) -> None:
    found = judged(yesterday(bad), new_day=False)
    assert (found.action, found.phase, found.reason) == (Action.SUSPEND, Phase.SUSPENDED, reason)
    assert found.detail == f"{detail} with 99.5% confidence in 7 days"


@pytest.mark.parametrize("bad", [tally(1_000, 0, 8), tally(1_000, 125), tally(1_000, 49, blocks=49)])
def test_just_below_the_edges_of_a_suspension_there_is_a_pause(bad: Tally) -> None:
    assert judged(yesterday(bad), new_day=False).action == Action.PAUSE


@pytest.mark.parametrize(
    ("bad", "action"),
    [
        (tally(50, 0, 1), Action.STAY),
        (tally(150, 0, 2), Action.PAUSE),
        (tally(60, 9), Action.STAY),
        (tally(60, 10), Action.PAUSE),
        (tally(60, 4, blocks=4), Action.STAY),
        (tally(60, 5, blocks=5), Action.PAUSE),
    ],
)
def test_below_the_floors_no_rate_stops_a_domain(bad: Tally, action: Action) -> None:
    assert judged(yesterday(bad), new_day=False).action == action


def test_four_weeks_stop_a_domain_that_sends_little() -> None:
    few = tuple(Cohort(f"2026-02-{day}", {OTHER: tally(100, 0, 1)}) for day in (14, 20, 26))
    found = judged(yesterday(tally(100), before=few), new_day=False)
    assert (found.action, found.detail.rpartition("confidence ")[2]) == (Action.PAUSE, "in 28 days")
    assert judged(yesterday(tally(500), before=few), new_day=False).action == Action.STAY


def test_more_bad_reports_than_recipients_stop_a_domain_and_are_no_rate() -> None:
    found = judged(yesterday(tally(3, 12)), new_day=False)
    assert (found.action, found.phase) == (Action.SUSPEND, Phase.SUSPENDED)
    assert found.detail == "12 bounces from 3 recipients, so that other reports must be missing in 7 days"
    blockers = advancement_blockers(ready(), STANDARD, yesterday(tally(3, 12)))
    assert blockers[-1] == "bounce rate below 3.0% required (currently 12 of 3)"


@pytest.mark.parametrize(
    ("bad", "detail"),
    [
        (tally(8, 8), "8 bounces from 8 recipients"),
        (tally(26, 8), "8 bounces from 26 recipients"),
        (tally(30, 9), "9 bounces from 30 recipients"),
    ],
)
def test_gross_rates_need_no_statistics(bad: Tally, detail: str) -> None:
    for evidence, window in (
        (yesterday(bad), "since the last day with mail"),
        (yesterday(tally(90), today=bad), "today"),
    ):
        found = judged(evidence, new_day=False)
        assert (found.action, found.reason, found.detail) == (
            Action.PAUSE,
            "bounce_rate_exceeded",
            f"{detail} {window}",
        )


@pytest.mark.parametrize("bad", [tally(10, 7), tally(27, 8), tally(300, 9)])
def test_what_is_not_gross_waits_for_the_test(bad: Tally) -> None:
    assert judged(yesterday(bad), new_day=False).action == Action.STAY


def test_the_third_pause_within_a_phase_is_a_suspension() -> None:
    for bad in (tally(1_000, 0, 5), tally(10, 8)):
        actions = [judged(yesterday(bad), warming(strikes=strikes)).action for strikes in range(4)]
        assert actions == [Action.PAUSE, Action.PAUSE, Action.SUSPEND, Action.SUSPEND]


# A day lowers the limit, and pauses only a domain whose days are even.

EVEN = past(20, tally(10_000, 100, 4))
UNEVEN = tuple(replace(cohort, providers={OTHER: tally(10_000, 20 if i % 2 else 180)}) for i, cohort in enumerate(EVEN))


def test_a_bad_day_of_a_domain_with_even_days_pauses_it() -> None:
    found = judged(yesterday(tally(10_000, 100), today=tally(1_000, 90), before=EVEN), new_day=False)
    assert (found.action, found.reason) == (Action.PAUSE, "bounce_rate_exceeded")
    assert found.detail.endswith("98.0% confidence today, which its earlier days do not explain")


def test_a_bad_day_of_a_domain_with_uneven_days_halves_its_limit() -> None:
    found = judged(yesterday(tally(10_000, 100), today=tally(1_000, 90), before=UNEVEN), new_day=False)
    assert (found.action, found.phase, found.reason) == (Action.LOWER, Phase.PHASE_1, "bounce_rate_exceeded")
    assert found.detail == "90 bounces from 1,000 recipients: above 5.0% with 95.0% confidence today"


def usual(before: tuple[Cohort, ...], kind: Kind, events: int, recipients: int, threshold: float) -> bool:
    return policy.day_is_usual(yesterday(tally(100), before=before), kind, events, recipients, threshold)


@pytest.mark.parametrize(
    ("before", "kind", "unusual", "recipients"),
    [
        (EVEN, Kind.BOUNCES, 35, 1_000),
        (UNEVEN, Kind.BOUNCES, 142, 1_000),
        # Nobody has complained yet; by how much complaints vary is told by the bounces.
        (past(20, tally(1_000, 100)), Kind.COMPLAINTS, 6, 1_000),
        (UNEVEN, Kind.COMPLAINTS, 5, 1_000),
        (UNEVEN, Kind.BLOCKS, 5, 1_000),
        # What was above the threshold before is not usual by that.
        (past(20, tally(10_000, 900)), Kind.BOUNCES, 103, 1_000),
    ],
)
def test_what_a_domains_earlier_days_explain_has_exact_edges(
    before: tuple[Cohort, ...], kind: Kind, unusual: int, recipients: int
) -> None:
    threshold = 0.001 if kind == Kind.COMPLAINTS else 0.05
    assert usual(before, kind, unusual - 1, recipients, threshold)
    assert not usual(before, kind, unusual, recipients, threshold)


def test_while_little_is_known_of_earlier_days_no_day_is_unusual() -> None:
    assert usual(past(6, tally(1_000, 10)), Kind.BOUNCES, 1_000, 1_000, 0.05)


@pytest.mark.parametrize(("bounces", "action"), [(5_917, Action.STAY), (5_918, Action.PAUSE)])
def test_a_week_pauses_a_domain_with_uneven_days_when_they_do_not_explain_it(bounces: int, action: Action) -> None:
    before = UNEVEN[:-6] + past(6, tally(10_000, 980))
    evidence = yesterday(tally(10_000, bounces - 5_880), today=tally(1_000), before=before)
    assert (evidence.week.recipients, evidence.week.bounces) == (71_000, bounces)
    assert judged(evidence, new_day=False).action == action


def test_a_week_of_a_domain_whose_earlier_days_are_unknown_is_judged_by_chance_alone() -> None:
    week = past(6, tally(1_000, 56))
    assert judged(yesterday(tally(1_000, 56), before=week), new_day=False).action == Action.PAUSE
    assert judged(yesterday(tally(1_000, 54), before=past(6, tally(1_000, 54))), new_day=False).action == Action.STAY


def test_one_day_lowers_the_limit_once() -> None:
    evidence = yesterday(tally(10_000, 100), today=tally(1_000, 90), before=UNEVEN)
    assert judged(evidence, warming(held_on=DAY), new_day=False).action == Action.STAY
    assert judged(evidence, warming(held_on="2026-03-09"), new_day=False).action == Action.LOWER
    bad_yesterday = yesterday(tally(10_000, 700), before=UNEVEN)
    assert judged(bad_yesterday, warming(held_on="2026-03-09")).action == Action.STAY
    assert judged(bad_yesterday, warming(held_on="2026-03-08")).action == Action.LOWER


@pytest.mark.parametrize(("bounces", "action"), [(62, Action.STAY), (63, Action.LOWER)])
def test_the_edge_of_a_lower_limit_is_exact(bounces: int, action: Action) -> None:
    evidence = yesterday(tally(10_000, 100), today=tally(1_000, bounces), before=UNEVEN)
    assert judged(evidence, new_day=False).action == action


def test_the_last_hours_are_judged_by_themselves() -> None:
    late = yesterday(tally(10_000, 100), today=tally(9_000, 150), before=UNEVEN, latest=tally(1_000, 70))
    found = judged(late, new_day=False)
    assert (found.action, found.detail.rpartition("confidence ")[2]) == (Action.LOWER, "in the last hours")
    assert judged(replace(late, latest=Tally()), new_day=False).action == Action.STAY
    even = judged(replace(late, cohorts=(*EVEN, *late.cohorts[-2:]), latest=tally(1_000, 90)), new_day=False)
    assert (even.action, even.phase) == (Action.PAUSE, Phase.PAUSED)


# Steps back, on a new day only.


@pytest.mark.parametrize(
    ("phase", "back", "action"),
    [
        (Phase.PHASE_1, Phase.PHASE_1, Action.EASE),
        (Phase.PHASE_2, Phase.PHASE_1, Action.DEMOTE),
        (Phase.PHASE_3, Phase.PHASE_2, Action.DEMOTE),
        (Phase.PHASE_4, Phase.PHASE_3, Action.DEMOTE),
        (Phase.WARMED, Phase.PHASE_4, Action.DEMOTE),
    ],
)
def test_probably_too_high_rates_step_back_with_a_new_day(phase: Phase, back: Phase, action: Action) -> None:
    found = judged(yesterday(tally(1_000, 40)), warming(phase))
    assert (found.action, found.phase, found.reason) == (action, back, "bounce_rate_exceeded")
    assert found.detail == "40 bounces from 1,000 recipients: above 3.0% with 95.0% confidence in 7 days"
    assert judged(yesterday(tally(1_000, 40)), warming(phase), new_day=False).action == Action.STAY


@pytest.mark.parametrize("doubtful", [tally(1_000, 39), tally(100, 6), tally(200, 0, 1)])
def test_without_confidence_or_below_the_floors_nothing_steps_back(doubtful: Tally) -> None:
    assert judged(yesterday(doubtful)).action == Action.STAY


def test_five_weeks_without_mail_step_back() -> None:
    for phase, back, action in (
        (Phase.PHASE_1, Phase.PHASE_1, Action.EASE),
        (Phase.PHASE_3, Phase.PHASE_2, Action.DEMOTE),
        (Phase.WARMED, Phase.PHASE_4, Action.DEMOTE),
    ):
        found = judged(Evidence(DAY, idle_days=35), warming(phase))
        assert (found.action, found.phase, found.reason) == (action, back, "idle")
        assert found.detail == "nothing was sent for 35 days"
        assert judged(Evidence(DAY, idle_days=34), warming(phase)).action == Action.STAY
        assert judged(Evidence(DAY, idle_days=35), warming(phase), new_day=False).action == Action.STAY


# Mailbox providers that block.


def at_providers(**providers: Tally) -> Evidence:
    return Evidence(DAY, (Cohort("2026-03-09", providers),), used={"2026-03-09": 1})


@pytest.mark.parametrize(("blocks", "slowed"), [(4, {}), (5, {MICROSOFT: Slowed(limit=50, on=DAY)})])
def test_a_mailbox_provider_that_blocks_gets_half_of_its_busiest_day(blocks: int, slowed: dict[str, Slowed]) -> None:
    evidence = at_providers(microsoft=tally(100, blocks, blocks=blocks), gmail=tally(900))
    assert policy.slowing(warming(), STANDARD, evidence) == slowed


@pytest.mark.parametrize(("blocks", "found"), [(24, 0), (25, 1)])
def test_a_mailbox_provider_is_slowed_with_confidence(blocks: int, found: int) -> None:
    evidence = at_providers(microsoft=tally(1_000, blocks, blocks=blocks))
    assert len(policy.slowing(warming(), STANDARD, evidence)) == found


def test_a_mailbox_provider_is_slowed_once_for_what_it_showed() -> None:
    evidence = at_providers(microsoft=tally(100, 50, blocks=50))
    since = {"2026-03-08": 20, "2026-03-09": None}
    for day, limit in since.items():
        standing = warming(slowed={MICROSOFT: {"limit": 40, "on": day}})
        expected = {MICROSOFT: Slowed(limit=limit, on=DAY)} if limit else {}
        assert policy.slowing(standing, STANDARD, evidence) == expected


def test_mailbox_providers_that_are_slowed_are_not_held_against_the_others() -> None:
    evidence = at_providers(microsoft=tally(100, 50, blocks=50), gmail=tally(900))
    slowed = warming(slowed={MICROSOFT: {"limit": 50, "on": DAY}})
    assert judged(evidence, new_day=False).action == Action.SUSPEND
    assert judged(evidence, slowed, new_day=False).action == Action.STAY
    mostly = at_providers(microsoft=tally(100, 50, blocks=50), gmail=tally(100))
    assert judged(mostly, slowed, new_day=False).action == Action.SUSPEND


# All domains of a tenant.


def test_domains_that_are_bad_together_hold_each_other() -> None:
    bad = [tally(1_000, 0, 3)] * 10
    why = policy.held(bad, STANDARD.thresholds)
    assert why == (
        "your 10 domains together, without the worst of them, have 27 complaints from 9,000 recipients: above 0.10% "
        "with 99.5% confidence: none of them climbs"
    )
    held = yesterday(tally(1_000), held=why)
    assert (judged(held).action, climbing_blockers(warming(), STANDARD, held)) == (Action.STAY, [why])
    assert advancement_blockers(ready(), STANDARD, held) == [why]


def test_one_bad_domain_holds_no_other() -> None:
    good = [tally(1_000, 10)] * 9
    assert policy.held([*good, tally(9_000, 9_000, 900)], STANDARD.thresholds) == ""
    assert policy.held([tally(1_000, 0, 4)] * 4, STANDARD.thresholds) == ""
    assert policy.held([tally(1_000, 0, 4)] * 5, STANDARD.thresholds) != ""
    assert "bounces" in policy.held([tally(1_000, 80)] * 5, STANDARD.thresholds)


# Who is counted, and when.


def test_a_month_is_judged_with_a_week_only_if_that_has_few_recipients() -> None:
    bad = (Cohort("2026-02-20", {OTHER: tally(400, 80)}),)
    for week, action in ((500, Action.STAY), (499, Action.PAUSE)):
        assert judged(yesterday(tally(week), before=bad), new_day=False).action == action


def test_complaints_are_a_share_of_those_who_would_be_heard() -> None:
    assert judged(yesterday(tally(1_000, 0, 3, listening=500)), new_day=False).action == Action.PAUSE
    assert judged(yesterday(tally(1_000, 0, 3)), new_day=False).action == Action.STAY


def test_two_complaints_among_few_are_enough_to_hold_all_domains() -> None:
    assert policy.held([*[tally(20, 0, 1)] * 2, *[tally(20)] * 2, tally(20, 0, 1)], STANDARD.thresholds) != ""
    assert policy.held([tally(20, 0, 1), *[tally(20)] * 3, tally(20, 0, 1)], STANDARD.thresholds) == ""


def test_a_slowed_mailbox_provider_gets_half_of_the_busier_of_two_days_and_at_least_one() -> None:
    before, today = tally(50, 9, blocks=9), tally(30, 9, blocks=9)
    two = (Cohort("2026-03-09", {MICROSOFT: before}), Cohort(DAY, {MICROSOFT: today}))
    one = (Cohort(DAY, {MICROSOFT: tally(1, 5, blocks=5)}),)
    for cohorts, limit in ((two, 25), (one, 1)):
        found = policy.slowing(warming(), STANDARD, Evidence(today=DAY, cohorts=cohorts))
        assert found == {MICROSOFT: Slowed(limit=limit, on=DAY)}
