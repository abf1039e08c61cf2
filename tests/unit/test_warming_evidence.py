"""The evidence about a domain: recipients by the day of sending, what became of them, and who is left out."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from kindling.metrics.model import GMAIL, MICROSOFT, OTHER, OWN, UNGATED, YAHOO, Counts, Period
from kindling.warming.evidence import DAYS, IDLE_DAYS, LATEST, Cohort, Evidence, Kind, Tally, cohort, evidence
from kindling.warming.model import Phase, Warming, window_of_class

TODAY = date(2026, 3, 10)
DAY = "2026-03-10"


def warming(**fields: Any) -> Warming:
    """A domain in the first phase, with what its gate has counted."""
    known = {"user_id": "u", "domain_id": "d", "phase": Phase.PHASE_1, "counted_on": "2026-03-09"}
    return Warming.model_validate(known | {"phase_started_at": "2026-01-01T09:00:00.000Z"} | fields)


def counted(day: str, **classes: int) -> dict[str, int]:
    """The gate's windows of a day."""
    return {day: sum(classes.values())} | {window_of_class(day, name): n for name, n in classes.items()}


def period(day: str, spam_rate: float | None = None, **providers: Counts) -> Period:
    return Period(name=day, providers=providers, spam_rate=spam_rate)


def days(*periods: Period) -> list[Period]:
    """The periods of the last days, today included, those that are not given without anything."""
    known = {one.name: one for one in periods}
    names = [date.fromordinal(TODAY.toordinal() - back).isoformat() for back in reversed(range(DAYS + 1))]
    return [known.get(name, Period(name=name)) for name in names]


def test_recipients_are_those_that_the_gate_admitted_whatever_was_reported() -> None:
    reports = period(DAY, other=Counts(sent=900, delivered=80, bounced=4, rejected=1, complained=2))
    found = cohort(warming(sent=counted(DAY, other=100)), reports).whole
    expected = Tally(recipients=100, reported=85, delivered=80, bounces=5, listening=100, complaints=2)
    assert found == expected


def test_of_a_day_that_the_gate_has_dropped_the_metrics_know_what_it_admitted() -> None:
    reports = period("2026-03-01", other=Counts(admitted=70, delivered=60), gmail=Counts(admitted=30))
    found = cohort(warming(), reports)
    assert (found.whole.recipients, found.providers[GMAIL].recipients) == (100, 30)
    assert cohort(warming(sent=counted("2026-03-01", other=71)), reports).whole.recipients == 101


def test_a_day_from_before_mailbox_providers_were_counted_has_the_recipients_that_were_reported() -> None:
    assert cohort(warming(sent={DAY: 90}), period(DAY, other=Counts(sent=80))).whole.recipients == 80


def test_soft_bounces_are_no_bounces_and_blocks_are_both() -> None:
    reports = period(DAY, other=Counts(bounced=9, soft_bounced=4, blocked=3))
    found = cohort(warming(sent=counted(DAY, other=100)), reports).whole
    assert (found.bounces, found.blocks, found.reported) == (5, 3, 9)


def test_own_recipients_and_mail_that_did_not_pass_the_gate_count_for_nothing() -> None:
    bad = Counts(delivered=50, bounced=50, complained=50, rejected=50)
    reports = Period(name=DAY, providers={OWN: bad, UNGATED: bad, YAHOO: Counts(delivered=10)})
    found = cohort(warming(sent=counted(DAY, yahoo=10, own=500)), reports)
    assert found.whole == Tally(recipients=10, reported=10, delivered=10, listening=10)
    assert evidence(warming(sent=counted("2026-03-09", yahoo=10, own=500)), days(), [], TODAY).peak == 10


def test_mailbox_providers_that_report_no_complaints_are_left_out_of_both_sides_of_the_rate() -> None:
    reports = period(DAY, gmail=Counts(complained=1), apple=Counts(complained=1), other=Counts(complained=1))
    found = cohort(warming(sent=counted(DAY, gmail=60, apple=10, microsoft=20, other=10)), reports).whole
    assert (found.recipients, found.listening, found.complaints) == (100, 30, 1)


def test_google_s_own_spam_rate_stands_in_for_gmail_s_complaints() -> None:
    reports = period(DAY, spam_rate=0.004, other=Counts(complained=1))
    found = cohort(warming(sent=counted(DAY, gmail=1_000, apple=10, other=10)), reports).whole
    assert (found.listening, found.complaints) == (1_010, 5)
    good = cohort(warming(sent=counted(DAY, gmail=1_000)), period(DAY, spam_rate=0.0)).whole
    assert (good.listening, good.complaints) == (1_000, 0)


@pytest.mark.parametrize(("reported", "nearly"), [(89, False), (90, True)])
def test_nine_in_ten_recipients_need_a_report(reported: int, nearly: bool) -> None:
    assert Tally(recipients=100, reported=reported).nearly_reported is nearly


@pytest.mark.parametrize(("listening", "known"), [(4, False), (5, True)])
def test_one_in_twenty_recipients_need_a_mailbox_provider_that_reports_complaints(listening: int, known: bool) -> None:
    assert Tally(recipients=100, listening=listening).complaints_known is known


