"""How a domain climbs and advances by the warming policy, what holds it, and what it is told about that."""

import pytest

from kindling.metrics.model import GMAIL, YAHOO
from kindling.warming import policy
from kindling.warming.evidence import Evidence, Tally
from kindling.warming.model import RAMPED, SYSTEM, Limits, Phase, Warming
from kindling.warming.policy import Action, advancement_blockers, advice, climbing_blockers
from tests.unit.test_warming_policy import DAY, STANDARD, judged, past, ready, tally, warming, yesterday

# Climbing.


@pytest.mark.parametrize(("sent", "action"), [(37, Action.STAY), (38, Action.CLIMB), (150, Action.CLIMB)])
def test_a_limit_climbs_when_a_quarter_of_it_was_used_on_a_day(sent: int, action: Action) -> None:
    assert warming().limit.daily_limit == 150
    assert judged(yesterday(tally(sent))).action == action
    hundred = Limits.of(100)
    assert [judged(yesterday(tally(n)), warming(limits=hundred)).action for n in (24, 25)] == [
        Action.STAY,
        Action.CLIMB,
    ]


@pytest.mark.parametrize(
    ("rates", "action"),
    [
        (tally(222, 0, 1), Action.STAY),
        (tally(224, 0, 1), Action.CLIMB),
        (tally(200, 9), Action.STAY),
        (tally(200, 8), Action.CLIMB),
        (tally(1_000, listening=222, complaints=1), Action.STAY),
        (tally(1_000, listening=224, complaints=1), Action.CLIMB),
    ],
)
def test_a_doubt_that_is_no_reason_to_step_back_is_one_not_to_climb(rates: Tally, action: Action) -> None:
    assert judged(yesterday(rates)).action == action


@pytest.mark.parametrize(
    ("unknown", "sentence"),
    [
        (
            tally(500, reported=449),
            "delivery reports cover only 449 of 500 recipients in 7 days (90% required): what became of the others is "
            "unknown",
        ),
        (
            tally(500, listening=24),
            "complaints are unknown: only 24 of 500 recipients are at mailbox providers that report them (5% required)",
        ),
    ],
)
def test_what_is_unknown_holds_a_domain_and_is_said(unknown: Tally, sentence: str) -> None:
    found = judged(yesterday(unknown))
    assert found.action == Action.STAY
    assert sentence in found.blockers
    assert sentence in climbing_blockers(warming(), STANDARD, yesterday(unknown))


def test_just_enough_known_does_not_hold() -> None:
    assert judged(yesterday(tally(500, reported=450))).action == Action.CLIMB
    assert judged(yesterday(tally(500, listening=25))).action == Action.CLIMB


def test_a_day_of_which_nothing_was_reported_holds_though_the_week_was() -> None:
    before = past(5, tally(5_000))
    silent = yesterday(tally(500, reported=0), before=before)
    assert silent.week.nearly_reported
    assert judged(silent).blockers[-1] == (
        "nothing was reported about the last day with mail: what became of it is unknown"
    )
    assert judged(silent).action == Action.STAY
    assert judged(yesterday(tally(500, reported=1), before=before)).action == Action.CLIMB


def test_a_domain_without_any_use_is_told_that_it_does_not_climb() -> None:
    assert climbing_blockers(warming(), STANDARD, Evidence(DAY)) == [
        "a day with 25% of the daily limit of 150 is required (the busiest had 0)"
    ]


# Advancing.


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
    good = yesterday(tally(4_000, 40))
    found = judged(good, ready(phase))
    assert (found.action, found.phase, found.reason) == (Action.ADVANCE, following, "metrics_passed")
    assert found.detail == "All requirements of the phase are met."
    assert judged(good, ready(phase), new_day=False).action == Action.STAY
    assert judged(good, ready(phase, mailed=volume - 1)).action != Action.ADVANCE


@pytest.mark.parametrize(
    ("standing", "good", "blocker"),
    [
        (ready(phase_days=6, mailed_days=6), tally(4_000), "minimum 7 days in phase required (currently 6)"),
        (
            ready(phase_days=40, mailed_days=6),
            tally(4_000),
            "minimum 7 days in phase required (currently 6): only days with mail count",
        ),
        (
            ready(ramp_day=12),
            tally(4_000),
            "daily limit must have climbed to 1,500 (currently 1,250)",
        ),
        (ready(mailed=2_999), tally(4_000), "at least 3,000 recipients in this phase required (currently 2,999)"),
        (ready(), tally(4_000, delivered=3_700), "delivery rate of at least 95.0% required (currently 92.50%)"),
        (ready(), tally(4_000, 120, delivered=3_880), "bounce rate below 3.0% required (currently 3.00%)"),
        (ready(), tally(4_000, 0, 4), "complaint rate below 0.10% required (currently 0.100%)"),
    ],
)
def test_each_thing_that_blocks_is_a_sentence_with_numbers(standing: Warming, good: Tally, blocker: str) -> None:
    assert advancement_blockers(standing, STANDARD, yesterday(good)) == [blocker]
    assert judged(yesterday(good), standing).action != Action.ADVANCE


