"""The plan for a zone: records added, replaced, left alone, and reported as conflicts."""

import pytest

from kindling.domains.dns import DnsPlan, mark, parse_mark, plan
from kindling.providers.model import DnsRecord, ZoneRecord, canonical_value

USER_ID, DOMAIN_ID = "0c4f5a1e-9d3b-4f6a-8b7c-2d1e0f9a8b7c", "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed"
SPF = "v=spf1 include:amazonses.com -all"
DKIM = "v=DKIM1; k=rsa; p=" + "A" * 390


def wants(
    type_: str = "TXT", name: str = "mail.acme.example", value: str = SPF, priority: int | None = None
) -> DnsRecord:
    return DnsRecord(type=type_, name=name, value=value, priority=priority)


def stands(
    type_: str = "TXT",
    name: str = "mail.acme.example",
    value: str = SPF,
    priority: int | None = None,
    comment: str | None = None,
) -> ZoneRecord:
    return ZoneRecord(id=f"{type_}-{value}", type=type_, name=name, value=value, priority=priority, comment=comment)


OURS = mark(USER_ID, DOMAIN_ID)
NOTHING = DnsPlan()


def planned(wanted: DnsRecord, *standing: ZoneRecord) -> DnsPlan:
    return plan([wanted], list(standing), OURS)


def test_a_missing_record_is_added() -> None:
    assert planned(wants()) == DnsPlan(add=[wants()])


def test_records_elsewhere_are_nobodys_rivals() -> None:
    others = stands(name="acme.example"), stands("CNAME", "www.acme.example", "acme.example")
    assert planned(wants(), *others) == DnsPlan(add=[wants()])


@pytest.mark.parametrize("comment", [None, "by hand", OURS, mark(USER_ID, "another")])
def test_a_record_that_stands_is_kept_whosever_it_is(comment: str | None) -> None:
    assert planned(wants(), stands(comment=comment)) == NOTHING


def test_an_outdated_record_of_ours_is_replaced() -> None:
    old = stands(value="v=spf1 include:old.example -all", comment=OURS)
    assert planned(wants(), old) == DnsPlan(add=[wants()], remove=[old])


@pytest.mark.parametrize("comment", [None, "", "kindling", mark(USER_ID, "another"), f"{OURS} "])
def test_a_record_without_our_mark_is_a_conflict_and_stays(comment: str | None) -> None:
    theirs = stands(value="v=spf1 include:theirs.example ~all", comment=comment)
    result = planned(wants(), theirs)
    assert result.remove == []
    (conflict,) = result.conflicts
    assert (conflict.type, conflict.name, conflict.value) == ("TXT", "mail.acme.example", SPF)
    assert conflict.found == "TXT v=spf1 include:theirs.example ~all"


def test_a_second_record_beside_one_that_is_right_is_a_conflict_too() -> None:
    theirs = stands(value="v=spf1 include:theirs.example ~all")
    result = planned(wants(), stands(comment=OURS), theirs)
    assert (result.add, result.remove) == ([], [])
    assert [conflict.found for conflict in result.conflicts] == [f"TXT {theirs.value}"]


def test_an_outdated_record_of_ours_beside_one_that_is_right_is_removed() -> None:
    old = stands(value="v=spf1 include:old.example -all", comment=OURS)
    assert planned(wants(), stands(), old) == DnsPlan(remove=[old])


@pytest.mark.parametrize("value", ["v=DMARC1; p=none", "v=DKIM1; p=abc"])
def test_every_kind_of_text_that_must_stand_alone_does(value: str) -> None:
    wanted = wants(name="_dmarc.acme.example", value=value)
    assert planned(wanted, stands(name="_dmarc.acme.example", value=f"{value}; x=1")).conflicts


@pytest.mark.parametrize("value", ["google-site-verification=1", "MS=ms123", "", "spf1", "v=DMARC1; p=none"])
def test_texts_of_another_kind_are_left_alone(value: str) -> None:
    assert planned(wants(), stands(value=value)) == DnsPlan(add=[wants()])


def test_texts_of_no_special_kind_may_stand_side_by_side() -> None:
    wanted = wants(value="agentmail-verification=1")
    assert planned(wanted, stands(value="agentmail-verification=2")) == DnsPlan(add=[wanted])
    assert planned(wanted, stands(value="agentmail-verification=1")) == NOTHING


@pytest.mark.parametrize("type_", ["TXT", "MX", "A"])
def test_a_name_with_a_cname_takes_no_other_record(type_: str) -> None:
    wanted = wants(type_, value="mail.example" if type_ != "TXT" else SPF)
    theirs = stands("CNAME", value="elsewhere.example")
    assert [conflict.found for conflict in planned(wanted, theirs).conflicts] == ["CNAME elsewhere.example"]


