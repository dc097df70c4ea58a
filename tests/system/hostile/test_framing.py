"""HTTP/1 messages whose framing two parsers could read differently (request smuggling): RFC 9112 sections 6, 7 and 11,
RFC 9110 sections 6.5, 8.6, 9.3.1 and 10.1.1."""

import h1_client
from world import Table, World, harness, main

HOST = b"Host: localhost\r\n"
SECOND = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"


def post(fields, body=b"", version=b"1.1", target=b"/row"):
    return b"POST %s HTTP/%s\r\n%s%s\r\n%s" % (target, version, HOST, fields, body)


def chunked(body, fields=b""):
    return post(b"Transfer-Encoding: chunked\r\n" + fields, body)


CHUNKS = b"5\r\nhello\r\n0\r\n\r\n"

# Heads that are refused before the endpoint hears of them: (name, statuses, bytes). What follows is never parsed.
REFUSED_HEADS = [
    ("both lengths, the chunks shorter", {400}, post(b"Content-Length: 60\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n" + SECOND)),
    ("both lengths, Content-Length shorter", {400}, post(b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", b"2b\r\n" + SECOND + b"\r\n0\r\n\r\n")),
    ("an unknown coding", {501, 400}, post(b"Transfer-Encoding: xchunked\r\n", CHUNKS)),
    ("an unknown coding beside a length", {501, 400}, post(b"Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n", b"hello")),
    ("a blank before the colon of Transfer-Encoding", {400}, post(b"Transfer-Encoding : chunked\r\n", CHUNKS)),
    ("a vertical tab before chunked", {400}, post(b"Transfer-Encoding: \x0bchunked\r\n", CHUNKS)),
    ("a form feed behind chunked", {400}, post(b"Transfer-Encoding: chunked\x0c\r\n", CHUNKS)),
    ("chunked on a folded line", {400}, post(b"Transfer-Encoding:\r\n chunked\r\n", CHUNKS)),
    ("chunked and identity in two fields", {400, 501}, post(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", CHUNKS)),
    ("identity and chunked in two fields", {400, 501}, post(b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", CHUNKS)),
    ("chunked twice", {400, 501}, post(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", CHUNKS)),
    ("chunked, chunked", {400, 501}, post(b"Transfer-Encoding: chunked, chunked\r\n", CHUNKS)),
    ("chunked is not the last coding", {400, 501}, post(b"Transfer-Encoding: chunked, identity\r\n", CHUNKS)),
    ("identity, chunked", {400, 501}, post(b"Transfer-Encoding: identity, chunked\r\n", CHUNKS)),
    ("an empty Transfer-Encoding", {400, 501}, post(b"Transfer-Encoding:\r\n", b"")),
    ("an empty Transfer-Encoding beside a length", {400, 501}, post(b"Transfer-Encoding:\r\nContent-Length: 5\r\n", b"hello")),
    ("a quoted coding", {400, 501}, post(b'Transfer-Encoding: "chunked"\r\n', CHUNKS)),
    ("chunked with a parameter", {400, 501}, post(b"Transfer-Encoding: chunked;q=1\r\n", CHUNKS)),
    ("Transfer-Encoding in HTTP/1.0", {400}, post(b"Transfer-Encoding: chunked\r\n", CHUNKS, version=b"1.0")),
    ("gzip, chunked", {501, 400}, post(b"Transfer-Encoding: gzip, chunked\r\n", CHUNKS)),
    ("Transfer_Encoding", {400}, post(b"Transfer_Encoding: chunked\r\nContent-Length: 0\r\n", b"")),
    ("Content_Length", {400}, post(b"Content_Length: 5\r\nContent-Length: 0\r\n", b"")),
    ("Content-Length twice, equal", {400}, post(b"Content-Length: 5\r\nContent-Length: 5\r\n", b"hello")),
    ("Content-Length twice, different", {400}, post(b"Content-Length: 5\r\nContent-Length: 6\r\n", b"hello!")),
    ("Content-Length: 5, 5", {400}, post(b"Content-Length: 5, 5\r\n", b"hello")),
    ("Content-Length: 5, 6", {400}, post(b"Content-Length: 5, 6\r\n", b"hello!")),
    *[(f"Content-Length: {value!r}", {400}, post(b"Content-Length: " + value + b"\r\n", b"hello"))
      for value in (b"+5", b"-5", b"-0", b"0x5", b"5 5", b"1e1", "५".encode(), b"5;", b"5.0", b"'5'", b"0o5", b"5_0", b"\x005")],
    ("an empty Content-Length", {400}, post(b"Content-Length:\r\n", b"")),
    ("an empty Content-Length before another", {400}, post(b"Content-Length:\r\nContent-Length: 5\r\n", b"hello")),
    ("a length of 2^64", {400, 413}, post(b"Content-Length: 18446744073709551616\r\n", b"hello")),
    ("a length of 2^64 + 5", {400, 413}, post(b"Content-Length: 18446744073709551621\r\n", b"hello")),
    ("a length of 40 digits", {400, 413}, post(b"Content-Length: " + b"1" * 40 + b"\r\n", b"hello")),
    ("a length of 2^63", {400, 413}, post(b"Content-Length: 9223372036854775808\r\n", b"hello")),
    ("a length that is valid and too large", {413}, post(b"Content-Length: 999999999999\r\n", b"hello")),
    ("a blank before the colon of Content-Length", {400}, post(b"Content-Length : 5\r\n", b"hello")),
    ("Connection names Content-Length", {400}, post(b"Connection: Content-Length\r\nContent-Length: 5\r\n", b"hello")),
    ("Connection names Transfer-Encoding", {400}, chunked(CHUNKS, b"Connection: Transfer-Encoding\r\n")),
    ("an unknown expectation", {417}, post(b"Expect: y\r\nContent-Length: 5\r\n", b"hello")),
    ("an expectation behind another word", {417}, post(b"Expect: y 100-continue\r\nContent-Length: 5\r\n", b"hello")),
    ("an expectation before another", {417}, post(b"Expect: 100-continue, x\r\nContent-Length: 5\r\n", b"hello")),
]

# Bodies that are wrong: the head may have been passed on, the end of the body never is. (name, statuses, bytes)
REFUSED_BODIES = [
    *[(f"a chunk size {size!r}", {400}, chunked(size + b"\r\nhello\r\n0\r\n\r\n"))
      for size in (b"0x5", b"+5", b"-1", b" 5", b"5 ", b"0_5", b"5\t", b"Z", b"", b"5;", b'5;a="', b"5;\x00", b"5;a=b\x0bc",
                   b"00000000000000005" * 2, b"10000000000000005", b"F" * 16, b"F" * 17, b"5" + b";x=" + b"y" * 65536)],
    ("a chunk size that LF alone ends", {400}, chunked(b"5\nhello\r\n0\r\n\r\n")),
    ("a chunk size that CR alone ends", {400}, chunked(b"5\rhello\r\n0\r\n\r\n")),
    ("LF within an extension", {400}, chunked(b"5;\nhello\r\n0\r\n\r\n")),
    ("LF within an extension that hides a request", {400}, chunked(b"2;\nxx\r\n2b\r\n0\r\n\r\n" + SECOND + b"\r\n0\r\n\r\n")),
    ("CR within an extension", {400}, chunked(b"5;a\rb\r\nhello\r\n0\r\n\r\n")),
    ("no CRLF behind the data", {400}, chunked(b"5\r\nhello0\r\n\r\n")),
    ("more data than the size says", {400}, chunked(b"5\r\nhello!\r\n0\r\n\r\n")),
    ("LF alone behind the data", {400}, chunked(b"5\r\nhello\n0\r\n\r\n")),
    ("an end of LFs", {400}, chunked(b"5\r\nhello\r\n0\n\n")),
    ("an end whose last line ends by LF", {400}, chunked(b"5\r\nhello\r\n0\r\n\n")),
    ("a trailer without a colon", {400}, chunked(b"0\r\ntrailer\r\n\r\n")),
    ("a trailer that LF alone ends", {400}, chunked(b"0\r\nA: b\n\r\n")),
    ("a trailer with a blank before its colon", {400}, chunked(b"0\r\nA : b\r\n\r\n")),
    ("a folded trailer", {400}, chunked(b"0\r\nA: b\r\n c\r\n\r\n")),
    ("a megabyte of trailers", {400, 431}, chunked(b"0\r\n" + b"".join(b"A%d: %s\r\n" % (n, b"x" * 1000) for n in range(1000)) + b"\r\n")),
    ("chunks of a byte with extensions of 200", {400}, chunked(b"".join(b"1;%s\r\nx\r\n" % (b"a" * 200) for _ in range(2000)) + b"0\r\n\r\n")),
]

# Odd and right: (name, bytes, statuses in order, what the endpoint must have got: (method, body) each).
SERVED = [
    ("blanks around chunked", post(b"Transfer-Encoding:\tchunked \r\n", CHUNKS), [200], [("POST", b"hello")]),
    ("chunKed", post(b"Transfer-Encoding: chunKed\r\n", CHUNKS), [200], [("POST", b"hello")]),
    ("a length with leading zeros", post(b"Content-Length: 0005\r\n", b"hello"), [200], [("POST", b"hello")]),
    ("an extension", chunked(b"5;name=value\r\nhello\r\n0;last\r\n\r\n"), [200], [("POST", b"hello")]),
    ("a quoted extension", chunked(b'5;a="b;c"\r\nhello\r\n0\r\n\r\n'), [200], [("POST", b"hello")]),
    ("a size with leading zeros", chunked(b"0005\r\nhello\r\n000\r\n\r\n"), [200], [("POST", b"hello")]),
    ("trailers that would be framing or identity", chunked(
        b"5\r\nhello\r\n0\r\nContent-Length: 9\r\nTransfer-Encoding: x\r\nHost: b\r\nAuthorization: c\r\nCookie: d\r\n"
        b"X-Forwarded-For: 1.2.3.4\r\nx_forwarded_for: 1.2.3.4\r\nA: b\r\n\r\n"), [200], [("POST", b"hello")]),
    ("an empty line between two requests", post(b"Content-Length: 5\r\n", b"hello") + b"\r\n" + post(b"Content-Length: 2\r\n", b"ho"),
     [200, 200], [("POST", b"hello"), ("POST", b"ho")]),
    ("a GET with a body that is a request", b"GET /row HTTP/1.1\r\n%sContent-Length: %d\r\n\r\n%s" % (HOST, len(SECOND), SECOND), [200],
     [("GET", SECOND)]),
    ("a DELETE with a chunked body", b"DELETE /row HTTP/1.1\r\n%sTransfer-Encoding: chunked\r\n\r\n%s" % (HOST, CHUNKS), [200], [("DELETE", b"hello")]),
    ("three pipelined requests", b"".join(post(b"Content-Length: 1\r\n", b"%d" % n) for n in range(3)), [200] * 3,
     [("POST", b"0"), ("POST", b"1"), ("POST", b"2")]),
    ("a byte too many behind a body", post(b"Content-Length: 5\r\n", b"hello(") + SECOND, [200, 400], [("POST", b"hello")]),
    ("a bad request behind a good one", post(b"Content-Length: 5\r\n", b"hello") + post(b"Content-Length: x\r\n", b"") + SECOND, [200, 400],
     [("POST", b"hello")]),
]

# Bodies that end too early: nothing may look complete to the endpoint. (name, bytes)
CUT_OFF = [
    ("less than Content-Length", post(b"Content-Length: 50\r\n", b"hello")),
    ("chunks without an end", chunked(b"5\r\nhello\r\n")),
    ("in the middle of a chunk", chunked(b"50\r\nhello")),
    ("before the last line", chunked(b"5\r\nhello\r\n0\r\n")),
]


class Framing(Table):
    @classmethod
    def setUpClass(cls):
        cls.world = cls.enterClassContext(World())

    def ask(self, data, **options):
        return h1_client.ask(self.world.gatehouse.http, data, **options)

    def assert_refused(self, reply, statuses):
        self.assertEqual(len(reply.statuses), 1, reply.raw[:500])
        self.assertIn(reply.statuses[0], statuses)
        self.assertRegex(reply.heads[0], "(?i)\r\nconnection: close")
        self.assertRegex(reply.heads[0], "(?i)\r\nproxy-status: gatehouse; error=")
        self.assertEqual(reply.ended, "closed")

    def for_each_way(self, rows, play):
        """Whole, and a byte at a time where that is not for ever."""
        rows = [(f"{name}, {way}", dribble, *rest) for name, *rest in rows for way, dribble in (("whole", False), ("byte by byte", True))
                if not dribble or len(rest[-1] if isinstance(rest[-1], bytes) else rest[0]) < 3000]
        self.play_all(self.world, rows, play)

    def test_heads_that_could_be_read_in_two_ways_are_refused_and_reach_nobody(self):
        def play(dribble, statuses, data):
            mark = self.world.endpoint.mark()
            self.assert_refused(self.ask(data + SECOND, dribble=dribble), statuses)
            self.assertEqual(self.world.endpoint.since(mark), [])

        self.for_each_way(REFUSED_HEADS, play)

    def test_bodies_that_are_wrong_never_look_complete(self):
        def play(dribble, statuses, data):
            mark = self.world.endpoint.mark()
            self.assert_refused(self.ask(data + SECOND, dribble=dribble), statuses)
            self.assertFalse([request.body for request in self.world.endpoint.since(mark) if request.target == "/smuggled"])

        self.for_each_way(REFUSED_BODIES, play)

    def test_what_is_odd_and_right_is_served_and_written_plainly(self):
        def play(dribble, data, statuses, expected):
            mark = self.world.endpoint.mark()
            reply = self.ask(data, expect=len(statuses), dribble=dribble)
            self.assertEqual(reply.statuses, statuses, reply.raw[:500])
            self.assertEqual([(request.method, request.body) for request in self.world.endpoint.since(mark)], expected)

        self.for_each_way([(name, data, statuses, expected) for name, data, statuses, expected in SERVED], play)

    def test_a_body_that_breaks_off_reaches_the_endpoint_as_broken_off(self):
        def play(data):
            before, mark = self.world.endpoint.broken_off, self.world.endpoint.mark()
            with h1_client.connect(self.world.gatehouse.http) as connection:
                connection.sendall(data)
                connection.shutdown(1)
                reply = h1_client.talk(connection, b"")
            self.assertLessEqual(set(reply.statuses), {400})
            harness.wait_until(lambda: self.world.endpoint.broken_off - before == len(self.world.endpoint.since(mark)), "what has begun breaks off")

        self.play_all(self.world, CUT_OFF, play)


if __name__ == "__main__":
    main()