def test_everything_that_blocks_is_said() -> None:
    bad = tally(100, 10, 1, reported=80, listening=4)
    assert len(advancement_blockers(warming(), STANDARD, yesterday(bad))) == 8


def test_just_below_every_threshold_nothing_blocks() -> None:
    good = tally(4_000, 119, 3, delivered=3_800, reported=3_600)
    assert judged(yesterday(good), ready(phase_days=7, mailed_days=7, mailed=3_000)).action == Action.ADVANCE


def test_a_domain_that_does_not_send_says_why() -> None:
    none = Evidence(DAY)
    for standing, because in (
        (warming(Phase.NOT_STARTED), "warming has not been started"),
        (warming(Phase.PAUSED, stopped_because="too many bounces"), "warming is paused: too many bounces"),
        (warming(Phase.SUSPENDED), "warming is suspended: no reason given"),
    ):
        assert advancement_blockers(standing, STANDARD, none) == [because]
        assert climbing_blockers(standing, STANDARD, none) == [because]
    assert advancement_blockers(warming(Phase.WARMED), STANDARD, none) == ["there is no phase after warmed"]


def test_a_new_day_is_judged_without_its_own_recipients_whose_reports_are_still_to_come() -> None:
    evidence = yesterday(tally(4_000), today=tally(9_000, reported=0, delivered=0))
    assert judged(evidence, ready()).action == Action.ADVANCE
    assert judged(yesterday(tally(4_000), today=tally(100, 40)), ready()).action == Action.PAUSE


# What helps.


@pytest.mark.parametrize("complaints", [1, 2, 5])
def test_the_number_of_clean_recipients_that_end_a_doubt_is_exact(complaints: int) -> None:
    more = policy.clean_recipients_needed(complaints, 100, 0.001)
    assert judged(yesterday(tally(100 + more, 0, complaints))).action in (Action.CLIMB, Action.LOWER, Action.PAUSE)
    assert policy.clean_recipients_needed(complaints, 100 + more, 0.001) == 0
    assert policy.clean_recipients_needed(complaints, 100 + more - 1, 0.001) == 1


def test_a_doubt_says_what_ends_it() -> None:
    assert advice(warming(), STANDARD, yesterday(tally(100, 0, 1))) == [
        "124 more recipients without a complaint end the doubt about the complaint rate"
    ]


@pytest.mark.parametrize(
    ("last", "too_high"),
    [
        (tally(40, bounces=2), []),
        (tally(40, bounces=3), ["a bounce rate of at most 5.0% (the last: 7.50%)"]),
        (tally(1_000, complaints=1), []),
        (tally(999, complaints=1), ["a complaint rate of at most 0.10% (the last: 0.100%)"]),
    ],
)
def test_after_a_bad_day_a_limit_climbs_only_after_a_better_one_however_small(last: Tally, too_high: list[str]) -> None:
    evidence = yesterday(last, before=past(6, tally(1_000, 5)))
    assert judged(evidence, warming(limits=Limits.of(40))).action == Action.CLIMB
    held = warming(limits=Limits.of(40), held_at=40, held_on="2026-03-08")
    assert judged(evidence, held).action == (Action.STAY if too_high else Action.CLIMB)
    because = [f"after a bad day, the limit climbs again after one with {rate}" for rate in too_high]
    assert climbing_blockers(held, STANDARD, evidence) == because


def test_a_stop_says_how_to_go_on() -> None:
    by_policy = warming(Phase.PAUSED, stopped_by=SYSTEM, strikes=2)
    assert advice(by_policy, STANDARD, Evidence(DAY)) == [
        "remove the recipients that caused this, then resume: a phase lower, with at most half of the busiest day",
        "the next pause by the policy in this phase is a suspension",
    ]
    assert advice(warming(Phase.PAUSED, stopped_by="api"), STANDARD, Evidence(DAY)) == [
        "resume warming to go on where it stopped"
    ]
    assert "admin" in advice(warming(Phase.SUSPENDED), STANDARD, Evidence(DAY))[0]
    assert advice(warming(Phase.NOT_STARTED), STANDARD, Evidence(DAY)) == []


def test_a_domain_that_is_held_back_is_told_how_it_gets_on() -> None:
    standing = warming(
        held_at=75,
        held_on="2026-03-08",
        strikes=1,
        slowed={YAHOO: {"limit": 20, "on": DAY}, GMAIL: {"limit": 9, "on": DAY}},
    )
    assert advice(standing, STANDARD, yesterday(tally(1_000))) == [
        "the daily limit is held at 75 after a bad day on 2026-03-08; each good day doubles it",
        "yahoo blocks mail: it gets at most 20 recipients a day, twice as many after each good day",
        "gmail blocks mail: it gets at most 9 recipients a day, twice as many after each good day",
        "1 of 2 pauses by the policy in this phase: the one after the last is a suspension",
    ]
    assert "after the pause" in advice(warming(held_at=75), STANDARD, Evidence(DAY))[0]


def test_every_phase_that_ramps_has_a_plan() -> None:
    assert [STANDARD.plan(phase).min_days for phase in RAMPED] == [7, 7, 7, 7]
