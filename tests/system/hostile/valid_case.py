"""One exchange as a client and an endpoint mean it: a request, its response, and as what both have to arrive on the other side.

A case is plain and legal until features make it odd (valid_requests.py, valid_messages.py, valid_responses.py). `as_seen` compares what has arrived with
what was meant, facet by facet.
"""

import copy
import random

from valid_wire import NO_BODY


class Message:
    """Fields are (name, value). `ways` gives a field of h1 its blanks, before and behind the value, by its index."""

    def __init__(self):
        self.fields = []  # that have to arrive
        self.unchecked = []  # that are for one hop, or may change
        self.ways = {}
        self.framing, self.body, self.trailers = None, b"", []  # None, "length", "chunked", and "close" for responses
        self.zeros = 0  # in front of Content-Length
        self.chunks = None  # a function of the body: the bytes of its chunks with the last one, up to the trailers
        self.coding = b"chunked"

    def lines(self):
        lines = [name + b":" + before + value + behind
                 for index, (name, value) in enumerate(self.fields) for before, behind in [self.ways.get(index, (b" ", b""))]]
        return lines + [name + b": " + value for name, value in self.unchecked]

    def framed(self, with_body=True):
        """(lines of the framing, the bytes behind the head)."""
        if self.framing == "length":
            return [b"Content-Length: " + b"0" * self.zeros + b"%d" % len(self.body)], self.body if with_body else b""
        if self.framing == "chunked":
            body = (self.chunks or one_chunk)(self.body) + b"".join(b"%s: %s\r\n" % field for field in self.trailers) + b"\r\n"
            return [b"Transfer-Encoding: " + self.coding], body if with_body else b""
        return [], self.body if with_body else b""


def one_chunk(body):
    return (b"%x\r\n%s\r\n" % (len(body), body) if body else b"") + b"0\r\n"


class Case:
    """The exchange of this number, with these features. The same arguments make the same case."""

    def __init__(self, number, seed, features, protocol="h1"):
        self.number, self.seed, self.features, self.protocol = number, seed, features, protocol
        self.method, self.target, self.version, self.host = b"GET", b"/", b"HTTP/1.1", b"localhost"
        self.host_line, self.host_last = b"Host: %s", False
        self.before, self.authority_form = b"", b""  # empty lines, and what an absolute form has in front of the target
        self.meant_target = self.meant_host = None  # where they are not what they look like
        self.request, self.response = Message(), Message()
        self.waits = False  # for 100 before its body
        self.closes = False  # it is the last one on its connection
        self.status, self.reason, self.response_version = 200, b"OK", b"HTTP/1.1"
        self.interims = []  # (status, fields)
        self.endpoint_closes, self.pieces = False, 1
        self.response.framing, self.response.body = "length", b"hello %d" % number
        for feature in features:
            feature(self, random.Random(f"{seed}/{number}/{feature.label}"))
        self._settle()

    def _settle(self):
        """Leaves out what cannot stand beside the rest."""
        if self.target == b"*":
            self.method, self.authority_form = b"OPTIONS", b""
        if self.status in (204, 205):
            self.response.body = b""
        if b"HTTP/1.0" in (self.version, self.response_version):
            self._leave_out_what_is_new()
        if self.protocol == "h3":  # HAProxy 3.0 spins for ever on interim responses there
            self.interims = []
        if self.interims:  # and stalls where they come with much behind them
            self.response.body = self.response.body[:1000]
        if self.protocol != "h1":  # all streams of a connection fit into its first window
            self.request.body = self.request.body[:3000]

    @property
    def labels(self):
        return frozenset(feature.label for feature in self.features)

    def without_interims(self):
        case = copy.copy(self)
        case.interims = []
        return case

    def _leave_out_what_is_new(self):
        self.waits, self.interims = False, []
        for message in (self.request, self.response):
            if message.framing == "chunked":
                message.framing, message.trailers = "length", []

    @property
    def response_body(self):
        """As the client has to get it."""
        return b"" if self.method == b"HEAD" or self.status in NO_BODY else self.response.body

    @property
    def response_trailers(self):
        return self.response.trailers if self.response.framing == "chunked" and not self._is_bodiless() else []

    def _is_bodiless(self):
        return self.method == b"HEAD" or self.status in NO_BODY

    def request_bytes(self):
        """(head, body) on h1."""
        framing, body = self.request.framed()
        host = [] if self.host is None else [self.host_line % self.host]
        lines = [b"X-Case: %d" % self.number, *self.request.lines(), *framing]
        lines = [*lines, *host] if self.host_last else [*host, *lines]
        return self.before + b"\r\n".join([b"%s %s%s %s" % (self.method, self.authority_form, self.target, self.version), *lines, b"", b""]), body

    def request_fields(self):
        """Of h2 and h3: (pseudo fields and fields)."""
        pseudo = [(b":method", self.method), (b":scheme", b"https"), (b":authority", self.host), (b":path", self.target)]
        fields = [(name.lower(), value) for name, value in self.request.fields + self.request.unchecked]
        length = [(b"content-length", b"%d" % len(self.request.body))] if self.request.framing == "length" else []
        return [*pseudo, (b"x-case", b"%d" % self.number), *fields, *length]

    def response_bytes(self):
        framing, body = self.response.framed(not self._is_bodiless())
        interims = b"".join(b"HTTP/1.1 %d Odd\r\n%s\r\n" % (status, b"".join(b"%s: %s\r\n" % field for field in fields))
                            for status, fields in self.interims)
        space = b"" if self.reason is None else b" " + self.reason
        lines = [b"%s %d%s" % (self.response_version, self.status, space), *self.response.lines(), *framing, b"", b""]
        return interims + b"\r\n".join(lines) + body