def of_days(**recipients: int) -> Evidence:
    """Evidence with some recipients on days of March, of whom all are reported; `d9` is the ninth."""
    cohorts = [
        Cohort(f"2026-03-{int(name[1:]):02}" if name[0] == "d" else f"2026-02-{int(name[1:]):02}",
               {OTHER: Tally(recipients=n, reported=n, delivered=n, listening=n)})
        for name, n in recipients.items()
    ]  # fmt: skip
    return Evidence(DAY, tuple(sorted(cohorts, key=lambda one: one.day)))


def test_the_windows_end_today() -> None:
    found = of_days(f9=1, f10=2, d2=4, d3=8, d8=16, d10=32)
    assert (found.of_today.recipients, found.recent.recipients) == (32, 48)
    assert (found.week.recipients, found.month.recipients) == (56, 62)
    assert found.last_day == "2026-03-08"
    # Days without mail are none that a domain is silent about.
    quiet = replace(found, cohorts=(*found.cohorts[:-1], Cohort("2026-03-09", {OTHER: Tally()})))
    assert (quiet.last_day, quiet.is_silent) == ("2026-03-08", False)


def test_without_today_the_windows_have_whole_days_only() -> None:
    found = of_days(d2=1, d3=2, d8=4, d10=8).without_today()
    assert (found.of_today.recipients, found.recent.recipients, found.week.recipients) == (0, 4, 6)


@pytest.mark.parametrize(("recipients", "judged"), [(499, 28), (500, 7)])
def test_a_week_with_few_recipients_is_judged_with_three_more(recipients: int, judged: int) -> None:
    assert of_days(f20=1_000, d9=recipients).period[1] == judged


def test_a_domain_without_a_single_report_about_its_last_day_is_silent() -> None:
    told, silent = of_days(d8=5, d9=5), of_days(d8=5)
    nothing = Cohort("2026-03-09", {OTHER: Tally(recipients=5)})
    assert not told.is_silent
    assert Evidence(DAY, (*silent.cohorts, nothing)).is_silent
    assert not Evidence(DAY, (Cohort(DAY, {OTHER: Tally(recipients=5)}),)).is_silent
    assert not Evidence(DAY).is_silent


def test_only_days_since_a_stop_are_judged_but_use_is_remembered() -> None:
    sent = counted("2026-03-07", other=900) | counted("2026-03-08", other=60) | counted("2026-03-09", other=70)
    found = evidence(warming(judged_from="2026-03-08", sent=sent), days(), [], TODAY)
    assert [one.day for one in found.cohorts if one.whole.recipients] == ["2026-03-08", "2026-03-09"]
    assert (found.peak, found.busiest, found.mailed) == (900, 70, [70])


def test_the_busiest_day_is_one_that_ended_since_the_last_judgement() -> None:
    sent = {**counted("2026-03-07", other=400), **counted("2026-03-08", other=70), **counted(DAY, other=500)}
    assert evidence(warming(counted_on="2026-03-08", sent=sent), days(), [], TODAY).mailed == [70]
    assert evidence(warming(counted_on="2026-03-07", sent=sent), days(), [], TODAY).busiest == 400
    assert evidence(warming(counted_on=DAY, sent=sent), days(), [], TODAY).busiest == 0


def test_a_domain_is_idle_since_its_last_mail_or_since_its_phase_began() -> None:
    def idle(**fields: Any) -> int:
        return evidence(warming(**fields), days(), [], TODAY).idle_days

    assert idle(sent={"2026-02-01": 7, "2026-02-03": 0}) == 37
    assert idle(phase_started_at="2026-03-01T09:00:00.000Z", sent={"2026-02-01": 7}) == 9
    assert idle(phase_started_at=None) == 0


def test_the_evidence_reaches_as_far_back_as_a_domain_may_be_idle() -> None:
    first = date.fromordinal(TODAY.toordinal() - IDLE_DAYS).isoformat()
    assert days()[0].name == first
    old = period(first, other=Counts(admitted=700))
    assert evidence(warming(), days(old), [], TODAY).peak == 700


