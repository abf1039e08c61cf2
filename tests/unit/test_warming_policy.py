"""The warming policy, verdict by verdict: what stops a domain, what keeps it in its phase, what advances it."""

from datetime import date
from typing import Any

import pytest

from kindling.metrics.model import Counts, Period
from kindling.warming import policy
from kindling.warming.model import RAMPED, SENDING, STOPPED, Limits, Phase, Warming
from kindling.warming.policy import Action, Evidence, Verdict, advancement_blockers, confident_above, judge, tail
from kindling.warming.schedules import PRESETS

STANDARD = PRESETS["standard"]
TODAY = date(2026, 3, 10)
# Above 0.1 % and 0.3 % of complaints, above 3 % and 5 % of bounces, each with 95 % confidence.
SMALLEST = {
    50: (1, 2, 5, 6),
    200: (2, 3, 11, 16),
    700: (3, 6, 30, 46),
    1_000: (4, 7, 40, 63),
    5_000: (10, 23, 171, 277),
    20_000: (29, 74, 641, 1_052),
}


def warming(phase: Phase = Phase.PHASE_1, ramp_day: int = 3, **fields: Any) -> Warming:
    """A domain on a day of a phase of the standard schedule, with all its reports counted."""
    known = {
        "user_id": "u",
        "domain_id": "d",
        "domain": "acme.example",
        "phase": phase,
        "ramp_day": ramp_day,
        "limits": STANDARD.limits(phase, ramp_day),
        "limits_on": "2026-03-10",
        "counted_on": "2026-03-09",
        "phase_started_at": "2026-03-01T09:00:00.000Z",
    }
    return Warming.model_validate(known | fields)


def counts(sent: int, bounced: int = 0, complained: int = 0) -> Counts:
    return Counts(sent=sent, delivered=max(sent - bounced, 0), bounced=bounced, complained=complained)


def bounces(found: Counts) -> tuple[int, int]:
    return found.sent, found.bounced


def recent(sent: int, bounced: int = 0, complained: int = 0, **others: Any) -> Evidence:
    """Evidence with the same counts for the last two days as for the week, and complete reports."""
    week = counts(sent, bounced, complained)
    known: dict[str, Any] = {"recent": week, "week": week, "reported": sent, "admitted": sent, "busiest": sent}
    return Evidence(**known | others)


def verdict(evidence: Evidence, standing: Warming | None = None, *, new_day: bool = True) -> Verdict:
    return judge(standing or warming(), STANDARD, evidence, new_day=new_day)


def ready(phase: Phase = Phase.PHASE_1, **fields: Any) -> Warming:
    """A domain on the last stage of its phase, after the required days."""
    return warming(phase, 13, **{"phase_days": 14} | fields)


@pytest.mark.parametrize("sent", SMALLEST)
def test_the_smallest_counts_that_give_95_percent_confidence_are_the_exact_ones(sent: int) -> None:
    for smallest, rate in zip(SMALLEST[sent], (0.001, 0.003, 0.03, 0.05), strict=True):
        assert confident_above(smallest, sent, rate, 0.95)
        assert not confident_above(smallest - 1, sent, rate, 0.95)


def test_the_tail_is_the_sum_of_the_binomial_terms() -> None:
    assert tail(2, 2, 0.1) == pytest.approx(0.01)
    assert tail(2, 3, 0.1) == pytest.approx(3 * 0.01 * 0.9 + 0.001)
    assert tail(1, 1_000, 0.0005) == pytest.approx(1 - 0.9995**1_000)


@pytest.mark.parametrize("events", [0, 5, 51])
def test_no_more_than_expected_and_more_than_was_sent_prove_nothing(events: int) -> None:
    assert tail(events, 50, 0.1) == 1
    assert tail(0, 0, 0.1) == 1


def test_an_ordinary_week_changes_nothing_within_a_day_and_climbs_with_a_new_one() -> None:
    within = verdict(recent(1_000, 10), new_day=False)
    assert (within.action, within.phase) == (Action.STAY, Phase.PHASE_1)
    following = verdict(recent(1_000, 10))
    assert (following.action, following.phase) == (Action.CLIMB, Phase.PHASE_1)
    assert following.blockers == within.blockers != []


@pytest.mark.parametrize("new_day", [True, False])
@pytest.mark.parametrize("phase", SENDING)
def test_complaints_pause_with_confidence_in_every_phase_that_sends(phase: Phase, new_day: bool) -> None:
    found = verdict(recent(1_000, 0, 5), warming(phase), new_day=new_day)
    assert (found.action, found.phase, found.reason) == (Action.PAUSE, Phase.PAUSED, "complaint_rate_exceeded")
    assert found.detail == "5 complaints from 1,000 recipients: above 0.10% with 99.5% confidence in 7 days"
    assert verdict(recent(1_000, 0, 4), warming(phase), new_day=False).action == Action.STAY