@pytest.mark.parametrize("type_", ["TXT", "MX", "A", "AAAA", "NS"])
def test_a_cname_takes_no_name_that_has_another_record(type_: str) -> None:
    wanted = wants("CNAME", "link.acme.example", "track.agentmail.to")
    theirs = stands(type_, "link.acme.example", "whatever")
    assert [conflict.found for conflict in planned(wanted, theirs).conflicts] == [f"{type_} whatever"]


def test_a_cname_of_ours_gives_way() -> None:
    old = stands("CNAME", value="old.agentmail.to", comment=OURS)
    assert planned(wants(), old) == DnsPlan(add=[wants()], remove=[old])


@pytest.mark.parametrize("host", ["inbound.example", "INBOUND.example", "inbound.example."])
def test_a_mail_host_is_the_same_in_any_case_and_with_or_without_a_dot(host: str) -> None:
    wanted = wants("MX", "acme.example", host, 10)
    assert planned(wanted, stands("MX", "acme.example", "inbound.example", 10)) == NOTHING


@pytest.mark.parametrize(
    ("host", "priority"), [("inbound.example", 20), ("other.example", 10), ("inbound.example", None)]
)
def test_another_mail_host_or_priority_is_a_conflict(host: str, priority: int | None) -> None:
    wanted = wants("MX", "acme.example", "inbound.example", 10)
    assert planned(wanted, stands("MX", "acme.example", host, priority)).conflicts
    ours = stands("MX", "acme.example", host, priority, OURS)
    assert planned(wanted, ours) == DnsPlan(add=[wanted], remove=[ours])


@pytest.mark.parametrize("name", ["MAIL.acme.example", "mail.acme.example.", "Mail.Acme.Example."])
def test_a_wanted_name_is_the_same_in_any_case_and_with_or_without_a_dot(name: str) -> None:
    assert planned(wants(name=name), stands()) == NOTHING


@pytest.mark.parametrize("value", [f'"{SPF}"', f'"{SPF[:9]}" "{SPF[9:]}"'])
def test_a_wanted_text_in_quotes_is_the_same_text(value: str) -> None:
    assert planned(wants(value=value), stands()) == NOTHING


def test_a_wanted_text_in_quotes_has_the_same_rivals() -> None:
    assert planned(wants(value=f'"{SPF}"'), stands(value="v=spf1 include:theirs.example ~all")).conflicts


@pytest.mark.parametrize(
    ("type_", "value", "text"),
    [
        ("TXT", SPF, SPF),
        ("TXT", f'"{SPF}"', SPF),
        ("TXT", f'"{DKIM[:255]}" "{DKIM[255:]}"', DKIM),
        ("TXT", f'"{DKIM[:255]}""{DKIM[255:]}"', DKIM),
        ("TXT", r'"say \"hi\""', 'say "hi"'),
        ("TXT", '""', ""),
        ("TXT", "", ""),
        ("TXT", "v=DKIM1; p=AbC.", "v=DKIM1; p=AbC."),
        ("MX", "Inbound-SMTP.example.", "inbound-smtp.example"),
        ("CNAME", "Track.Example", "track.example"),
    ],
)
def test_a_value_has_one_plain_form(type_: str, value: str, text: str) -> None:
    assert canonical_value(type_, value) == text


def test_a_repeated_plan_is_empty() -> None:
    wanted = [
        wants("TXT", "agentmail._domainkey.acme.example", DKIM),
        wants("MX", "acme.example", "inbound.example", 10),
        wants("TXT", "_dmarc.acme.example", "v=DMARC1; p=reject"),
        wants("CNAME", "link.acme.example", "track.agentmail.to."),
        wants(),
    ]
    first = plan(wanted, [], OURS)
    assert first.add == wanted
    standing = [stands(r.type, r.name, canonical_value(r.type, r.value), r.priority, OURS) for r in first.add]
    assert plan(wanted, standing, OURS) == NOTHING


def test_conflicts_do_not_hide_what_else_is_missing() -> None:
    wanted = [wants(), wants("MX", "acme.example", "inbound.example", 10)]
    result = plan(wanted, [stands(value="v=spf1 -all")], OURS)
    assert len(result.conflicts) == 1
    assert wanted[1] in result.add


def test_a_mark_leads_to_its_row_and_fits_into_a_comment() -> None:
    assert parse_mark(OURS) == (USER_ID, DOMAIN_ID)
    assert len(OURS) <= 100


@pytest.mark.parametrize(
    "comment", [None, "", "kindling", f"kindling {DOMAIN_ID}", f"{OURS} ", f" {OURS}", "kindling a/b"]
)
def test_what_is_no_mark_leads_nowhere(comment: str | None) -> None:
    assert parse_mark(comment) is None
