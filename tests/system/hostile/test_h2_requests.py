"""HTTP/2 requests that would become something else as HTTP/1.1 (downgrade smuggling), on a TLS connection: RFC 9113
sections 5, 8.1, 8.2, 8.3 and 10.3."""


from h2_client import (CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, HEADERS, PADDED, PROTOCOL_ERROR, STREAM_CLOSED, H2Client,
                       block, frame, request)
from world import Table, World, main

RESET = "reset"

# Heads that no endpoint may see: (name, outcomes, fields, flags beside END_HEADERS). An outcome is a status, or a code of
# RST_STREAM; the connection lives on.
def refused(*statuses, codes=(PROTOCOL_ERROR,)):
    return {*statuses, *((RESET, code) for code in codes)}


def field(name, value=b"x"):
    return request(more=[(name, value)])


REFUSED = [
    ("a length that is not met", refused(400), request(method=b"POST", more=[(b"content-length", b"5")]), END_STREAM),
    ("transfer-encoding", refused(), request(method=b"POST", more=[(b"transfer-encoding", b"chunked")]), 0),
    *[(f"{value!r} in a value", refused(), field(b"a", b"b" + value + b"c"), END_STREAM) for value in (b"\r", b"\n", b"\r\n", b"\r\nX: y", b"\0")],
    *[(f"name {name!r}", refused(), field(name), END_STREAM)
      for name in (b"a\r\nb", b"a:b", b"a b", b"Upper", b"", b"\x80", b"a\0", b"a\nb: c\r\nd")],
    *[(f":path {path!r}", refused(400), request(path), END_STREAM)
      for path in (b"/a b", b"/a\r\nX: y", b"/a\x01", b"", b"relative", b"/a#b", b"/a\\b", b"http://localhost/row")],
    *[(f":method {method!r}", refused(400), request(method=method), END_STREAM) for method in (b"GE T", b"GET\r\n", b"", b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET")],
    *[(f":scheme {scheme!r}", refused(400), request(scheme=scheme), END_STREAM) for scheme in (b"http://evil/x?", b"ftp", b"", b"https\r\n")],
    *[(f":authority {authority!r}", refused(400), request(authority=authority), END_STREAM)
      for authority in (b"a\r\nb", b"localhost/path", b"user@localhost", b"local host", b"a,b", b"")],
    ("a host that differs", refused(400), request(more=[(b"host", b"other")]), END_STREAM),
    ("host twice", refused(400), request(more=[(b"host", b"localhost"), (b"host", b"localhost")]), END_STREAM),
    (":authority twice", refused(400), [(b":authority", b"localhost"), *request()], END_STREAM),
    ("neither :authority nor host", refused(400), request(authority=None), END_STREAM),
    *[(name.decode(), refused(), field(name, value), END_STREAM)
      for name, value in ((b"connection", b"close"), (b"keep-alive", b"timeout=5"), (b"proxy-connection", b"close"), (b"upgrade", b"websocket"))],
    ("te: gzip", refused(), field(b"te", b"gzip"), END_STREAM),
    ("te: trailers, gzip", refused(), field(b"te", b"trailers, gzip"), END_STREAM),
    ("a pseudo field behind a regular one", refused(), [(b":method", b"GET"), (b"a", b"b"), *request()[1:]], END_STREAM),
    ("an unknown pseudo field", refused(), [(b":unknown", b"x"), *request()], END_STREAM),
    (":path twice", refused(), [*request(), (b":path", b"/other")], END_STREAM),
    (":method twice", refused(), [(b":method", b"POST"), *request()], END_STREAM),
    *[(f"no {name}", refused(400), [pair for pair in request() if pair[0] != name.encode()], END_STREAM) for name in (":method", ":scheme", ":path")],
    (":status", refused(), [(b":status", b"200"), *request()], END_STREAM),
    *[(f"content-length {values}", refused(400), request(method=b"POST", more=[(b"content-length", value) for value in values]), 0)
      for values in ([b"5", b"5"], [b"5", b"6"], [b"5, 5"], [b"+5"], [b""], [b"-1"], [b"0x5"])],
    ("CONNECT", refused(400, 405), [(b":method", b"CONNECT"), (b":authority", b"localhost:80")], 0),
    ("CONNECT with :path", refused(400, 405), request(method=b"CONNECT"), 0),
    ("GET *", refused(400), request(b"*"), END_STREAM),
    ("transfer_encoding", refused(400), field(b"transfer_encoding", b"chunked"), END_STREAM),
    ("content_length", refused(400), field(b"content_length", b"5"), END_STREAM),
    ("TRACE", refused(405), request(method=b"TRACE"), END_STREAM),
    ("a field more than allowed", refused(431, codes=(ENHANCE_YOUR_CALM,)), request(more=[(b"a%d" % n, b"b") for n in range(101)]), END_STREAM),
]

# (name, fields, check of the endpoint's request)
SERVED = [
    ("host without :authority", request(authority=None, more=[(b"host", b"localhost")]), lambda seen: seen.all("host") == ["localhost"]),
    ("te: trailers", field(b"te", b"trailers"), lambda seen: seen.all("te") in ([], ["trailers"])),
    ("crumbs of a cookie", request(more=[(b"cookie", b"a=b"), (b"cookie", b"c=d")]), lambda seen: seen.all("cookie") == ["a=b; c=d"]),
    ("http on a TLS connection", request(scheme=b"http"), lambda seen: seen.all("x-forwarded-proto") == ["https"]),
    ("what only we may say", request(more=[(b"x-forwarded-for", b"6.6.6.6"), (b"x-forwarded-proto", b"gopher"), (b"x_forwarded_for", b"6.6.6.6")]),
     lambda seen: seen.all("x-forwarded-for") == ["127.0.0.1"] and seen.all("x-forwarded-proto") == ["https"] and not seen.all("x_forwarded_for")),
    ("OPTIONS *", request(b"*", b"OPTIONS"), lambda seen: seen.target == "*"),
]

# Bodies that are not what their heads promise: (name, fields, frames behind HEADERS on stream 1).
BAD_BODIES = [
    ("more than content-length", request(method=b"POST", more=[(b"content-length", b"3")]), frame(DATA, END_STREAM, 1, b"hello")),
    ("less than content-length", request(method=b"POST", more=[(b"content-length", b"50")]), frame(DATA, END_STREAM, 1, b"hello")),
    ("trailers with a pseudo field", request(method=b"POST"), frame(DATA, 0, 1, b"hello") + frame(HEADERS, END_STREAM | END_HEADERS, 1, block((b":path", b"/x")))),
    ("trailers with CRLF", request(method=b"POST"), frame(DATA, 0, 1, b"hello") + frame(HEADERS, END_STREAM | END_HEADERS, 1, block((b"a", b"b\r\nc: d")))),
    ("trailers with content-length", request(method=b"POST"), frame(DATA, 0, 1, b"hello") + frame(HEADERS, END_STREAM | END_HEADERS, 1, block((b"content-length", b"5")))),
    ("trailers with transfer-encoding", request(method=b"POST"),
     frame(DATA, 0, 1, b"hello") + frame(HEADERS, END_STREAM | END_HEADERS, 1, block((b"transfer-encoding", b"chunked")))),
    ("trailers that do not end the stream", request(method=b"POST"), frame(DATA, 0, 1, b"hello") + frame(HEADERS, END_HEADERS, 1, block((b"a", b"b")))),
]


class H2Requests(Table):
    @classmethod
    def setUpClass(cls):
        cls.world = cls.enterClassContext(World())

    def connect(self, **options):
        return H2Client(self.world.gatehouse.port, self.world.gatehouse.certificate, **options)

    def test_heads_that_would_become_something_else_are_refused_and_reach_nobody(self):
        def play(outcomes, fields, flags):
            mark = self.world.endpoint.mark()
            with self.connect() as client:
                client.headers(1, fields, flags | END_HEADERS)
                self.assertTrue(client.until_over(1))
                stream = client.stream(1)
                outcome = (RESET, stream.reset) if not stream.status else stream.status
                self.assertIn(outcome, outcomes, (client.goaway, stream.fields))
                self.assertIsNone(client.goaway)
                self.assertEqual(self.world.endpoint.since(mark), [])
                client.headers(3, request(b"/next"))
                self.assertTrue(client.until_over(3))
                self.assertEqual((client.stream(3).status, client.stream(3).data), (200, b"/next"))

        self.play_all(self.world, REFUSED, play)

    def test_what_is_odd_and_right_is_passed_on_plainly(self):
        def play(fields, holds):
            mark = self.world.endpoint.mark()
            with self.connect() as client:
                client.headers(1, fields)
                self.assertTrue(client.until_over(1))
                self.assertEqual(client.stream(1).status, 200, client.stream(1).fields)
            (seen,) = self.world.endpoint.since(mark)
            self.assertTrue(holds(seen), (seen.target, seen.fields))

        self.play_all(self.world, SERVED, play)

    def test_bodies_that_are_not_what_their_heads_promise_never_look_complete(self):
        def play(fields, frames):
            before = self.world.endpoint.broken_off
            with self.connect() as client:
                client.headers(1, fields, END_HEADERS)
                client.send(frames)
                self.assertTrue(client.until_over(1))
                self.assertEqual(client.stream(1).reset, PROTOCOL_ERROR, client.goaway)
                client.headers(3, request(b"/next"))
                self.assertTrue(client.until_over(3))
                self.assertEqual(client.stream(3).status, 200)
            self.assertLessEqual(self.world.endpoint.broken_off - before, 1)

        self.play_all(self.world, BAD_BODIES, play)

    def test_bodies_without_a_length_are_chunks_of_what_was_sent(self):
        def play(frames, body):
            mark = self.world.endpoint.mark()
            with self.connect() as client:
                client.headers(1, request(method=b"POST"), END_HEADERS)
                client.send(frames)
                self.assertTrue(client.until_over(1))
                self.assertEqual(client.stream(1).status, 200)
            (seen,) = self.world.endpoint.since(mark)
            self.assertEqual((seen.get("transfer-encoding"), seen.body), ("chunked", body))

        self.play_all(self.world, [
            ("in two frames", frame(DATA, 0, 1, b"hel") + frame(DATA, END_STREAM, 1, b"lo"), b"hello"),
            ("with padding", frame(DATA, END_STREAM | PADDED, 1, b"\x07hello" + bytes(7)), b"hello"),
            ("with trailers", frame(DATA, 0, 1, b"hello") + frame(HEADERS, END_STREAM | END_HEADERS, 1, block((b"a", b"b"))), b"hello"),
            ("with an empty end", frame(DATA, 0, 1, b"hello") + frame(DATA, END_STREAM, 1), b"hello"),
        ], play)

    def test_frames_behind_the_end_of_a_request_end_the_stream_or_the_connection(self):
        def play(frames):
            with self.connect() as client:
                client.headers(1, request(b"/first", b"POST"), END_STREAM | END_HEADERS)
                client.send(frames)
                client.until(lambda: client.goaway is not None or client.stream(1).over)
                self.assertIn(client.stream(1).reset if client.goaway is None else client.goaway, (None, STREAM_CLOSED, PROTOCOL_ERROR))

        self.play_all(self.world, [
            ("DATA", frame(DATA, END_STREAM, 1, b"late")),
            ("HEADERS", frame(HEADERS, END_STREAM | END_HEADERS, 1, block(*request(b"/again")))),
        ], play)

    def test_a_head_in_continuations_is_one_head(self):
        def play(parts):
            mark = self.world.endpoint.mark()
            data = block(*request(b"/row", more=[(b"a", b"b" * 100)]))
            pieces = [data[n * len(data) // parts:(n + 1) * len(data) // parts] for n in range(parts)]
            with self.connect() as client:
                client.send(frame(HEADERS, END_STREAM, 1, pieces[0]) + b"".join(
                    frame(CONTINUATION, END_HEADERS if n == parts - 1 else 0, 1, piece) for n, piece in enumerate(pieces) if n > 0))
                self.assertTrue(client.until_over(1))
                self.assertEqual(client.stream(1).status, 200)
            self.assertEqual(len(self.world.endpoint.since(mark)), 1)

        self.play_all(self.world, [("two", 2), ("five", 5)], play)


if __name__ == "__main__":
    main()
