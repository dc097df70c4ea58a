"""HTTP/3 requests that would become something else as HTTP/1.1, and frames that are out of place: RFC 9114 sections 4, 6 and 7,
RFC 9204 sections 2, 3 and 4."""


from h3_client import (CANCEL_PUSH, CLOSED_CRITICAL_STREAM, CONTROL, DATA, DECODER, DECODER_STREAM_ERROR, DECOMPRESSION_FAILED, ENCODER, ENCODER_STREAM_ERROR,
                       EXCESSIVE_LOAD, FRAME_ERROR, FRAME_UNEXPECTED, GOAWAY, HEADERS, ID_ERROR, INTERNAL_ERROR, MAX_PUSH_ID, MESSAGE_ERROR, MISSING_SETTINGS, PUSH, SETTINGS,
                       SETTINGS_ERROR, STREAM_CREATION_ERROR, H3Client, frame, head, integer, request, varint)
from world import Table, World, main

POST = request(method=b"POST")


def field(name, value=b"x"):
    return request(more=[(name, value)])


def sized(size, body=b""):
    return head(*request(method=b"POST", more=[(b"content-length", size)])) + (frame(DATA, body) if body else b"")


# Requests that no endpoint may see whole: (name, the stream's bytes). The outcome is an answer of ours (400 and the like) or an
# error of the message; what the connection does about it is the same row's matter: it may not crash, hang or pass it on.
REFUSED = [
    ("a length that is not met", sized(b"5")),
    ("less than the length", sized(b"50", b"hello")),
    ("more than the length", sized(b"3", b"hello")),
    ("a body where the length is 0", sized(b"0", b"hello")),
    ("transfer-encoding", head(*request(method=b"POST", more=[(b"transfer-encoding", b"chunked")]))),
    *[(f":path {path!r}", head(*request(path))) for path in (b"/a b", b"/a\r\nX: y", b"/a\x01", b"", b"relative", b"/a#b", b"/a\\b")],
    *[(f":method {method!r}", head(*request(method=method))) for method in (b"GE T", b"GET\r\n", b"")],
    *[(f":scheme {scheme!r}", head(*request(scheme=scheme))) for scheme in (b"http://evil/x?", b"ftp", b"")],
    *[(f":authority {authority!r}", head(*request(authority=authority))) for authority in (b"a\r\nb", b"localhost/path", b"user@localhost", b"local host", b"")],
    ("a host that differs", head(*request(more=[(b"host", b"other")]))),
    ("neither :authority nor host", head(*request(authority=None))),
    *[(name.decode(), head(*field(name, value)))
      for name, value in ((b"connection", b"close"), (b"keep-alive", b"timeout=5"), (b"proxy-connection", b"close"), (b"upgrade", b"websocket"))],
    ("te: gzip", head(*field(b"te", b"gzip"))),
    ("a pseudo field behind a regular one", head((b":method", b"GET"), (b"a", b"b"), *request()[1:])),
    ("an unknown pseudo field", head((b":unknown", b"x"), *request())),
    (":path twice", head(*request(), (b":path", b"/other"))),
    *[(f"no {name}", head(*[pair for pair in request() if pair[0] != name.encode()])) for name in (":method", ":scheme", ":path")],
    (":status", head((b":status", b"200"), *request())),
    *[(f"content-length {values}", head(*request(method=b"POST", more=[(b"content-length", value) for value in values])))
      for values in ([b"5", b"6"], [b"5, 5"], [b"+5"], [b""], [b"-1"])],
    ("CONNECT", head((b":method", b"CONNECT"), (b":authority", b"localhost:80"))),
    ("GET *", head(*request(b"*"))),
    ("transfer_encoding", head(*field(b"transfer_encoding", b"chunked"))),
    ("TRACE", head(*request(method=b"TRACE"))),
    ("a field more than allowed", head(*request(more=[(b"a%d" % n, b"b") for n in range(101)]))),
    ("a section of 64 KiB", head(*request(more=[(b"a", b"b" * 65536)]))),
    ("trailers with a pseudo field", head(*POST) + frame(DATA, b"hello") + head((b":path", b"/x"))),
]

# Fields that the library takes out before we see them: the request goes on without, or is refused; never split. (name, fields)
NEVER_SPLIT = [
    *[(f"{value!r} in a value", (b"a", b"b" + value + b"c")) for value in (b"\r", b"\n", b"\r\nX-Split: y", b"\0")],
    *[(f"name {name!r}", (name, b"x")) for name in (b"a\r\nX-Split", b"a:b", b"a b", b"Upper", b"", b"\x80", b"a\0")],
]

