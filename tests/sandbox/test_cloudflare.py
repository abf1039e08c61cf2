"""Zones below `.example` and their records: filters, conflicts, limits and atomic batches."""

from typing import Any

import httpx
import pytest

from tests.sandbox.resources import zone_id

MX: dict[str, Any] = {"type": "MX", "name": "acme.example", "content": "mx.else.test", "priority": 10}
TXT: dict[str, Any] = {"type": "TXT", "name": "acme.example", "content": '"v=spf1 -all"'}
A: dict[str, Any] = {"type": "A", "name": "www.acme.example", "content": "192.0.2.1"}
CNAME: dict[str, Any] = {"type": "CNAME", "name": "www.acme.example", "content": "else.test"}


@pytest.fixture
def path(cloudflare: httpx.Client) -> str:
    return f"/zones/{zone_id(cloudflare)}/dns_records"


def create(cloudflare: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    record: dict[str, Any] = cloudflare.post(path, json=body).raise_for_status().json()["result"]
    return record


def codes(answer: httpx.Response) -> tuple[int, int, list[int]]:
    """Status, code, and the codes of the root causes."""
    body = answer.json()
    assert (body["success"], body["result"], body["messages"]) == (False, None, [])
    error = body["errors"][0]
    return answer.status_code, error["code"], [cause["code"] for cause in error.get("error_chain", [])]


def found(cloudflare: httpx.Client, path: str, **params: str) -> list[str]:
    query = {name.replace("_", "."): value for name, value in params.items()}
    return [record["content"] for record in cloudflare.get(path, params=query).json()["result"]]


def test_every_name_below_example_has_a_zone(admin: httpx.Client, cloudflare: httpx.Client) -> None:
    zone = cloudflare.get("/zones", params={"name": "Acme.example"}).json()["result"][0]
    assert (zone["name"], zone["status"], len(zone["id"])) == ("acme.example", "active", 32)
    assert zone_id(cloudflare) == zone["id"]
    assert cloudflare.get(f"/zones/{zone['id']}").json()["result"] == zone
    assert admin.get("/inventory").json()["cloudflare"] == {"zones": [], "records": []}


@pytest.mark.parametrize("name", ["mail.acme.example", "external-acme.example", "acme.test", "example", "..example"])
def test_other_names_have_no_zone(cloudflare: httpx.Client, name: str) -> None:
    answer = cloudflare.get("/zones", params={"name": name})
    assert (answer.status_code, answer.json()["result"]) == (200, [])


def test_zones_are_found_by_operators_and_paged(cloudflare: httpx.Client) -> None:
    for name in ("a1.example", "a2.example", "b1.example"):
        zone_id(cloudflare, name)

    def names(**params: str) -> list[str]:
        return [zone["name"] for zone in cloudflare.get("/zones", params=params).json()["result"]]

    assert names(name="starts_with:a", order="name", direction="desc") == ["a2.example", "a1.example"]
    assert names(name="contains:1.") == ["a1.example", "b1.example"]
    assert names(page="2", per_page="2") == ["b1.example"]
    assert names(page="3", per_page="2") == []
    assert names(status="pending") == []
    assert cloudflare.get("/zones", params={"per_page": "51"}).status_code == 400


def test_a_page_past_the_end_is_empty(cloudflare: httpx.Client, path: str) -> None:
    create(cloudflare, path, TXT)
    answer = cloudflare.get(path, params={"page": 2}).json()
    assert answer["result"] == []
    assert answer["result_info"] == {
        "page": 2,
        "per_page": 100,
        "count": 0,
        "total_count": 1,
        "total_pages": 1,
    }


def test_a_record_has_the_fields_of_the_request(cloudflare: httpx.Client, path: str) -> None:
    record = create(cloudflare, path, {**MX, "name": "Acme.example.", "comment": "kindling:1"})
    shown = {name: record[name] for name in ("name", "type", "content", "priority", "ttl", "comment")}
    assert shown == {**MX, "ttl": 1, "comment": "kindling:1"}
    assert (record["proxied"], record["proxiable"], record["tags"]) == (False, False, [])
    assert cloudflare.get(f"{path}/{record['id']}").json()["result"] == record


@pytest.mark.parametrize(
    ("name", "full"),
    [("@", "acme.example"), ("www", "www.acme.example"), ("*.acme.example", "*.acme.example")],
)
def test_names_become_full_names(cloudflare: httpx.Client, path: str, name: str, full: str) -> None:
    assert create(cloudflare, path, {**TXT, "name": name})["name"] == full


def test_a_long_text_is_returned_in_quoted_parts(cloudflare: httpx.Client, path: str) -> None:
    text = "v=DKIM1; k=rsa; p=" + "A" * 392
    record = create(cloudflare, path, {**TXT, "content": f'"{text}"'})
    assert record["content"] == f'"{text[:255]}" "{text[255:]}"'
    unquoted = {**TXT, "name": "other.acme.example", "content": text}
    assert create(cloudflare, path, unquoted)["content"] == record["content"]
    short = {**TXT, "content": "google-site-verification=1"}
    assert create(cloudflare, path, short)["content"] == "google-site-verification=1"


@pytest.mark.parametrize("body", [MX, TXT, A, CNAME])
def test_an_identical_record_is_refused(
    admin: httpx.Client, cloudflare: httpx.Client, path: str, body: dict[str, Any]
) -> None:
    create(cloudflare, path, body)
    assert codes(cloudflare.post(path, json=body)) == (400, 81058, [])
    admin.post("/settings", json={"identical_record_code": 81057})
    assert codes(cloudflare.post(path, json=body)) == (400, 81057, [])


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [
        (A, CNAME, 81053),
        (CNAME, {**CNAME, "content": "other.test"}, 81053),
        (CNAME, A, 81054),
        (CNAME, {**TXT, "name": "www.acme.example"}, 81054),
        ({"type": "NS", "name": "www.acme.example", "content": "ns.else.test"}, CNAME, 81056),
    ],
)
def test_conflicting_records_are_refused(
    cloudflare: httpx.Client, path: str, first: dict[str, Any], second: dict[str, Any], code: int
) -> None:
    create(cloudflare, path, first)
    assert codes(cloudflare.post(path, json=second)) == (400, code, [])


