"""Odd but legal fields and bodies of requests, feature by feature as in valid_requests.py."""

import string
import urllib.parse
from random import Random

from valid_requests import TOKEN, odd, some

VISIBLE = bytes(range(0x21, 0x7F))
OBS_TEXT = bytes(range(0x80, 0x100))
SIZES = [1, 2, 15, 16, 255, 256, 1000, 4096, 20000, 70000]
BLANKS = [b"", b" ", b"  ", b"\t", b" \t "]


def add(case, *fields):
    case.request.fields += fields


def value(random, alphabet, least, most):
    """Of these, with blanks within."""
    return some(random, alphabet + b" \t", least, most).strip(b" \t")


# Fields.

@odd("fields")
def one_long_cookie(case, random):
    add(case, (b"Cookie", b"session=" + some(random, b"abcXYZ019+/=_-.%", 1000, 7900)))


@odd("fields")
def many_cookies_in_a_line(case, random):
    add(case, (b"Cookie", b"; ".join(b"c%d=%s" % (n, some(random, b"abc019=", 0, 30)) for n in range(random.randint(2, 180)))))


@odd("fields")
def odd_cookies(case, random):
    kinds = [b'a="quoted"', b'a="with space, and comma"', b"a", b"=a", b"a=", b"a=b=c", b"a=;; b=", b"$Version=1; a=b", b"a={\"json\":[1,2]}", b"a=b;c=d", b"a=b; a=b",
             b"__Host-x=%20", b"a=b;", b"a=\xe4\xf6", "a=ä".encode(), b"a[b]=c", b"a=b, c=d", b"a=\\b", b"a=b;\tc=d"]
    add(case, (b"Cookie", random.choice(kinds)))


@odd("fields")
def many_lines_of_cookies(case, random):
    for number in range(random.randint(2, 180)):
        add(case, (b"Cookie", b"c%d=%d" % (number, number)))


@odd("fields")
def names_of_any_token(case, random):
    for _ in range(random.randint(1, 4)):
        add(case, (b"x" + some(random, TOKEN, 0, 20), b"odd name"))


@odd("fields")
def names_with_marks(case, random):
    add(case, (random.choice([b"x_y", b"x.y", b"X_Api_Key", b"access_token", b"_x", b"x-", b"-x", b"1", b"client_id", b"x--y", b"sec-ch-ua"]), b"marked"))


@odd("fields")
def a_long_name(case, random):
    add(case, (b"x" + some(random, b"abc-", 100, 1000), b"long name"))


@odd("fields")
def empty_values(case, random):
    add(case, *random.sample([(b"X-Empty", b""), (b"Accept", b""), (b"User-Agent", b""), (b"Cookie", b""), (b"Referer", b""), (b"Authorization", b"")], 2))


@odd("fields")
def values_of_obs_text(case, random):
    add(case, (b"X-Text", value(random, VISIBLE + OBS_TEXT, 1, 60)), (b"User-Agent", "Größe 日本".encode()))


@odd("fields")
def values_of_anything_visible(case, random):
    add(case, (b"X-Text", value(random, VISIBLE, 1, 100)), (b"X-More", value(random, b"\"\\,;:()<>@[]{}?=/", 1, 30)))


@odd("fields", everywhere=False)
def blanks_around_values(case, random):
    for number in range(3):
        case.request.ways[len(case.request.fields)] = (random.choice(BLANKS), random.choice(BLANKS))
        add(case, (b"X-Blank-%d" % number, random.choice([b"a", b"", b"a b", b"a\tb  c"])))


@odd("fields")
def a_long_value(case, random):
    add(case, (b"X-Long", some(random, VISIBLE, 1000, 7900)))


@odd("fields")
def a_long_head(case, random):
    for number in range(random.randint(4, 20)):
        add(case, (b"X-Part-%d" % number, some(random, VISIBLE, 500, 1200)))


@odd("fields")
def many_fields(case, random):
    for number in range(random.randint(40, 90)):
        add(case, (b"X-%d" % number, b"%d" % number))


@odd("fields")
def repeated_fields(case, random):
    for number in range(random.randint(2, 12)):
        add(case, (b"X-Again", b"%d" % number), (b"Accept", b"type/%d" % number))