def test_bounces_pause_with_confidence() -> None:
    found = verdict(recent(1_000, 70), new_day=False)
    assert (found.action, found.phase, found.reason) == (Action.PAUSE, Phase.PAUSED, "bounce_rate_exceeded")
    detail = "70 bounces from 1,000 recipients: above 5.0% with 99.5% confidence"
    assert found.detail == f"{detail} since the last day with mail"
    assert verdict(recent(1_000, 69), new_day=False).action == Action.STAY


def test_the_week_stops_a_domain_whose_last_two_days_were_good() -> None:
    found = verdict(recent(5_000, 0, 20, recent=counts(1_000)), new_day=False)
    assert (found.action, found.detail.rpartition(" confidence ")[2]) == (Action.PAUSE, "in 7 days")


@pytest.mark.parametrize(
    ("evidence", "reason", "detail"),
    [
        (recent(1_000, 0, 9), "complaint_rate_exceeded", "9 complaints from 1,000 recipients: above 0.30%"),
        (recent(1_000, 130), "bounce_rate_exceeded", "130 bounces from 1,000 recipients: above 10.0%"),
    ],
)
def test_far_too_high_rates_suspend_at_once(evidence: Evidence, reason: str, detail: str) -> None:
    found = verdict(evidence, new_day=False)
    assert (found.action, found.phase, found.reason) == (Action.SUSPEND, Phase.SUSPENDED, reason)
    assert found.detail == f"{detail} with 99.5% confidence since the last day with mail"


def test_of_both_rates_complaints_are_named() -> None:
    assert verdict(recent(1_000, 130, 9), new_day=False).reason == "complaint_rate_exceeded"


@pytest.mark.parametrize(
    ("evidence", "action"),
    [
        (recent(50, 0, 2), Action.STAY),
        (recent(150, 0, 3), Action.PAUSE),
        (recent(50, 9), Action.STAY),
        (recent(50, 10), Action.PAUSE),
    ],
)
def test_below_the_floors_no_rate_stops_a_domain(evidence: Evidence, action: Action) -> None:
    assert verdict(evidence, new_day=False).action == action


@pytest.mark.parametrize(
    ("evidence", "detail"),
    [
        (recent(5, 5), "5 bounces from 5 recipients since the last day with mail"),
        (recent(16, 5), "5 bounces from 16 recipients since the last day with mail"),
        (recent(20, 6), "6 bounces from 20 recipients since the last day with mail"),
        (recent(1_000, 5, recent=counts(16, 5)), "5 bounces from 16 recipients since the last day with mail"),
    ],
)
def test_gross_rates_need_no_statistics(evidence: Evidence, detail: str) -> None:
    found = verdict(evidence, new_day=False)
    assert (found.action, found.reason, found.detail) == (Action.PAUSE, "bounce_rate_exceeded", detail)


def test_three_complaints_from_a_handful_are_far_too_many() -> None:
    for sent in (3, 100, 113):
        found = verdict(recent(sent, 0, 3), new_day=False)
        assert (found.action, found.reason) == (Action.SUSPEND, "complaint_rate_exceeded")
    assert verdict(recent(114, 0, 3), new_day=False).action == Action.PAUSE


@pytest.mark.parametrize("evidence", [recent(10, 4), recent(17, 5), recent(300, 9), recent(100, 0, 2)])
def test_what_is_not_gross_waits_for_the_test(evidence: Evidence) -> None:
    assert verdict(evidence, new_day=False).action == Action.STAY


def test_gross_rates_count_since_the_last_day_with_mail_only() -> None:
    assert verdict(recent(16, 5, recent=counts(3)), new_day=False).action == Action.STAY


@pytest.mark.parametrize("evidence", [recent(0, 12, 12), recent(2, 12, 3), recent(11, 12, 0)])
@pytest.mark.parametrize("new_day", [True, False])
def test_reports_about_mail_from_before_the_window_stop_nothing(evidence: Evidence, new_day: bool) -> None:
    assert verdict(evidence, new_day=new_day).action in (Action.STAY, Action.CLIMB)


