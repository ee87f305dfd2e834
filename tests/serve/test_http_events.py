"""`POST /v1/events` as senders meet it: what counts, what is refused, in which form bodies may come."""

from __future__ import annotations

import gzip
import json
import os

import pytest

from .running import JSON, LINES, Running, dead_letters, encoded, journal, journal_ids, lines, review, zipped

pytestmark = pytest.mark.xdist_group("http-events")


def answer(accepted: int = 0, duplicates: int = 0, rejected: int = 0) -> tuple[int, int, int]:
    return accepted, duplicates, rejected


def counts(body: dict[str, object]) -> tuple[int, int, int]:
    assert sorted(body) == ["accepted", "duplicates", "rejected"]
    rejected = body["rejected"]
    assert isinstance(rejected, list)
    assert all(sorted(one) == ["code", "index", "message", "path"] for one in rejected)
    return body["accepted"], body["duplicates"], len(rejected)  # type: ignore[return-value]


def test_an_event_is_on_the_disk_when_it_is_acknowledged(server: Running) -> None:
    event = review(review_comment_message="não gostei")
    said = server.post(encoded(event))
    assert (said.status_code, counts(said.json())) == (200, answer(accepted=1))
    assert said.headers["content-type"] == "application/json"
    line = journal(server.home)[-1]
    assert (line["event_id"], line["source"], line["event_type"]) == (event["event_id"], "http", "order_review")
    assert line["data"]["order_reviews"]["review_comment_message"] == "não gostei"


def test_a_duplicate_counts_once_and_is_no_error(server: Running) -> None:
    event = encoded(review())
    assert counts(server.post(event).json()) == answer(accepted=1)
    again = server.post(event)
    assert (again.status_code, counts(again.json())) == (200, answer(duplicates=1))
    both = review()
    said = server.post(lines([both, both]), LINES)
    assert counts(said.json()) == answer(accepted=1, duplicates=1)
    assert journal_ids(server.home).count(both["event_id"]) == 1


@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-ndjson",
        "application/jsonl",
        "application/json-lines",
        "application/json",
        "Application/X-NDJSON; charset=utf-8",
    ],
)
def test_lines(server: Running, content_type: str) -> None:
    events = [review() for _ in range(5)]
    body = b"\r\n  \n" + lines(events[:3]) + b"\n" + lines(events[3:]).replace(b"\n", b"\r\n").rstrip()
    said = server.post(body, {"Content-Type": content_type})
    assert (said.status_code, counts(said.json())) == (200, answer(accepted=5))
    assert journal_ids(server.home)[-5:] == [event["event_id"] for event in events]


@pytest.mark.parametrize("content_type", ["application/json", "application/json;charset=UTF-8", "APPLICATION/JSON"])
def test_one_event_over_many_lines(server: Running, content_type: str) -> None:
    event = review()
    said = server.post(json.dumps(event, indent=2).encode() + b"\n", {"Content-Type": content_type})
    assert (said.status_code, counts(said.json())) == (200, answer(accepted=1))
    assert journal_ids(server.home)[-1] == event["event_id"]


BOM = b"\xef\xbb\xbf"


@pytest.mark.parametrize("headers", [JSON, LINES])
def test_a_byte_order_mark_at_the_start(server: Running, headers: dict[str, str]) -> None:
    events = [review(), review(), review()]
    for body in (encoded(events[0]), lines(events[1:])):
        said = server.post(BOM + body, headers)
        assert (said.status_code, counts(said.json())[2]) == (200, 0)
    assert journal_ids(server.home)[-3:] == [event["event_id"] for event in events]
    packed = server.post(zipped(BOM + lines([review()])), headers | {"Content-Encoding": "gzip"})
    assert counts(packed.json()) == answer(accepted=1)
    assert counts(server.post(lines([review()]) + b"\n" + BOM + encoded(review()), headers).json()) == answer(1, 0, 1)


@pytest.mark.parametrize("indent", [None, 0, 2])
@pytest.mark.parametrize("before", [b"", b"\r\n ", BOM])
def test_an_array(server: Running, indent: int | None, before: bytes) -> None:
    events = [review() for _ in range(3)]
    said = server.post(before + json.dumps(events, indent=indent).encode() + b"\n")
    assert (said.status_code, counts(said.json())) == (200, answer(accepted=3))
    assert journal_ids(server.home)[-3:] == [event["event_id"] for event in events]