@odd("fields")
def letters_of_any_case(case, random):
    for name in random.sample(["accept", "user-agent", "x-some-name", "if-none-match", "authorization"], 3):
        add(case, ("".join(random.choice([c, c.upper()]) for c in name).encode(), b"cased"))


@odd("fields")
def doubled_fields(case, random):
    name = random.choice([b"User-Agent", b"Referer", b"Content-Type", b"Accept-Language", b"Origin", b"Range", b"Pragma", b"DNT"])
    add(case, (name, b"a"), (name, b"b"))


KNOWN = """
Accept: */*;q=0.000
Accept: text/html;level=1;q=.5, , */*
Accept-Charset: utf-8, *;q=0
Accept-Encoding: identity;q=0, *;q=0
Accept-Encoding: br, zstd, gzip, deflate, x-odd
Accept-Language: zh-Hant-TW, *;q=0.1
Authorization: Basic dXNlcjpwYXNz
Authorization: Digest username="a\\"b", realm="x", nonce="", uri="/", response=""
Authorization: Negotiate YII=
Authorization: AWS4-HMAC-SHA256 Credential=A/20260101/eu/s3/aws4_request, SignedHeaders=host;x-amz-date, Signature=0
Cache-Control: no-cache="x, y", max-age=00000000000000000000001, odd
Content-Disposition: form-data; name="a"; filename="b\\"c.txt"
Content-Encoding: br
Content-Language: de
Content-Location: /elsewhere
Content-Range: bytes */*
Content-Type: multipart/form-data; boundary="----a'()+_,-./:=? b"
Content-Type: text/plain;charset="utf-8";;
Content-Type: odd
Date: yesterday
DNT: 1
From: a@b.example
If-Match: *
If-Match: "a", W/"b", ""
If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT
If-Modified-Since: 0
If-None-Match: "a,b", W/"\u00e4"
If-Range: "a"
If-Unmodified-Since: Sunday, 06-Nov-94 08:49:37 GMT
Last-Event-ID: {"a": 1}
MIME-Version: 1.0
Origin: null
Pragma: no-cache
Prefer: return=minimal; foo="a, b"
Priority: u=0, i
Proxy-Foo: bar
Range: bytes=0-0,-1
Range: odd=1-
Referer: about:blank
Referer: https://example.org/\u00e4?q=|x|
Save-Data: on
Sec-CH-UA: "Not)A;Brand";v="8", "Chromium";v="138"
Sec-Fetch-Mode: navigate
Sec-WebSocket-Key: odd
SOAPAction: ""
Timeout: Infinite, Second-4100000000
Depth: infinity
Destination: http://localhost/x%2Fy
Overwrite: F
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
tracestate: a=b,c=d
baggage: a=%20;x
Upgrade-Insecure-Requests: 1
User-Agent: Mozilla/5.0 (X11; "odd" \\(nested (deep)\\)) ~!@#$%^&*
User-Agent: () { :; }
Warning: 199 - "odd"
X-HTTP-Method-Override: DELETE
X-Request-Id: 0a1b-2c.3d_4e
X-Requested-With: XMLHttpRequest
X-Correlation-Id: {a b}
Status: 200
HTTP2-Foo: x
Set-Cookie: a=b
Server: odd
Location: /x
"""


@odd("fields")
def known_fields(case, random):
    chosen = {}
    for line in random.sample(KNOWN.strip().split("\n"), random.randint(1, 3)):
        name, _, text = line.partition(": ")
        chosen[name.encode()] = text.encode()
    add(case, *chosen.items())


# Bodies.

def body(random):
    """A text, a form, bytes, or what looks like a request or an end."""
    size = random.choice(SIZES if random.random() < 0.1 else SIZES[:6])
    return random.choice([b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n", urllib.parse.urlencode({"a": "ä b", "c": "d&"}).encode(), random.randbytes(size),
                          random.randbytes(size), b"\r\n\r\n", b"0\r\n\r\n"])


def posted(case, random):
    if case.method == b"GET":
        case.method = random.choice([b"POST", b"PUT", b"PATCH", b"POST"])
    case.request.body = body(random)