def test_another_text_or_host_at_the_same_name_is_no_error(cloudflare: httpx.Client, path: str) -> None:
    for body in (TXT, {**TXT, "content": '"other"'}, MX, {**MX, "priority": 20}, {**MX, "content": "b.test"}):
        create(cloudflare, path, body)
    assert len(found(cloudflare, path)) == 5


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        ({**TXT, "ttl": 30}, 9021),
        ({**TXT, "proxied": True}, 9004),
        ({**TXT, "tags": ["owner:kindling"]}, 9300),
        ({**TXT, "comment": "x" * 101}, 9313),
        ({**TXT, "content": '"unfinished'}, 9207),
        ({**TXT, "content": "x" * 2049}, 9207),
        ({**TXT, "content": 7}, 9207),
        ({**TXT, "value": "x"}, 9207),
        ({**TXT, "name": "a b.acme.example"}, 9000),
        ({**TXT, "type": "SPF"}, 9001),
        ({"type": "TXT", "name": "acme.example"}, 9207),
        ({**MX, "priority": None}, 9100),
        ({**MX, "content": "not a host"}, 9007),
        ({**A, "content": "2001:db8::1"}, 9005),
        ({**A, "type": "AAAA"}, 9006),
    ],
)
def test_an_invalid_record_is_refused(cloudflare: httpx.Client, path: str, body: dict[str, Any], cause: int) -> None:
    assert codes(cloudflare.post(path, json=body)) == (400, 1004, [cause])


def test_the_texts_of_one_name_have_a_limit(cloudflare: httpx.Client, path: str) -> None:
    for letter in "abcd":
        create(cloudflare, path, {**TXT, "content": letter * 2000})
    assert codes(cloudflare.post(path, json={**TXT, "content": "e" * 2000})) == (400, 1004, [9207])


def test_a_patch_keeps_omitted_fields_and_a_put_does_not(cloudflare: httpx.Client, path: str) -> None:
    record = create(cloudflare, path, {**MX, "comment": "kindling:1", "ttl": 300})
    one = f"{path}/{record['id']}"
    patched = cloudflare.patch(one, json={"priority": 20}).json()["result"]
    assert (patched["priority"], patched["comment"], patched["ttl"]) == (20, "kindling:1", 300)
    put = cloudflare.put(one, json=MX).json()["result"]
    assert (put["id"], put["priority"], put["comment"], put["ttl"]) == (record["id"], 10, None, 1)


def test_a_missing_record_has_its_own_code(cloudflare: httpx.Client, path: str) -> None:
    record = create(cloudflare, path, TXT)
    one = f"{path}/{record['id']}"
    assert cloudflare.delete(one).json()["result"] == {"id": record["id"]}
    for answer in (cloudflare.delete(one), cloudflare.get(one), cloudflare.patch(one, json={})):
        assert codes(answer) == (404, 81044, [])


