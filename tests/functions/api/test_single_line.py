"""Line breaks and other control characters are refused in names, subjects, headers and other single-line fields."""

import base64
from typing import Any

import pytest

from tests.conftest import Kindling
from tests.functions.api.test_send import ACCOUNTS, SEND, email, is_refused, sender, sent, used

CONTROL = [*map(chr, range(32)), *map(chr, range(0x7F, 0xA0)), "\u2028", "\u2029"]
FILE = {"filename": "a.txt", "content": base64.b64encode(b"hi").decode(), "content_type": "text/plain"}
NAMES = ("display_name", "first_name", "last_name")


def broken(character: str) -> dict[str, dict[str, Any]]:
    """Messages with the character in one field each, by the field that the error has to name."""
    line = f"a{character}b"
    person = f"Pat{character}Lee <pat@example.com>"
    return {
        "from": {"from": f"Kim{character}Lee <kim@acme.example>"},
        "to.1": {"to": ["max@example.com", person]},
        "cc.0": {"cc": [person]},
        "bcc.0": {"bcc": [person]},
        "reply_to": {"reply_to": person},
        "subject": {"subject": line},
        "headers.X-Campaign": {"headers": {"X-Campaign": line}},
        "headers": {"headers": {f"X{character}A": "spring"}},
        "tags.1": {"tags": ["spring", line]},
        "attachments.0.filename": {"attachments": [{**FILE, "filename": line}]},
        "attachments.1.content_type": {"attachments": [FILE, {**FILE, "content_type": f"text/plain{character}"}]},
    }


def fields_of(answer: dict[str, Any]) -> list[str]:
    return [problem["field"] for problem in answer["fields"]]


def test_a_batch_takes_no_message_that_breaks_a_line(kindling: Kindling) -> None:
    sender(kindling)
    for character in CONTROL:
        wanted = broken(character)
        emails = [{**email(), **fields} for fields in wanted.values()]
        answer = kindling.api.post(f"{SEND}/batch", {"emails": emails}).body
        assert (answer["accepted"], answer["rejected"]) == (0, len(emails)), repr(character)
        assert [fields_of(result) for result in answer["results"]] == [[field] for field in wanted], repr(character)
        assert {result["error"] for result in answer["results"]} == {"invalid_request"}
    assert (sent(kindling), used(kindling)) == ([], 0)


@pytest.mark.parametrize("character", ["\t", "\n", "\r", "\x00", "\x7f", "\x85", "\u2028", "\u2029"])
def test_a_message_that_breaks_a_line_is_refused_by_field(kindling: Kindling, character: str) -> None:
    for field, fields in broken(character).items():
        reply = kindling.test_api.post(SEND, {**email(), **fields})
        is_refused(reply, 400, "invalid_request")
        assert fields_of(reply.body) == [field]


def test_bodies_may_have_lines_and_so_may_a_signature(kindling: Kindling) -> None:
    account = sender(kindling)
    text = "Hello,\r\n\tPat\u2028Bye"
    assert kindling.api.post(SEND, email(text_body=text, html_body=text)).status == 202
    [message] = sent(kindling)
    kindling.clock.advance(seconds=5)
    assert (message["text"], message["html"]) == (text, text)
    reply = kindling.api.patch(f"{ACCOUNTS}/{account['id']}", {"signature": text})
    assert reply.status == 200, reply.body
    assert reply.body["account"]["signature"] == text


def test_an_account_takes_no_name_that_breaks_a_line_when_made_or_changed(kindling: Kindling) -> None:
    account = sender(kindling)
    new = {"username": "pat", "domain_id": account["domain_id"]}
    for character in CONTROL:
        # So that no quota is exceeded.
        kindling.clock.advance(seconds=1)
        for name in (f"Kim{character}Lee", f"Kim{character}"):
            names = dict.fromkeys(NAMES, name)
            for reply in (
                kindling.api.post(ACCOUNTS, {**new, **names}),
                kindling.api.patch(f"{ACCOUNTS}/{account['id']}", names),
            ):
                is_refused(reply, 400, "invalid_request")
                assert fields_of(reply.body) == list(NAMES), repr(character)
    shown = kindling.api.get(f"{ACCOUNTS}/{account['id']}").body["account"]
    assert {name: shown[name] for name in NAMES} == {name: account[name] for name in NAMES}
    assert len(kindling.api.get(ACCOUNTS).body["accounts"]) == 1


@pytest.mark.parametrize("content_type", ["", "pdf", "text/plain; charset", "téxt/plain", "text/plain; a=b, c/d"])
def test_an_attachment_has_a_media_type(kindling: Kindling, content_type: str) -> None:
    reply = kindling.test_api.post(SEND, email(attachments=[{**FILE, "content_type": content_type}]))
    is_refused(reply, 400, "invalid_request")
    assert fields_of(reply.body) == ["attachments.0.content_type"]


@pytest.mark.parametrize("character", ["\n", "\r", "\x00", "\x85", "\u2028"])
def test_a_keys_name_and_the_reason_of_a_pause_are_one_line(kindling: Kindling, character: str) -> None:
    domain = kindling.verified_domain()
    name = kindling.api.post("/api/keys", {"name": f"ci{character}"})
    reason = kindling.api.post(f"/v1/domains/{domain['id']}/warming/pause", {"reason": f"a{character}b"})
    for reply, field in ((name, "name"), (reason, "reason")):
        is_refused(reply, 400, "invalid_request")
        assert fields_of(reply.body) == [field]