def test_the_third_pause_within_a_phase_is_a_suspension() -> None:
    bad, gross = recent(1_000, 0, 5), recent(10, 5)
    for evidence in (bad, gross):
        actions = [verdict(evidence, warming(strikes=strikes)).action for strikes in range(4)]
        assert actions == [Action.PAUSE, Action.PAUSE, Action.SUSPEND, Action.SUSPEND]


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
    for evidence, reason, words in (
        (recent(1_000, 40), "bounce_rate_exceeded", "40 bounces from 1,000 recipients: above 3.0%"),
        (recent(1_000, 0, 4), "complaint_rate_exceeded", "4 complaints from 1,000 recipients: above 0.10%"),
    ):
        found = verdict(evidence, warming(phase))
        assert (found.action, found.phase, found.reason) == (action, back, reason)
        assert found.detail == f"{words} with 95.0% confidence"
        assert verdict(evidence, warming(phase), new_day=False).action == Action.STAY


@pytest.mark.parametrize("evidence", [recent(1_000, 39), recent(1_000, 0, 3), recent(100, 9), recent(300, 0, 2)])
def test_without_confidence_or_below_the_floors_nothing_steps_back(evidence: Evidence) -> None:
    assert verdict(evidence).action == Action.STAY


def test_a_month_without_mail_steps_back() -> None:
    for phase, back, action in (
        (Phase.PHASE_1, Phase.PHASE_1, Action.EASE),
        (Phase.PHASE_3, Phase.PHASE_2, Action.DEMOTE),
        (Phase.WARMED, Phase.PHASE_4, Action.DEMOTE),
    ):
        found = verdict(recent(0, idle_days=30), warming(phase))
        assert (found.action, found.phase, found.reason) == (action, back, "idle")
        assert found.detail == "nothing was sent for 30 days"
        assert verdict(recent(0, idle_days=29), warming(phase)).action == Action.STAY
        assert verdict(recent(0, idle_days=30), warming(phase), new_day=False).action == Action.STAY


@pytest.mark.parametrize(("busiest", "action"), [(37, Action.STAY), (38, Action.CLIMB), (150, Action.CLIMB)])
def test_a_day_climbs_when_a_quarter_of_its_limit_was_used(busiest: int, action: Action) -> None:
    assert warming().limit.daily_limit == 150
    assert verdict(recent(500, busiest=busiest)).action == action


def test_an_exact_quarter_of_a_limit_is_enough() -> None:
    hundred = Limits(daily_limit=100, hourly_limit=10, per_minute_limit=5)
    for busiest, action in ((24, Action.STAY), (25, Action.CLIMB)):
        assert verdict(recent(500, busiest=busiest), warming(limits=hundred)).action == action


@pytest.mark.parametrize(
    ("evidence", "action"),
    [
        (recent(222, 0, 1), Action.STAY),
        (recent(224, 0, 1), Action.CLIMB),
        (recent(200, 9), Action.STAY),
        (recent(200, 8), Action.CLIMB),
    ],
)
def test_a_doubt_that_is_no_reason_to_step_back_is_one_not_to_climb(evidence: Evidence, action: Action) -> None:
    assert verdict(evidence).action == action


@pytest.mark.parametrize(("reported", "action"), [(449, Action.STAY), (450, Action.CLIMB), (0, Action.STAY)])
def test_a_domain_of_whose_mail_too_little_is_known_does_not_climb(reported: int, action: Action) -> None:
    found = verdict(recent(500, reported=reported))
    assert found.action == action
    told = f"delivery reports cover only {reported:,} of 500 recipients"
    assert (told in found.blockers) is (action == Action.STAY)


def test_nothing_climbs_on_the_last_step_or_without_limits() -> None:
    assert verdict(recent(1_000), ready()).action == Action.STAY
    assert verdict(recent(1_000), warming(Phase.WARMED, limits=None)).action == Action.STAY


@pytest.mark.parametrize(
    ("phase", "following", "volume"),
    [
        (Phase.PHASE_1, Phase.PHASE_2, 3_000),
        (Phase.PHASE_2, Phase.PHASE_3, 20_000),
        (Phase.PHASE_3, Phase.PHASE_4, 120_000),
        (Phase.PHASE_4, Phase.WARMED, 400_000),
    ],
)
def test_phases_advance_in_order_when_nothing_blocks(phase: Phase, following: Phase, volume: int) -> None:
    found = verdict(recent(volume), ready(phase))
    assert (found.action, found.phase, found.reason) == (Action.ADVANCE, following, "metrics_passed")
    assert found.detail == "All requirements of the phase are met."
    assert found.blockers == []
    assert verdict(recent(volume), ready(phase), new_day=False).action == Action.STAY
    assert verdict(recent(volume - 1), ready(phase)).action == Action.STAY