def _joined(fields, name):
    separator = b"; " if name == b"cookie" else b", "
    values = [value for key, value in fields if key == name]
    return values if name == b"set-cookie" else separator.join(values) if values else None


def _facets_of_fields(prefix, meant, seen):
    """Names in any case of letters; fields of one name may have been joined."""
    lower = [(name.lower(), value) for name, value in meant]
    for name in dict.fromkeys(name for name, _ in lower):
        yield f"{prefix} {name.decode('latin-1')}", _joined(lower, name), _joined(seen, name)


def _facets_of_request(case, requests):
    yield "requests at the endpoint", 1, len(requests)
    if not requests:
        return
    seen = requests[0]
    yield "method", case.method, seen.method
    yield "target", case.meant_target or case.target, seen.origin()
    if case.host is not None:
        yield "host", [(case.meant_host or case.host).lower()], [value.lower() for name, value in seen.fields if name == b"host"]
    yield "request body", case.request.body, seen.body
    yield from _facets_of_fields("request field", case.request.fields, seen.fields)
    if case.request.framing == "chunked":
        yield from _facets_of_fields("request trailer", case.request.trailers, seen.trailers)


def _facets_of_response(case, response):
    yield "status", case.status, response.status
    if response.status != case.status:  # it is another one
        return
    if case.protocol == "h1" and case.reason:
        yield "reason", case.reason, response.reason
    yield "response body", case.response_body, response.body
    yield "whole response", True, response.whole
    if case.method == b"HEAD" and case.response.framing == "length" and case.status not in NO_BODY:
        yield "length", len(case.response.body), int(response.get(b"content-length") or -1)
    yield from _facets_of_fields("response field", case.response.fields, response.fields)
    yield from _facets_of_fields("response trailer", case.response_trailers, response.trailers)
    hints = [status for status, _ in case.interims if status == 103]
    if hints and len(hints) == len(case.interims):
        yield "hints", min(len(hints), 1), min(response.interims.count(103), 1)


def as_seen(case, requests, response):
    """{facet: None where it has arrived as it was meant, else a word about what came}. Facets that cannot be told are not in it."""
    facets = [*_facets_of_request(case, requests), *_facets_of_response(case, response)]
    found = {name: None if meant == seen else f"{_short(seen)} instead of {_short(meant)}" for name, meant, seen in facets}
    if not requests:  # whatever has come, it is not the endpoint's
        return {"requests at the endpoint": found["requests at the endpoint"], "status": f"{response.status} instead of the endpoint's {case.status}"}
    return found


def _short(value):
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:80]}...{text[-30:]}"
