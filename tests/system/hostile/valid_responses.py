"""Odd but legal responses, feature by feature as in valid_requests.py; all of them are everywhere."""

from valid_messages import BLANKS, OBS_TEXT, VISIBLE, extended, odd_sizes, some, spaced, value
from valid_requests import TOKEN

SLOTS = {}


def odd(slot):
    def register(feature):
        feature.everywhere, feature.label = True, "response: " + feature.__name__.replace("_", " ")
        SLOTS.setdefault(slot, []).append(feature)
        return feature
    return register


def add(case, *fields):
    case.response.fields += fields


# Status and reason.

@odd("status")
def any_status(case, random):
    case.status = random.randint(200, 599)


@odd("status")
def known_status(case, random):
    case.status = random.choice([201, 202, 203, 206, 207, 208, 226, 300, 301, 302, 303, 305, 306, 307, 308, 400, 401, 402, 403, 404, 405, 406, 408, 409, 410, 411, 412, 413,
                                 414, 415, 416, 417, 418, 421, 422, 423, 424, 425, 426, 428, 429, 431, 451, 499, 500, 501, 502, 503, 504, 505, 507, 508, 511, 520, 599])


@odd("status")
def status_beyond_599(case, random):
    case.status = random.randint(600, 999)


@odd("status")
def no_content(case, random):
    case.status, case.response.body, case.response.framing = 204, b"", random.choice([None, "length"])  # with "Content-Length: 0", as many say it


@odd("status")
def not_modified(case, random):
    case.status = 304
    case.response.framing = random.choice([None, "length"])


@odd("status")
def reset_content(case, _):
    case.status = 205


@odd("reason")
def no_reason(case, _):
    case.reason = b""


@odd("reason")
def no_reason_and_no_blank(case, _):
    case.reason = None


@odd("reason")
def other_reason(case, random):
    case.reason = random.choice([b"Fine", b"ok", b"No. Not now!", b"200", b"HTTP/1.1 404 Not Found", b"x" * 200, b"a\tb", b"{\"error\": 1}", b"A  B", b"OK:", b" OK", b"OK "])


@odd("reason")
def reason_of_obs_text(case, random):
    case.reason = random.choice(["Größe falsch".encode(), b"Gr\xf6\xdfe", "見つかりません".encode(), b"\xff\xfe"])


# Versions and the end of the connection.

@odd("connection")
def old_version(case, random):
    case.response_version, case.endpoint_closes = b"HTTP/1.0", True
    case.response.framing = random.choice(["length", "close"])


@odd("connection")
def old_version_that_keeps_alive(case, _):
    case.response_version, case.response.framing = b"HTTP/1.0", "length"
    case.response.unchecked.append((b"Connection", b"keep-alive"))


@odd("connection")
def says_that_it_closes(case, random):
    case.endpoint_closes = True
    case.response.unchecked.append((b"Connection", random.choice([b"close", b"Close", b"close, x-of-this-hop"])))


@odd("connection")
def closes_without_a_word(case, _):
    case.endpoint_closes = True


@odd("connection")
def keeps_alive(case, random):
    case.response.unchecked += random.choice([[(b"Connection", b"keep-alive"), (b"Keep-Alive", b"timeout=5, max=1000")], [(b"Keep-Alive", b"odd")],
                                              [(b"Proxy-Connection", b"keep-alive")], [(b"Connection", b"")], [(b"Connection", b"x-hop"), (b"x-hop", b"1")]])


@odd("connection")
def in_small_pieces(case, random):
    case.pieces = random.randint(2, 8)


# Interim responses.

@odd("interim")
def hints(case, random):
    case.interims = [(103, [(b"Link", b"</%d.css>; rel=preload" % number)]) for number in range(random.choice([1, 1, 2, 3, 8, 9, 20]))]


@odd("interim")
def progress(case, random):
    case.interims = [(102, [])] * random.choice([1, 2, 9, 20])


@odd("interim")
def other_interims(case, random):
    case.interims = [(random.choice([100, 102, 103, 104, 110, 199]), []) for _ in range(random.randint(1, 4))]


# Framing.

@odd("framing")
def until_the_end(case, _):
    case.response.framing, case.endpoint_closes = "close", True


@odd("framing")
def nothing(case, random):
    case.response.body = b""
    case.response.framing = random.choice(["length", "chunked"])


@odd("framing")
def a_large_body(case, random):
    case.response.body = random.randbytes(random.choice([4096, 16384, 65535, 65536, 100_000]))
    case.response.framing = random.choice(["length", "chunked"])


@odd("framing")
def zeros_before_a_length(case, random):
    case.response.zeros = random.randint(1, 12)


@odd("framing")
def chunks(case, _):
    case.response.framing = "chunked"


@odd("framing")
def chunks_of_odd_sizes(case, random):
    case.response.framing = "chunked"
    odd_sizes(case.response, random)


@odd("framing")
def chunks_with_extensions(case, random):
    case.response.framing = "chunked"
    extended(case.response, random)


@odd("framing")
def chunks_with_blanks_in_extensions(case, random):
    case.response.framing = "chunked"
    spaced(case.response, random)


@odd("framing")
def chunked_in_other_letters(case, random):
    case.response.framing, case.response.coding = "chunked", random.choice([b"Chunked", b"CHUNKED", b"chunked \t", b"\tchunked"])


@odd("framing")
def trailers(case, random):
    case.response.framing = "chunked"
    case.response.trailers = [(b"X-Checksum", some(random, VISIBLE, 1, 20)), (b"grpc-status", b"0"), (b"Server-Timing", b"a;dur=1")][:random.randint(1, 3)]


# Fields.