# Streams that are not HTTP/3: (name, the stream's bytes, whether it ends, codes of CONNECTION_CLOSE)
BROKEN_STREAMS = [
    ("DATA before HEADERS", frame(DATA, b"hello"), False, {FRAME_UNEXPECTED}),
    ("SETTINGS on a request stream", frame(SETTINGS), False, {FRAME_UNEXPECTED}),
    ("a third HEADERS", head(*POST) + head((b"a", b"b")) + head((b"c", b"d")), False, {FRAME_UNEXPECTED}),
    ("DATA behind trailers", head(*POST) + head((b"a", b"b")) + frame(DATA, b"x"), False, {FRAME_UNEXPECTED}),
    ("DATA that ends early", head(*POST) + varint(DATA) + varint(500) + b"hello", True, {FRAME_ERROR}),
    ("HEADERS that end early", varint(HEADERS) + varint(500) + b"\0\0", True, {FRAME_ERROR}),
    ("a reserved frame type of HTTP/2", head(*POST) + frame(0x2, b"x"), False, {FRAME_UNEXPECTED}),
    ("PUSH_PROMISE from a client", head(*POST) + frame(0x5, b"\0\0\0"), False, {FRAME_UNEXPECTED}),
    ("a static index out of range", frame(HEADERS, b"\0\0\xff\x7f"), False, {DECOMPRESSION_FAILED}),
    ("more insertions than the table can hold", frame(HEADERS, b"\xff\xff\xff\x7f\0\x80"), False, {DECOMPRESSION_FAILED}),
    ("a field section that ends early", frame(HEADERS, b"\0\0\x27\xff"), False, {DECOMPRESSION_FAILED}),
]

# Control streams that are not: (name, bytes of the control stream, codes)
BROKEN_CONTROL = [
    ("no SETTINGS first", b"\0" + frame(GOAWAY, varint(0)), {MISSING_SETTINGS}),
    ("SETTINGS twice", b"\0" + frame(SETTINGS) + frame(SETTINGS), {FRAME_UNEXPECTED}),
    ("a setting of HTTP/2", b"\0" + frame(SETTINGS, varint(0x4) + varint(1)), {SETTINGS_ERROR}),
    ("DATA on the control stream", b"\0" + frame(SETTINGS) + frame(DATA, b"x"), {FRAME_UNEXPECTED}),
    ("HEADERS on the control stream", b"\0" + frame(SETTINGS) + frame(HEADERS, b"\0\0"), {FRAME_UNEXPECTED}),
]


TABLE = bytes([ENCODER]) + integer(4096, 5, 0x20)


def entry(name, value):
    """RFC 9204 section 4.3.3."""
    return TABLE + integer(len(name), 5, 0x40) + name + integer(len(value), 7) + value


# Streams of QPACK that are wrong, or would make much work with little: (name, the stream's bytes, codes)
BROKEN_TABLES = [
    ("a table beyond ours", bytes([ENCODER]) + integer(4097, 5, 0x20), {ENCODER_STREAM_ERROR}),
    ("a name of an entry that is not there", TABLE + b"\x80\0", {ENCODER_STREAM_ERROR}),
    ("an entry larger than the table", entry(b"a", b"b" * 4096), {ENCODER_STREAM_ERROR}),
    ("an entry with a value that none may have", entry(b"a", b"b" * 4000 + b"\r"), {EXCESSIVE_LOAD}),
    ("an entry with a name that none may have", entry(b"a b", b"c" * 200), {EXCESSIVE_LOAD}),
    ("an entry with a host that none may have", entry(b"host", b"/" * 4000), {EXCESSIVE_LOAD}),
    ("an entry with a name of 3000 bytes", entry(b"a" * 3000, b"b"), {INTERNAL_ERROR}),
    ("one entry again and again", entry(b"a", b"b" * 1500) + bytes(1000), {EXCESSIVE_LOAD}),
    ("acknowledgements of nothing", bytes([DECODER, 0]), {DECODER_STREAM_ERROR}),
    ("acknowledgements of what was not sent", bytes([DECODER]) + integer(1000, 6), {DECODER_STREAM_ERROR}),
]