def test_records_are_found_by_filters(cloudflare: httpx.Client, path: str) -> None:
    create(cloudflare, path, {**TXT, "content": "one", "comment": "kindling:1"})
    create(cloudflare, path, {**TXT, "name": "mail.acme.example", "content": "two", "comment": "Kindling:2"})
    create(cloudflare, path, {**A, "comment": "by hand"})
    assert found(cloudflare, path, name="acme.example") == ["one"]
    assert found(cloudflare, path, name_exact="ACME.example", type="TXT") == ["one"]
    assert found(cloudflare, path, name_endswith=".acme.example") == ["two", "192.0.2.1"]
    assert found(cloudflare, path, comment_exact="kindling:2") == ["two"]
    assert found(cloudflare, path, comment_startswith="kindling:") == ["one", "two"]
    assert found(cloudflare, path, comment_contains="hand") == ["192.0.2.1"]
    assert found(cloudflare, path, content="two") == ["two"]
    assert found(cloudflare, path, search="WWW") == ["192.0.2.1"]
    assert found(cloudflare, path, match="any", type="A", content_exact="one") == ["one", "192.0.2.1"]
    assert found(cloudflare, path, order="content", direction="desc") == ["two", "one", "192.0.2.1"]
    assert codes(cloudflare.get(path, params={"comment.prefix": "kindling:"})) == (400, 1004, [9207])


def test_a_batch_runs_deletes_patches_puts_and_posts_in_that_order(cloudflare: httpx.Client, path: str) -> None:
    old = create(cloudflare, path, CNAME)
    mx = create(cloudflare, path, MX)
    txt = create(cloudflare, path, TXT)
    batch = {
        "posts": [A],
        "puts": [{**TXT, "id": txt["id"], "content": "put"}],
        "patches": [{"id": mx["id"], "priority": 5}],
        "deletes": [{"id": old["id"]}],
    }
    result = cloudflare.post(f"{path}/batch", json=batch).raise_for_status().json()["result"]
    assert result["deletes"] == [old]
    assert [record["priority"] for record in result["patches"]] == [5]
    assert [record["content"] for record in result["puts"]] == ["put"]
    assert [record["content"] for record in result["posts"]] == ["192.0.2.1"]
    assert sorted(found(cloudflare, path)) == ["192.0.2.1", "mx.else.test", "put"]


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        ({"posts": [{**TXT, "content": "new"}, TXT]}, (400, 81058, [])),
        ({"posts": [{**TXT, "content": "new"}, {**TXT, "ttl": 2}]}, (400, 1004, [9021])),
        ({"deletes": [{"id": "0" * 32}]}, (404, 81044, [])),
        ({"posts": [{**TXT, "content": str(number)} for number in range(201)]}, (400, 1004, [9207])),
        ({"post": []}, (400, 1004, [9207])),
    ],
)
def test_a_batch_that_fails_changes_nothing(
    admin: httpx.Client,
    cloudflare: httpx.Client,
    path: str,
    last: dict[str, Any],
    expected: tuple[int, int, list[int]],
) -> None:
    create(cloudflare, path, TXT)
    mx = create(cloudflare, path, MX)
    before = admin.get("/inventory").json()
    batch = {"patches": [{"id": mx["id"], "priority": 5}], **last}
    assert codes(cloudflare.post(f"{path}/batch", json=batch)) == expected
    assert admin.get("/inventory").json() == before


def test_the_inventory_names_the_zone_of_a_record(admin: httpx.Client, cloudflare: httpx.Client, path: str) -> None:
    before = admin.get("/inventory").json()
    record = create(cloudflare, path, TXT)
    stands = admin.get("/inventory").json()["cloudflare"]
    assert [zone["name"] for zone in stands["zones"]] == ["acme.example"]
    assert stands["records"] == [{**record, "zone_id": zone_id(cloudflare), "zone_name": "acme.example"}]
    cloudflare.delete(f"{path}/{record['id']}")
    assert admin.get("/inventory").json() == before


def test_a_token_is_checked(cloudflare: httpx.Client) -> None:
    answer = cloudflare.get("/user/tokens/verify").json()
    assert answer["result"]["status"] == "active"
    for header in ("", "cf_token", "Bearer", "Bearer a b"):
        malformed = cloudflare.get("/zones", headers={"Authorization": header})
        assert codes(malformed) == (400, 6003, [6111])
    unknown = cloudflare.get("/zones", headers={"Authorization": "Bearer other"})
    assert codes(unknown) == (403, 10000, [])


def test_a_zone_that_was_never_looked_up_does_not_exist(cloudflare: httpx.Client) -> None:
    assert codes(cloudflare.get(f"/zones/{'0' * 32}/dns_records")) == (403, 9109, [])
    assert codes(cloudflare.get("/nothing")) == (404, 7003, [])