def test_bad_elements_do_not_stop_good_ones(server: Running) -> None:
    good = [review(), review()]
    bad = [b"[7]", encoded(review(review_score=9)), b'{"price": NaN}', b"half"]
    for some, codes in ((bad[:2], ["wrong_type", "bad_value"]), (bad, ["wrong_type", "bad_value", *["not_json"] * 2])):
        body = b"[" + b",\n".join([encoded(good[0]), *some, encoded(good[1])]) + b"]"
        said = server.post(body)
        assert said.status_code == 200
        rejected = said.json()["rejected"]
        assert [(one["index"], one["code"]) for one in rejected] == [*enumerate(codes, 1)]
        assert [letter["raw"].encode() for letter in dead_letters(server.home)[-len(some) :]] == some
    assert journal_ids(server.home)[-2:] == [event["event_id"] for event in good]


def test_an_array_of_too_many_or_none(server: Running) -> None:
    assert server.post(b"[]").json()["error"]["code"] == "empty_body"
    for body in (b"[" + b"1," * 50_000 + b"1]", b"[" + b"1," * 2_000_000 + b"1]"):
        said = server.post(body)
        assert (said.status_code, said.json()["error"]["code"]) == (413, "too_many_messages")
    for body in (b"[" * 600_000, b"[" * 1_100_000, b"[" + b"]" * 1_100_000, b"[{" + b'"a":1,' * 1_100_000):
        said = server.post(body)
        assert said.status_code in (400, 413)
        assert "rejected" in said.json()


def test_a_line_that_is_an_array_is_none_in_json_lines(server: Running) -> None:
    said = server.post(b"[" + encoded(review()) + b"]\n", LINES)
    assert (said.status_code, said.json()["rejected"][0]["code"]) == (400, "wrong_type")


def test_a_broken_event_over_many_lines_is_one_dead_letter(server: Running) -> None:
    body = json.dumps(review(), indent=2).encode()[:-2]
    said = server.post(body)
    assert (said.status_code, counts(said.json())) == (400, answer(rejected=1))
    assert dead_letters(server.home)[-1]["raw"] == body.decode()


def test_bad_messages_do_not_stop_good_ones(server: Running) -> None:
    good = [review(), review()]
    body = b"\n".join([encoded(good[0]), b"", b'{"half', encoded(review(review_score=9)), encoded(good[1])])
    for headers in (LINES, JSON):
        said = server.post(body, headers)
        assert said.status_code == 200
        rejected = said.json()["rejected"]
        assert [(one["index"], one["code"]) for one in rejected] == [(1, "not_json"), (2, "bad_value")]
        assert rejected[1]["path"] == "$.data.order_reviews.review_score"
    assert [letter["raw"] for letter in dead_letters(server.home)[-4::2]] == ['{"half'] * 2
    assert journal_ids(server.home)[-2:] == [event["event_id"] for event in good]


def test_nothing_accepted_is_400(server: Running) -> None:
    said = server.post(b"{}\n[]\n", LINES)
    assert (said.status_code, counts(said.json())) == (400, answer(rejected=2))
    known = review()
    server.post(encoded(known))
    assert server.post(encoded(known) + b"\n{}\n", LINES).status_code == 200  # the duplicate counts


@pytest.mark.parametrize("body", [b"", b" \r\n\n\t "])
@pytest.mark.parametrize("headers", [JSON, LINES, JSON | {"Content-Encoding": "gzip"}])
def test_an_empty_body(server: Running, body: bytes, headers: dict[str, str]) -> None:
    said = server.post(zipped(body) if "Content-Encoding" in headers else body, headers)
    assert (said.status_code, said.json()["error"]["code"]) == (400, "empty_body")


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded", "application/xml"])
def test_other_content_types(server: Running, content_type: str | None) -> None:
    event = review()
    said = server.post(encoded(event), {"Content-Type": content_type} if content_type else {})
    assert said.status_code == 415
    error = said.json()["error"]
    assert (error["code"], sorted(error)) == ("unsupported_media_type", ["code", "hint", "message"])
    assert "application/json" in error["message"] and "application/x-ndjson" in error["message"]
    assert error["hint"].startswith("for example: curl ")
    assert event["event_id"] not in journal_ids(server.home)