class H3Requests(Table):
    @classmethod
    def setUpClass(cls):
        cls.world = cls.enterClassContext(World())

    def connect(self, **options):
        return H3Client(self.world.gatehouse.port, self.world.gatehouse.certificate, **options)

    def test_requests_that_would_become_something_else_never_look_complete(self):
        def play(data):
            mark = self.world.endpoint.mark()
            broken = self.world.endpoint.broken_off
            with self.connect() as client:
                number = client.open(data, end=True)
                stream = client.stream(number)
                self.assertTrue(client.until(lambda: stream.over or stream.status) or client.terminated)
                if client.code is not None:
                    self.assertIn(client.code, (MESSAGE_ERROR, EXCESSIVE_LOAD), client.terminated)
                elif stream.status:
                    self.assertIn(stream.status, (400, 405, 431))
                else:
                    self.assertIn(stream.reset, (MESSAGE_ERROR, EXCESSIVE_LOAD))
            seen = self.world.endpoint.since(mark)
            self.assertLessEqual(len(seen), self.world.endpoint.broken_off - broken, [request.fields for request in seen])

        self.play_all(self.world, REFUSED, play)

    def test_bytes_that_split_a_field_never_reach_the_endpoint(self):
        def play(pair):
            mark = self.world.endpoint.mark()
            with self.connect() as client:
                number = client.open(head(*request(b"/row", more=[pair])), end=True)
                client.until_over(number)
                self.assertIn(client.stream(number).status, (0, 200, 400))
            for seen in self.world.endpoint.since(mark):
                self.assertFalse(seen.all("x-split") or seen.all("a") or seen.all("upper"), seen.fields)

        self.play_all(self.world, NEVER_SPLIT, play)

    def test_streams_that_are_not_http3_end_the_connection_with_their_code(self):
        def play(data, end, codes):
            with self.connect() as client:
                client.open(data, end)
                self.assertTrue(client.until_closed())
                self.assertIn(client.code, codes, client.terminated)

        self.play_all(self.world, BROKEN_STREAMS, play)

    def test_control_streams_that_are_none_end_the_connection_with_their_code(self):
        def play(control, codes):
            with self.connect(control=control) as client:
                self.assertTrue(client.until_closed())
                self.assertIn(client.code, codes, client.terminated)

        self.play_all(self.world, BROKEN_CONTROL, play)

    def test_tables_that_are_wrong_or_too_much_work_end_the_connection_with_their_code(self):
        def play(data, codes):
            with self.connect() as client:
                client.open_unidirectional(data)
                self.assertTrue(client.until_closed())
                self.assertIn(client.code, codes, client.terminated)

        self.play_all(self.world, BROKEN_TABLES, play)

    def test_what_is_odd_and_right_is_served(self):
        grease = frame(0x21 + 0x1F * 7, b"grease" * 100)

        def play(data, body):
            mark = self.world.endpoint.mark()
            with self.connect() as client:
                client.open_unidirectional(varint(0x21 + 0x1F * 3) + b"grease")
                number = client.open(data, end=True)
                self.assertTrue(client.until_over(number), client.terminated)
                self.assertEqual(client.stream(number).status, 200)
            (seen,) = self.world.endpoint.since(mark)
            self.assertEqual(seen.body, body)

        self.play_all(self.world, [
            ("no length", head(*POST) + frame(DATA, b"hello"), b"hello"),
            ("unknown frames everywhere", grease + head(*POST) + grease + frame(DATA, b"hel") + grease + frame(DATA, b"lo") + grease, b"hello"),
            ("trailers", head(*POST) + frame(DATA, b"hello") + head((b"a", b"b")), b"hello"),
            ("trailers with content-length, which is left out", head(*POST) + frame(DATA, b"hello") + head((b"content-length", b"5")), b"hello"),
            ("an empty body", head(*POST), b""),
            ("the right length", sized(b"5", b"hello"), b"hello"),
        ], play)

    def test_a_length_and_an_end_that_comes_alone(self):
        def play(data):
            broken = self.world.endpoint.broken_off
            with self.connect() as client:
                number = client.open(data)
                client.until(lambda: self.world.endpoint.broken_off > broken, patience=0.2)
                client.send(number, b"", end=True)
                client.until_over(number)
                self.assertNotEqual(client.stream(number).status, 200)

        self.play_all(self.world, [("nothing of five", sized(b"5")), ("five of fifty", sized(b"50", b"hello"))], play)


if __name__ == "__main__":
    main()