@pytest.mark.parametrize(
    ("standing", "evidence", "blocker"),
    [
        (ready(phase_days=6), recent(4_000), "minimum 7 days in phase required (currently 6)"),
        (
            warming(ramp_day=12, phase_days=14),
            recent(4_000),
            "daily limit must have climbed to 1,500 (currently 1,250)",
        ),
        (ready(), recent(2_999), "at least 3,000 recipients in 7 days required (currently 2,999)"),
        (
            ready(),
            recent(4_000, reported=3_599, admitted=4_000),
            "delivery reports cover only 3,599 of 4,000 recipients",
        ),
        (
            ready(),
            recent(4_000, week=Counts(sent=4_000, delivered=3_700)),
            "delivery rate of at least 95.0% required (currently 92.50%)",
        ),
        (ready(), recent(4_000, 120), "bounce rate below 3.0% required (currently 3.00%)"),
        (ready(), recent(4_000, 0, 4), "complaint rate below 0.10% required (currently 0.100%)"),
    ],
)
def test_each_thing_that_blocks_is_a_sentence_with_numbers(standing: Warming, evidence: Evidence, blocker: str) -> None:
    assert advancement_blockers(standing, STANDARD, evidence) == [blocker]
    assert verdict(evidence, standing).action != Action.ADVANCE


def test_everything_that_blocks_is_said() -> None:
    evidence = recent(10, 1, 1, reported=10, admitted=20)
    assert len(advancement_blockers(warming(), STANDARD, evidence)) == 7


def test_just_below_every_bar_nothing_blocks() -> None:
    week = Counts(sent=4_000, delivered=3_800, bounced=119, complained=3)
    assert verdict(recent(4_000, week=week, reported=3_600)).blockers == verdict(recent(4_000)).blockers
    assert verdict(recent(4_000, week=week, reported=3_600), ready()).action == Action.ADVANCE


def test_no_mail_at_all_is_not_good_news() -> None:
    assert verdict(recent(0), ready()).action == Action.STAY
    assert advancement_blockers(ready(), STANDARD, recent(0)) == [
        "at least 3,000 recipients in 7 days required (currently 0)"
    ]


def test_a_domain_that_does_not_send_says_why() -> None:
    assert advancement_blockers(warming(Phase.NOT_STARTED), STANDARD, recent(0)) == ["warming has not been started"]
    for (phase,) in STOPPED:
        because = f"warming is {phase}: too many bounces"
        assert advancement_blockers(warming(phase, stopped_because="too many bounces"), STANDARD, recent(0)) == [
            because
        ]
        assert policy.why_stopped(warming(phase)) == [f"warming is {phase}: no reason given"]
    assert advancement_blockers(warming(Phase.WARMED), STANDARD, recent(0)) == ["there is no phase after warmed"]
    assert [policy.why_stopped(warming(phase)) for phase in RAMPED] == [[], [], [], []]


def week_of(**days: Counts) -> list[Period]:
    """The seven days that end today; `d9` is the ninth of the month."""
    return [Period(name=f"2026-03-{day:02}", total=days.get(f"d{day}", Counts())) for day in range(4, 11)]


def test_evidence_has_two_days_and_seven() -> None:
    week = week_of(d4=counts(1, 1), d8=counts(10), d9=counts(100), d10=counts(1_000))
    admitted = {"2026-03-03": 7, "2026-03-10": 1_000, "2026-03-10T09": 900}
    found = policy.evidence(warming(sent=admitted), week, TODAY)
    assert (found.recent, found.week) == (counts(1_100), counts(1_111, 1))
    assert (found.reported, found.admitted, found.idle_days) == (1_111, 1_000, 0)


def test_evidence_has_all_recipients_but_only_the_reports_since_a_resumption() -> None:
    week = week_of(d8=counts(50), d9=counts(100, 30), d10=counts(20, 5))
    resumed: dict[str, Any] = {"judged_from": "2026-03-09", "judged_less": {"sent": 90, "delivered": 60, "bounced": 30}}
    found = policy.evidence(warming(**resumed), week, TODAY)
    assert (bounces(found.today), bounces(found.recent), bounces(found.week)) == ((20, 5), (120, 5), (170, 5))
    assert found.reported == 170
    today = resumed | {"judged_from": "2026-03-10", "judged_less": {"sent": 20, "delivered": 15, "bounced": 4}}
    found = policy.evidence(warming(**today), week, TODAY)
    assert (bounces(found.today), bounces(found.recent), bounces(found.week)) == ((20, 1), (120, 1), (170, 1))
    # The day of the resumption is no longer in the recent window, but still in the week.
    earlier = resumed | {"judged_from": "2026-03-08", "judged_less": {"sent": 40, "delivered": 40}}
    found = policy.evidence(warming(**earlier), week, TODAY)
    assert (bounces(found.recent), bounces(found.week)) == ((120, 35), (170, 35))
    long_ago = resumed | {"judged_from": "2026-03-01"}
    assert bounces(policy.evidence(warming(**long_ago), week, TODAY).week) == (170, 35)