@odd("fields")
def many_cookies(case, random):
    for number in range(random.randint(2, 60)):
        add(case, (b"Set-Cookie", b"c%d=%s; Path=/; Expires=Thu, 01 Jan 2099 00:00:00 GMT" % (number, some(random, b"abc", 0, 40))))


@odd("fields")
def odd_cookies(case, random):
    add(case, *[(b"Set-Cookie", text) for text in random.sample([b"a", b"=b", b"a=", b'a="b, c"', b"a=b;;", b"a=b; SameSite=odd", b"", "a=ä".encode(), b"a=\xe4", b"a=b,c=d"], 3)])


@odd("fields")
def one_long_field(case, random):
    add(case, (random.choice([b"X-Long", b"Content-Security-Policy", b"Set-Cookie", b"Location"]), some(random, VISIBLE, 2000, 16000)))


@odd("fields")
def a_long_head(case, random):
    for number in range(random.randint(5, 30)):
        add(case, (b"X-Part-%d" % number, some(random, VISIBLE, 500, 1500)))


@odd("fields")
def many_fields(case, random):
    for number in range(random.randint(50, 180)):
        add(case, (b"X-%d" % number, b"%d" % number))


@odd("fields")
def names_of_any_token(case, random):
    for _ in range(random.randint(1, 4)):
        add(case, (b"x" + some(random, TOKEN, 0, 20), b"odd name"))


@odd("fields")
def empty_values(case, random):
    add(case, *random.sample([(b"X-Empty", b""), (b"Content-Type", b""), (b"ETag", b""), (b"Cache-Control", b""), (b"Vary", b"")], 2))


@odd("fields")
def values_of_obs_text(case, random):
    add(case, (b"X-Text", value(random, VISIBLE + OBS_TEXT, 1, 60)), (b"Content-Disposition", 'attachment; filename="Größe.txt"'.encode()))


@odd("fields")
def values_of_anything_visible(case, random):
    add(case, (b"X-Text", value(random, VISIBLE, 1, 100)), (b"X-More", value(random, b"\"\\,;:()<>@[]{}?=/", 1, 30)))


@odd("fields")
def blanks_around_values(case, random):
    for number in range(3):
        case.response.ways[len(case.response.fields)] = (random.choice(BLANKS), random.choice(BLANKS))
        add(case, (b"X-Blank-%d" % number, random.choice([b"a", b"", b"a b", b"a\tb  c"])))


@odd("fields")
def repeated_fields(case, random):
    for number in range(random.randint(2, 12)):
        add(case, (b"X-Again", b"%d" % number), (b"Link", b"</%d>; rel=x" % number))


@odd("fields")
def letters_of_any_case(case, random):
    for name in random.sample(["content-type", "set-cookie", "etag", "x-some-name", "cache-control", "date"], 3):
        add(case, ("".join(random.choice([c, c.upper()]) for c in name).encode(), b"cased"))


@odd("fields")
def doubled_fields(case, random):
    name = random.choice([b"Content-Type", b"ETag", b"Server", b"Last-Modified", b"Location", b"X-Powered-By", b"Strict-Transport-Security", b"Retry-After"])
    add(case, (name, b"a"), (name, b"b"))


KNOWN = """
Accept-Ranges: bytes
Access-Control-Allow-Origin: *
Age: 1
Allow:
Allow: GET, , ODD
Cache-Control: max-age=0, private="set-cookie", odd
Clear-Site-Data: "cache", "cookies"
Content-Disposition: attachment; filename*=UTF-8''%e2%82%ac.txt; filename="b\\"c.txt"
Content-Encoding: gzip
Content-Encoding: odd
Content-Language: de, en
Content-Location: ../x
Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==
Content-Range: bytes 0-4/*
Content-Security-Policy: default-src 'self'; script-src 'nonce-a' https://*.example
Content-Type: text/html; charset="utf-8";;
Content-Type: odd
Content-Type: multipart/byteranges; boundary="a b"
Content-Type: text/event-stream
Date: Thu, 01 Jan 1970 00:00:00 GMT
DAV: 1, 2, <http://example.org/x>
ETag: "\u00e4"
ETag: odd
ETag: W/""
Expires: 0
Last-Modified: never
Link: <https://example.org/\u00e4>; rel="x y"; title*=UTF-8'de'%e4
Location: //other.example/x|y
Location: /\u00e4?a=b#frag
Location: https://localhost/a b
Location: x
NEL: {"report_to": "a"}
P3P: CP="odd"
Permissions-Policy: camera=(), x=*
Pragma: no-cache
Preference-Applied: return=minimal
Priority: u=1
Refresh: 5; url=/x
Report-To: {"group":"a","max_age":1}
Retry-After: soon
Server: odd/1.0 (x) \u00e4
Server-Timing: db;dur=53, app;dur=47.2
Set-Cookie2: a=b
SourceMap: /x.map
Status: 404
Strict-Transport-Security: max-age=1
Timing-Allow-Origin: *
Title: x
Vary: *
Vary: Accept, , Cookie
Via: 1.0 fred
Warning: 110 - "stale" "odd"
WWW-Authenticate: Negotiate
WWW-Authenticate: Basic realm="a, b", Digest realm="c", nonce=""
X-Content-Type-Options: nosniff
X-Frame-Options: ALLOW-FROM x
X-Powered-By: odd
X-UA-Compatible: IE=edge
X-XSS-Protection: 0
Upgrade-Insecure-Requests: 1
Authorization: odd
Cookie: a=b
Origin: x
Trailing: x
Early-Hints: x
Transfer: x
"""


@odd("fields")
def known_fields(case, random):
    chosen = {}
    for line in random.sample(KNOWN.strip().split("\n"), random.randint(1, 3)):
        name, _, text = line.partition(":")
        chosen[name.encode()] = text.strip().encode()
    add(case, *chosen.items())