def latest(hours: dict[str, int], today: int, **bad: Counts) -> Tally:
    """The last recipients, given the gate's hours and today's recipients; `h9` are the reports of an hour."""
    standing = warming(minute=f"{DAY}T12:30", sent=counted(DAY, gmail=today // 2, other=today - today // 2) | hours)
    reports = [Period(name=f"{DAY}T{int(name[1:]):02}", providers={OTHER: one}) for name, one in bad.items()]
    return evidence(standing, days(), reports, TODAY).latest


def test_the_last_recipients_of_a_busy_day_are_judged_by_themselves() -> None:
    hours = {f"{DAY}T10": 4_000, f"{DAY}T11": 700, f"{DAY}T12": 300}
    bad = {"h10": Counts(bounced=99), "h11": Counts(bounced=9, soft_bounced=2, blocked=1), "h12": Counts(complained=3)}
    expected = Tally(recipients=LATEST, bounces=7, blocks=1, listening=500, complaints=3)
    assert latest(hours, 5_000, **bad) == expected
    assert latest({**hours, f"{DAY}T12": 299}, 5_000, **bad).recipients == 4_999


@pytest.mark.parametrize(("today", "found"), [(1_999, 0), (2_000, 1_000)])
def test_a_day_with_few_recipients_is_judged_as_a_whole(today: int, found: int) -> None:
    assert latest({f"{DAY}T12": 1_000}, today).recipients == found


def test_the_hours_of_yesterday_are_not_among_the_last() -> None:
    assert latest({"2026-03-09T23": 5_000, f"{DAY}T00": 400}, 2_000) == Tally()


def test_a_mailbox_provider_can_be_left_out() -> None:
    tallies = {MICROSOFT: Tally(recipients=5, bounces=5), OTHER: Tally(recipients=7)}
    found = Evidence(DAY, (Cohort(DAY, tallies),), latest=Tally(recipients=9)).without([MICROSOFT])
    assert (found.of_today, found.latest) == (Tally(recipients=7), Tally())


def test_what_is_usual_is_told_by_the_days_before_the_last_two_with_mail_and_before_the_week() -> None:
    even = [
        Cohort(f"2026-03-0{day}", {OTHER: Tally(1_000, bounces=100, blocks=20, listening=900)}) for day in range(1, 8)
    ]
    last = Cohort("2026-03-09", {OTHER: Tally(1_000, bounces=900, listening=1_000, complaints=500)})
    found = Evidence(DAY, (*even, last))
    usual = found.before_last_day
    assert {kind: usual[kind][:2] for kind in Kind} == {
        Kind.COMPLAINTS: (0, 6_300),
        Kind.BLOCKS: (140, 7_000),
        Kind.BOUNCES: (700, 7_000),
    }
    assert 0 < (usual[Kind.BOUNCES].variation or 0) < 0.25
    # Of few reports the variation is unknown.
    assert usual[Kind.COMPLAINTS].variation == usual[Kind.BOUNCES].variation
    assert {kind: found.before_week[kind][:2] for kind in Kind} == {
        Kind.COMPLAINTS: (0, 1_800),
        Kind.BLOCKS: (40, 2_000),
        Kind.BOUNCES: (200, 2_000),
    }
    assert found.before_week[Kind.BOUNCES].variation is None


def test_a_kind_of_which_enough_is_known_has_a_variation_of_its_own() -> None:
    days = [
        Cohort(f"2026-02-{day}", {OTHER: Tally(10_000, bounces=100, listening=10_000, complaints=200 * (day % 2))})
        for day in range(10, 28)
    ]
    found = Evidence(DAY, tuple(days)).before_week
    assert (found[Kind.BOUNCES].variation or 0) < 0.12 < 0.9 < (found[Kind.COMPLAINTS].variation or 0)


def test_the_days_of_a_week_even_each_other_out() -> None:
    def unevenness(*recipients: int) -> float:
        days = [Cohort(f"2026-03-0{3 + i}", {OTHER: Tally(n)}) for i, n in enumerate(recipients)]
        before = Cohort("2026-03-02", {OTHER: Tally(9_999)})
        return Evidence(DAY, (before, *days)).week_unevenness

    assert (unevenness(), unevenness(70), unevenness(70, 0), unevenness(7, 7, 7, 7)) == (0, 1, 1, 0.5)
    assert unevenness(300, 400) == 500 / 700


def test_after_a_step_back_only_later_days_tell_whether_a_domain_moves_and_all_whether_it_stops() -> None:
    sent = counted("2026-03-07", other=400) | counted("2026-03-08", other=60) | counted("2026-03-09", other=70)

    def moved(since: str | None) -> tuple[int, int]:
        found = evidence(warming(moved_from=since, sent=sent), days(), [], TODAY)
        assert found.week.recipients == 530
        tally, days_of_period = found.period
        return tally.recipients, days_of_period

    assert [moved(since) for since in (None, "2026-03-08", "2026-03-09", DAY)] == [(530, 7), (130, 7), (70, 7), (0, 7)]


def test_a_day_with_mail_to_own_domains_alone_is_not_one_from_before_they_were_counted() -> None:
    reports = period(DAY, other=Counts(sent=80))
    assert cohort(warming(sent=counted(DAY, own=5)), reports).whole.recipients == 0
    reports.total = Counts(admitted=5)
    assert cohort(warming(), reports).whole.recipients == 0


def test_a_recipient_has_one_report_at_most() -> None:
    reports = period(DAY, other=Counts(delivered=9, bounced=2))
    assert cohort(warming(sent=counted(DAY, other=5)), reports).whole.reported == 5


def test_the_last_recipients_are_without_those_who_count_for_nothing() -> None:
    standing = warming(minute=f"{DAY}T12:30", sent=counted(DAY, other=2_000) | {f"{DAY}T12": 1_000})
    bad = Counts(bounced=9, complained=9)
    hours = [Period(name=f"{DAY}T12", providers={GMAIL: Counts(complained=9), OWN: bad, UNGATED: bad})]
    found = evidence(standing, days(), hours, TODAY).latest
    assert found == Tally(recipients=1_000, listening=1_000)