@odd("body")
def a_length(case, random):
    posted(case, random)
    case.request.framing = "length"


@odd("body")
def no_body_and_a_length(case, random):
    case.request.framing = "length"
    if random.random() < 0.5:
        case.method = b"POST"


@odd("body", everywhere=False)
def zeros_before_a_length(case, random):
    posted(case, random)
    case.request.framing, case.request.zeros = "length", random.randint(1, 12)


@odd("body")
def a_body_where_none_is_wanted(case, random):
    posted(case, random)
    case.method = random.choice([b"GET", b"DELETE", b"OPTIONS", b"HEAD", b"PROPFIND"])
    case.request.framing = random.choice(["length", "chunked"])


@odd("body")
def chunks(case, random):
    posted(case, random)
    case.request.framing = "chunked"


@odd("body", everywhere=False)
def an_empty_chunked_body(case, random):
    case.request.framing, case.method = "chunked", random.choice([b"POST", b"GET", b"DELETE"])


def cut(data, random):
    """In parts of odd sizes; where it is short perhaps byte by byte."""
    most = 1 if len(data) < 50 and random.random() < 0.3 else max(len(data) // 3, 1)
    at = 0
    while at < len(data):
        size = random.randint(1, most)
        yield data[at:at + size]
        at += size


def size_lines(random):
    """How each chunk size is written."""
    kind = random.choice([b"%x", b"%X", b"%04x", b"%016X"])
    return lambda size: kind % size


def odd_sizes(message, random):
    write, last, seed = size_lines(random), random.choice([b"0\r\n", b"000\r\n"]), random.random()
    message.chunks = lambda body: b"".join(b"%s\r\n%s\r\n" % (write(len(part)), part) for part in cut(body, Random(seed))) + last


def extended(message, random):
    kind = random.choice([b";a", b";a=b", b';a="b"', b';a="b\\"c;d"', b";a;b=c", b";" + some(random, string.ascii_letters.encode(), 1, 60) + b"=x", b";!#$%=~"])
    last, seed = b"0" + random.choice([b"", kind]) + b"\r\n", random.random()
    message.chunks = lambda body: b"".join(b"%x%s\r\n%s\r\n" % (len(part), kind, part) for part in cut(body, Random(seed))) + last


def spaced(message, random):
    kind = random.choice([b" ;a=b", b"; a=b", b";a = b", b";a= b", b" ; a"])
    message.chunks = lambda body: (b"%x%s\r\n%s\r\n" % (len(body), kind, body) if body else b"") + b"0\r\n"


@odd("body", everywhere=False)
def chunks_of_odd_sizes(case, random):
    chunks(case, random)
    odd_sizes(case.request, random)


@odd("body", everywhere=False)
def chunks_with_extensions(case, random):
    chunks(case, random)
    extended(case.request, random)


@odd("body", everywhere=False)
def chunks_with_blanks_in_extensions(case, random):
    chunks(case, random)
    spaced(case.request, random)


@odd("body", everywhere=False)
def chunked_in_other_letters(case, random):
    chunks(case, random)
    case.request.coding = random.choice([b"Chunked", b"CHUNKED", b"chunked \t", b"\tchunked"])


@odd("body")
def trailers_of_a_request(case, random):
    chunks(case, random)
    case.request.trailers = [(b"X-Checksum", some(random, VISIBLE, 1, 20)), (b"Server-Timing", b"a;dur=1")][:random.randint(1, 2)]


@odd("body", everywhere=False)
def a_body_that_waits_for_100(case, random):
    posted(case, random)
    case.request.framing, case.waits = random.choice(["length", "chunked"]), True
    case.request.unchecked.append((b"Expect", random.choice([b"100-continue", b"100-Continue"])))


@odd("body", everywhere=False)
def an_expectation_without_a_body(case, random):
    case.request.unchecked.append((b"Expect", random.choice([b"100-continue", b""])))


@odd("body", everywhere=False)
def an_expectation_and_its_body_at_once(case, random):
    posted(case, random)
    case.request.framing = "length"
    case.request.unchecked.append((b"Expect", b"100-continue"))