def test_late_reports_after_days_without_mail_are_weighed_against_the_mail_that_they_are_about() -> None:
    weekend = week_of(d7=counts(138_000, 900, 60), d10=counts(250, 0, 9))
    found = policy.evidence(warming(), weekend, TODAY)
    assert (found.recent.sent, found.recent.complained) == (138_250, 69)
    assert verdict(found, new_day=False).action == Action.STAY


def test_a_day_of_its_own_speaks_for_itself_once_it_is_a_quarter_of_the_day_before() -> None:
    good = counts(10_000, 100)
    for sent, action in ((2_400, Action.STAY), (2_500, Action.PAUSE)):
        day = counts(sent, round(0.08 * sent))
        evidence = recent(0, recent=good + day, week=good + day, today=day)
        assert verdict(evidence, new_day=False).action == action


def test_complaints_of_two_days_have_to_be_twice_as_bad_as_those_of_seven() -> None:
    day, week = counts(1_000, 0, 6), counts(8_000, 0, 9)
    assert verdict(recent(0, recent=day, week=week), new_day=False).action == Action.STAY
    assert verdict(recent(0, recent=counts(1_000, 0, 8), week=week), new_day=False).action == Action.PAUSE


def test_evidence_has_the_busiest_day_since_the_last_verdict() -> None:
    sent = {"2026-03-07": 400, "2026-03-08": 70, "2026-03-09": 60, "2026-03-10": 500}
    standing = warming(counted_on="2026-03-08", sent=sent)
    assert policy.evidence(standing, week_of(), TODAY).busiest == 70
    assert policy.evidence(standing.model_copy(update={"counted_on": "2026-03-10"}), week_of(), TODAY).busiest == 0
    assert policy.evidence(standing, week_of(), TODAY).admitted == 1_030


def test_a_domain_is_idle_since_its_last_mail_or_since_its_phase_began() -> None:
    assert policy.evidence(warming(sent={"2026-02-01": 7}), week_of(), TODAY).idle_days == 9
    long_ago = warming(phase_started_at="2026-01-01T09:00:00.000Z", sent={"2026-02-01": 7, "2026-02-03": 0})
    assert policy.evidence(long_ago, week_of(), TODAY).idle_days == 37
    assert policy.evidence(warming(phase_started_at=None), week_of(), TODAY).idle_days == 0


def test_the_largest_numbers_are_judged_too() -> None:
    assert confident_above(1_000_000_000, 1_000_000_000, 0.001, policy.STOP_CONFIDENCE)
    assert not confident_above(1_000_000, 1_000_000_000, 0.001, policy.STOP_CONFIDENCE)
    assert confident_above(1_003_000, 1_000_000_000, 0.001, policy.STOP_CONFIDENCE)


def test_a_new_day_is_judged_without_its_own_recipients_whose_reports_are_still_to_come() -> None:
    standing = ready(counted_on="2026-03-09", sent={"2026-03-09": 4000, "2026-03-10": 1000})
    days = [Period(name=f"2026-03-{day:02}") for day in range(3, 11)]
    days[-2].total = counts(4000)
    # The first hour: some are reported as sent, and nothing as delivered.
    days[-1].total = Counts(sent=300)
    found = policy.evidence(standing, days, TODAY)
    assert (found.reported, found.admitted, found.admitted_today, found.week.sent) == (4300, 5000, 1000, 4300)
    whole = found.without_today()
    assert (whole.reported, whole.admitted, whole.admitted_today, whole.week) == (4000, 4000, 0, counts(4000))
    assert verdict(found, standing).action == Action.ADVANCE
    assert len(verdict(found, standing, new_day=False).blockers) == 2


def test_a_new_day_s_own_bounces_stop_a_domain_all_the_same() -> None:
    days = [Period(name=f"2026-03-{day:02}") for day in range(3, 11)]
    days[-2].total, days[-1].total = counts(100), counts(100, 40)
    found = policy.evidence(ready(sent={"2026-03-10": 100}), days, TODAY)
    assert verdict(found, ready()).action == Action.SUSPEND
