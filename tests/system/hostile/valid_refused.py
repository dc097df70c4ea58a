"""What nginx and HAProxy pass, and Gatehouse refuses or alters on purpose: a row for each class, as in the table of
deploy/guides/coming-from.md, and the features that show it (some of them those of valid_requests.py and its like)."""

import collections

import valid_messages as messages
import valid_requests as requests
import valid_responses as responses
from valid_requests import odd, some


@odd("target")
def controls_in_a_path(case, random):
    case.target = b"/a/x" + random.choice([b"%0a", b"%0d%0a", b"%01", b"%7f", b"%1B", b"%09"]) + b"y"


@odd("target")
def a_backslash_in_a_path(case, random):
    case.target = random.choice([b"/a\\b", b"/\\", b"/a/..\\b", b"/a/b\\"])


@odd("target")
def a_way_above_the_root(case, random):
    case.target = random.choice([b"/..;x/b", b"/a/..;/..;x=1/b", b"/..%5Cb", b"/a/..%5c..%5c..%5cb", b"/%2e%2e;/b"])


@odd("target")
def a_target_beyond_the_limit(case, random):
    case.target = b"/q?" + some(random, b"abc019=&", 8300, 12000)


@odd("fields")
def more_fields_than_the_limit(case, random):
    messages.add(case, *((b"X-%d" % number, b"1") for number in range(random.randint(101, 180))))


@odd("fields")
def a_larger_head_than_the_limit(case, random):
    messages.add(case, *((b"X-Part-%d" % number, some(random, b"abc", 1500, 1600)) for number in range(25)))


@odd("fields")
def asserted_fields(case, random):
    messages.add(case, *random.sample([(b"X-Forwarded-For", b"192.0.2.1"), (b"X-Forwarded-Proto", b"https"), (b"X-Real-IP", b"192.0.2.1"), (b"Forwarded", b"for=192.0.2.1"),
                                       (b"X-Original-URL", b"/x"), (b"Client-Cert", b":AA==:"), (b"X-Client-IP", b"192.0.2.1"), (b"Proxy", b"http://a.example"),
                                       (b"X_Forwarded_For", b"192.0.2.1")], 2))


@odd("fields")
def framing_in_disguise(case, random):
    messages.add(case, (random.choice([b"Content_Length", b"Transfer_Encoding"]), b"5"))


@odd("fields", everywhere=False)
def nominated_fields(case, _):
    messages.add(case, (b"Connection", b"keep-alive, X-Nominated"), (b"X-Nominated", b"of this hop"))


@odd("fields", everywhere=False)
def fields_for_a_proxy(case, random):
    messages.add(case, random.choice([(b"Proxy-Authorization", b"Basic eDp5"), (b"HTTP2-Settings", b"AAMAAABkAAQAAP__"), (b"Trailer", b"X-Checksum")]))


@odd("fields")
def max_forwards(case, random):
    case.method = b"OPTIONS"
    messages.add(case, (b"Max-Forwards", b"%d" % random.randint(1, 70)))


@odd("fields")
def another_expectation(case, random):
    case.request.unchecked.append((b"Expect", random.choice([b"odd", b"100-continue, odd", b"200-ok"])))


@odd("fields")
def via(case, _):
    messages.add(case, (b"Via", b"1.0 fred, 1.1 p.example.net (a comment)"))


@odd("fields")
def odd_request_ids(case, random):
    messages.add(case, (b"X-Request-Id", random.choice([b"{a b}", b"x" * 129, b"a,b", b"\xe4", b"a;b"])))


@responses.odd("fields")
def fields_for_a_proxy_or_a_hop(case, random):
    responses.add(case, random.choice([(b"Proxy-Authenticate", b"Basic"), (b"Proxy-Foo", b"x"), (b"Trailer", b"X-Checksum")]))


@responses.odd("fields")
def alternatives(case, _):
    responses.add(case, (b"Alt-Svc", b'h3=":8443"; ma=60'))


@responses.odd("fields")
def proxy_status(case, _):
    responses.add(case, (b"Proxy-Status", b"inner; error=connection_refused"))


@responses.odd("fields")
def request_id_of_an_endpoint(case, _):
    responses.add(case, (b"X-Request-Id", b"of the endpoint"))


@responses.odd("fields")
def more_fields_than_can_be(case, random):
    responses.add(case, *((b"X-%d" % number, b"1") for number in range(random.randint(210, 400))))


def labels(*features):
    return frozenset(feature.label for feature in features)


# Of a case with one of these features, what becomes: a facet that changes (a regular expression), or everything, by an answer with one
# of these statuses (0: by a reset).
Row = collections.namedtuple("Row", "features facet statuses", defaults=("", ()))

DELIBERATE = {
    "`\" < > ^ { \\| }` and the like, and UTF-8, that nobody has escaped": Row(
        labels(requests.raw_characters, requests.raw_utf8, requests.raw_bytes, requests.query_of_raw_characters, requests.query_of_raw_utf8), "target"),
    "`\\` in a path": Row(labels(a_backslash_in_a_path), statuses=(400, 0)),
    "`/..;x/`, `/..%5C` and the like, which lead above the root": Row(labels(a_way_above_the_root), statuses=(400,)),
    "`%0a`, `%01` and other controls in a path": Row(labels(controls_in_a_path), statuses=(400,)),
    "a target of more than 8 KiB": Row(labels(a_target_beyond_the_limit), statuses=(414,)),
    "more than 100 fields, or 32 KiB of them, in a request": Row(labels(more_fields_than_the_limit, a_larger_head_than_the_limit), statuses=(431, 0)),
    "more than 200 fields in a response": Row(labels(more_fields_than_can_be), statuses=(502,)),
    "a method of more than 32 characters": Row(labels(requests.long_method), statuses=(400, 0)),
    "`!`, `~`, `%20` and the like in `Host`": Row(labels(requests.host_of_legal_marks, requests.host_of_escapes), statuses=(400, 0)),
    "a dot or an empty port behind the name in `Host`": Row(labels(requests.host_with_a_dot_behind, requests.host_with_an_empty_port), "host"),
    "`X-Forwarded-For`, `X-Real-IP`, `X-Original-URL` and others like them, from a stranger": Row(labels(asserted_fields), "request field .*"),
    "`Content_Length`, `Transfer_Encoding`": Row(labels(framing_in_disguise), statuses=(400, 0)),
    "fields that `Connection` names; `Trailer`, `Proxy-Authorization`, `HTTP2-Settings`": Row(labels(nominated_fields, fields_for_a_proxy), "request field .*"),
    "`Via`; `Max-Forwards` of OPTIONS": Row(labels(via, max_forwards), "request field (via|max-forwards)"),
    "an `Expect` other than `100-continue`": Row(labels(another_expectation), statuses=(417,)),
    "an `X-Request-Id` of odd characters, or of more than 128": Row(labels(odd_request_ids), "request field x-request-id"),
    "blanks in chunk extensions, `5 ;a = b`": Row(labels(messages.chunks_with_blanks_in_extensions, responses.chunks_with_blanks_in_extensions),
                                                 "response body|whole response|status", (400, 502, 0)),
    "`Trailer`, `Proxy-Authenticate` and other `Proxy-` fields of an endpoint": Row(labels(fields_for_a_proxy_or_a_hop), "response field .*"),
    "`Alt-Svc` of an endpoint": Row(labels(alternatives), "response field alt-svc"),
    "`X-Request-Id` of an endpoint": Row(labels(request_id_of_an_endpoint), "response field x-request-id"),
    "`Proxy-Status` of an endpoint": Row(labels(proxy_status), "response field proxy-status"),
}