def test_gzip(server: Running) -> None:
    events = [review() for _ in range(300)]
    for body in (zipped(lines(events[:200])), zipped(lines(events[200:250])) + zipped(lines(events[250:]))):
        said = server.post(body, LINES | {"Content-Encoding": "GZIP"})
        assert said.status_code == 200
    assert journal_ids(server.home)[-300:] == [event["event_id"] for event in events]


def test_gzip_in_many_pieces(server: Running) -> None:
    events = [review(review_comment_message=os.urandom(600).hex()) for _ in range(400)]
    body = zipped(lines(events))
    assert len(body) > 100_000
    said = server.client.post(
        "/v1/events",
        content=(body[start : start + 1000] for start in range(0, len(body), 1000)),
        headers=LINES | {"Content-Encoding": "gzip"},
    )
    assert counts(said.json()) == answer(accepted=400)


PACKED = zipped(encoded(review()))
BROKEN_GZIP = {
    "no gzip at all": b"no gzip at all",
    "cut off": PACKED[:-3],
    "wrong checksum": PACKED[:-8] + b"\0" * 8,
    "something after it": PACKED + b"and then something",
    "thousands of empty members": zipped(b"") * 2000,
    "nothing": b"",
}


@pytest.mark.parametrize("name", BROKEN_GZIP)
def test_broken_gzip(server: Running, name: str) -> None:
    body = BROKEN_GZIP[name]
    before = len(journal(server.home))
    said = server.post(body, JSON | {"Content-Encoding": "gzip"})
    assert (said.status_code, said.json()["error"]["code"]) == (400, "bad_gzip")
    assert len(journal(server.home)) == before


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "zstd"])
def test_other_encodings(server: Running, encoding: str) -> None:
    said = server.post(encoded(review()), JSON | {"Content-Encoding": encoding})
    assert (said.status_code, said.json()["error"]["code"]) == (415, "unsupported_encoding")


def test_an_event_over_one_mebibyte(server: Running) -> None:
    large = encoded(review(review_comment_message="x" * 2**20))
    for body, headers in ((large, JSON), (large + b"\n" + large, LINES)):
        said = server.post(body, headers)
        assert said.status_code == 413
        assert {one["code"] for one in said.json()["rejected"]} == {"too_large"}
    assert server.post(large + b"\n{}\n", LINES).status_code == 400
    small = review()
    said = server.post(large + b"\n" + encoded(small), LINES)
    assert (said.status_code, counts(said.json())) == (200, answer(accepted=1, rejected=1))
    assert dead_letters(server.home)[-1]["raw"] == large.decode()


def test_too_many_lines(server: Running) -> None:
    said = server.post(b"1\n" * 50_001, LINES)
    assert (said.status_code, said.json()["error"]["code"]) == (413, "too_many_messages")


def test_a_large_batch(server: Running) -> None:
    events = [review() for _ in range(20_000)]
    said = server.post(gzip.compress(lines(events), 1), LINES | {"Content-Encoding": "gzip"})
    assert counts(said.json()) == answer(accepted=20_000)
    assert journal_ids(server.home)[-20_000:] == [event["event_id"] for event in events]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "HEAD"])
def test_other_methods(server: Running, method: str) -> None:
    said = server.client.request(method, "/v1/events")
    assert (said.status_code, said.headers["allow"]) == (405, "POST")


def test_the_ledger_of_the_metrics_balances(server: Running) -> None:
    names = ("accepted", "duplicates", "dead_letters")
    before = [server.metric(f'armazem_messages_total{{outcome="{name}",source="http"}}') for name in names]
    event = encoded(review())
    server.post(b"\n".join([event, event, b"{}", b"[]", event]), LINES)
    after = [server.metric(f'armazem_messages_total{{outcome="{name}",source="http"}}') for name in names]
    assert [new - old for new, old in zip(after, before, strict=True)] == [1, 2, 2]
    assert after[0] == len(journal(server.home)) == server.metric("armazem_journal_seq")
    assert after[2] == len(dead_letters(server.home))
    assert server.metric("armazem_queue_messages") == 0
