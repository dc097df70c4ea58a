"""HTTP/3 requests that would become something else as HTTP/1.1, and frames that are out of place: RFC 9114 sections 4, 6 and 7,
RFC 9204 sections 2, 3 and 4."""

import threading

from h3_client import (CANCEL_PUSH, CLOSED_CRITICAL_STREAM, CONTROL, DATA, DECODER, DECODER_STREAM_ERROR, DECOMPRESSION_FAILED, ENCODER, ENCODER_STREAM_ERROR,
                       EXCESSIVE_LOAD, FRAME_ERROR, FRAME_UNEXPECTED, GOAWAY, HEADERS, ID_ERROR, MAX_PUSH_ID, MESSAGE_ERROR, MISSING_SETTINGS,
                       PRIORITY_UPDATE, PUSH, REQUEST_CANCELLED, REQUEST_INCOMPLETE, SETTINGS, SETTINGS_ERROR, STREAM_CREATION_ERROR, H3Client, frame, head,
                       integer, request, varint)
from world import Table, World, harness, main

POST = request(method=b"POST")
DOWNLOAD = 400_000


def field(name, value=b"x"):
    return request(more=[(name, value)])


def sized(size, body=b""):
    return head(*request(method=b"POST", more=[(b"content-length", size)])) + (frame(DATA, body) if body else b"")


# Requests that no endpoint may see whole: (name, the stream's bytes). The outcome is an answer of ours (400 and the like) or an
# error of the message, and of its stream alone: what goes on beside it is not touched.
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
    *[(f"trailers with {name.decode()}", head(*POST) + frame(DATA, b"hello") + head((name, value)))
      for name, value in ((b"content-length", b"5"), (b"transfer-encoding", b"chunked"), (b"host", b"other"))],
    ("trailers with a pseudo field", head(*POST) + frame(DATA, b"hello") + head((b":path", b"/x"))),
]

# Fields that no message may have, in its head or its trailers: (name, fields)
INVALID = [
    *[(f"{value!r} in a value", (b"a", b"b" + value + b"c")) for value in (b"\r", b"\n", b"\r\nX-Split: y", b"\0", b"\x1b")],
    *[(f"name {name!r}", (name, b"x")) for name in (b"a\r\nX-Split", b"a:b", b"a b", b"Upper", b"", b"\x80", b"a\0")],
]

# Streams that are not HTTP/3: (name, the stream's bytes, whether it ends, codes of CONNECTION_CLOSE)
BROKEN_STREAMS = [
    ("DATA before HEADERS", frame(DATA, b"hello"), False, {FRAME_UNEXPECTED}),
    ("SETTINGS on a request stream", frame(SETTINGS), False, {FRAME_UNEXPECTED}),
    ("a third HEADERS", head(*POST) + head((b"a", b"b")) + head((b"c", b"d")), False, {FRAME_UNEXPECTED}),
    ("DATA behind trailers", head(*POST) + head((b"a", b"b")) + frame(DATA, b"x"), False, {FRAME_UNEXPECTED}),
    ("DATA that ends early", head(*POST) + varint(DATA) + varint(500) + b"hello", True, {FRAME_ERROR}),
    ("an unknown frame that ends early", head(*POST) + varint(0x21) + varint(500) + b"hello", True, {FRAME_ERROR}),
    ("a frame without its length", head(*POST) + varint(DATA), True, {FRAME_ERROR}),
    ("HEADERS that end early", varint(HEADERS) + varint(500) + b"\0\0", True, {FRAME_ERROR}),
    ("a reserved frame type of HTTP/2", head(*POST) + frame(0x2, b"x"), False, {FRAME_UNEXPECTED}),
    ("PUSH_PROMISE from a client", head(*POST) + frame(0x5, b"\0\0\0"), False, {FRAME_UNEXPECTED}),
    ("a static index out of range", frame(HEADERS, b"\0\0\xff\x7f"), False, {DECOMPRESSION_FAILED}),
    ("more insertions than the table can hold", frame(HEADERS, b"\xff\xff\xff\x7f\0\x80"), False, {DECOMPRESSION_FAILED}),
    ("a field section that ends early", frame(HEADERS, b"\0\0\x27\xff"), False, {DECOMPRESSION_FAILED}),
]

CONTROL_BEGUN = bytes([CONTROL]) + frame(SETTINGS)


def said(*frames):
    return CONTROL_BEGUN + b"".join(frames)


# Control streams that are not: (name, bytes of the control stream, codes)
BROKEN_CONTROL = [
    ("no SETTINGS first", bytes([CONTROL]) + frame(GOAWAY, varint(0)), {MISSING_SETTINGS}),
    ("SETTINGS twice", said(frame(SETTINGS)), {FRAME_UNEXPECTED}),
    ("a setting twice", bytes([CONTROL]) + frame(SETTINGS, (varint(0x6) + varint(1)) * 2), {SETTINGS_ERROR}),
    *[(f"setting {setting} of HTTP/2", bytes([CONTROL]) + frame(SETTINGS, varint(setting) + varint(1)), {SETTINGS_ERROR}) for setting in range(2, 6)],
    ("a setting without a value", bytes([CONTROL]) + frame(SETTINGS, varint(0x6)), {FRAME_ERROR}),
    ("DATA on the control stream", said(frame(DATA, b"x")), {FRAME_UNEXPECTED}),
    ("HEADERS on the control stream", said(frame(HEADERS, b"\0\0")), {FRAME_UNEXPECTED}),
    ("a push that nobody knows is cancelled", said(frame(CANCEL_PUSH, varint(0))), {ID_ERROR}),
    ("MAX_PUSH_ID that decreases", said(frame(MAX_PUSH_ID, varint(10)), frame(MAX_PUSH_ID, varint(9))), {ID_ERROR}),
    ("MAX_PUSH_ID with more than an id", said(frame(MAX_PUSH_ID, varint(1) + b"x")), {FRAME_ERROR}),
    ("GOAWAY that increases", said(frame(GOAWAY, varint(4)), frame(GOAWAY, varint(8))), {ID_ERROR}),
    ("a priority of a stream far away", said(frame(PRIORITY_UPDATE, varint(4 * 1000) + b"u=1")), {ID_ERROR}),
]

# Streams beside a control stream: (name, the bytes of each, what is done with the last: "", "end" or "reset", codes)
BROKEN_STREAMS_BESIDE = [
    ("a second control stream", [CONTROL_BEGUN], "", {STREAM_CREATION_ERROR}),
    ("a second encoder's stream", [bytes([ENCODER])] * 2, "", {STREAM_CREATION_ERROR}),
    ("a second decoder's stream", [bytes([DECODER])] * 2, "", {STREAM_CREATION_ERROR}),
    ("a push stream of a client", [bytes([PUSH]) + varint(0)], "", {STREAM_CREATION_ERROR}),
    *[(f"the {name}'s stream {'ends' if how == 'end' else 'is reset'}", [bytes([kind])], how, {CLOSED_CRITICAL_STREAM})
      for name, kind in (("encoder", ENCODER), ("decoder", DECODER)) for how in ("end", "reset")],
]

# Floods of what is legal: (name, bytes on the control stream, bytes on a request stream, reason in log and metrics)
FLOODS = [
    ("MAX_PUSH_ID", frame(MAX_PUSH_ID, varint(5)) * 300, b"", "control_frames"),
    ("GOAWAY", frame(GOAWAY, varint(8)) * 300, b"", "control_frames"),
    ("priorities", frame(PRIORITY_UPDATE, varint(0) + b"u=1") * 2000, b"", "other_frames"),
    ("unknown frames on the control stream", frame(0x21, b"x") * 2000, b"", "other_frames"),
    ("unknown frames on a request", b"", head(*POST) + frame(0x21, b"x") * 2000, "other_frames"),
    ("DATA with nothing in it", b"", head(*POST) + frame(DATA) * 200, "empty_frames"),
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
    ("an entry with a name of 3000 bytes", entry(b"a" * 3000, b"b"), {EXCESSIVE_LOAD}),
    ("acknowledgements of nothing", bytes([DECODER, 0]), {DECODER_STREAM_ERROR}),
    ("acknowledgements of what was not sent", bytes([DECODER]) + integer(1000, 6), {DECODER_STREAM_ERROR}),
]


class H3Requests(Table):
    @classmethod
    def setUpClass(cls):
        cls.release = threading.Event()

        def download(wire, request):
            wire.read_body(request)
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (DOWNLOAD, b"d" * (DOWNLOAD // 2)))
            cls.release.wait()
            wire.send(b"d" * (DOWNLOAD // 2))

        cls.world = cls.enterClassContext(World(scripts={"/download": download}))

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
                    self.assertEqual(client.code, EXCESSIVE_LOAD, client.terminated)
                elif stream.status:
                    self.assertIn(stream.status, (400, 405, 431))
                else:
                    self.assertEqual((stream.reset, stream.stopped), (MESSAGE_ERROR, None))
                    self.assert_served(client)
            self.assert_broken_off(mark, broken)

        self.play_all(self.world, REFUSED, play)

    def assert_broken_off(self, mark, broken):
        """Whatever the endpoint has seen of the row, it has not seen to its end."""
        seen = [request for request in self.world.endpoint.since(mark) if request.target != "/beside"]
        harness.wait_until(lambda: self.world.endpoint.broken_off - broken >= len(seen), f"{[request.fields for request in seen]} are broken off")

    def assert_served(self, client):
        number = client.open(head(*request(b"/beside")), end=True)
        self.assertTrue(client.until_over(number), client.terminated)
        self.assertEqual(client.stream(number).status, 200)

    def test_a_field_that_no_message_may_have_is_the_error_of_its_stream_alone(self):
        def play(pair):
            mark = self.world.endpoint.mark()
            with self.connect() as client:
                number = client.open(head(*request(b"/row", more=[pair])))
                self.assertTrue(client.until_over(number), client.terminated)
                stream = client.stream(number)
                self.assertEqual((stream.status, stream.reset, stream.stopped), (0, MESSAGE_ERROR, MESSAGE_ERROR))
                self.assert_served(client)
            self.assertEqual([seen.target for seen in self.world.endpoint.since(mark)], ["/beside"])

        self.play_all(self.world, INVALID, play)

    def test_a_field_of_trailers_that_no_message_may_have_breaks_the_request_off(self):
        def play(pair):
            broken = self.world.endpoint.broken_off
            mark = self.world.endpoint.mark()
            with self.connect() as client:
                number = client.open(head(*request(b"/row", method=b"POST")) + frame(DATA, b"hello") + head(pair), end=True)
                self.assertTrue(client.until_over(number), client.terminated)
                self.assertEqual((client.stream(number).status, client.stream(number).reset), (0, MESSAGE_ERROR))
                self.assert_served(client)
            self.assert_broken_off(mark, broken)

        self.play_all(self.world, INVALID, play)

    def test_ten_downloads_beside_malformed_messages_finish(self):
        bad = [data for name, data in REFUSED if name.startswith((":path '/a\\r", "more than", "te:", ":path twice", "trailers with"))]
        bad += [head(*request(more=[pair])) for _, pair in INVALID]
        self.release.clear()
        self.addCleanup(self.release.set)
        with self.connect() as client:
            downloads = [client.open(head(*request(b"/download")), end=True) for _ in range(10)]
            self.assertTrue(client.until(lambda: all(client.stream(number).status for number in downloads)), client.terminated)
            for data in bad:
                number = client.open(data, end=True)
                self.assertTrue(client.until_over(number), client.terminated)
                self.assertEqual(client.stream(number).reset, MESSAGE_ERROR, data)
            self.release.set()
            self.assertTrue(client.until_over(*downloads), client.terminated)
            for number in downloads:
                stream = client.stream(number)
                self.assertEqual((stream.status, stream.ended, len(stream.data)), (200, True, DOWNLOAD))

    def test_a_stream_that_ends_without_a_request_is_reset_alone(self):
        def play(data):
            with self.connect() as client:
                number = client.open(data, end=True)
                self.assertTrue(client.until_over(number), client.terminated)
                self.assertEqual(client.stream(number).reset, REQUEST_INCOMPLETE)
                self.assert_served(client)

        self.play_all(self.world, [("nothing at all", b""), ("an unknown frame", frame(0x21, b"x"))], play)

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

    def test_streams_that_the_connection_has_once_end_it_with_their_code(self):
        def play(streams, how, codes):
            with self.connect() as client:
                for data in streams:
                    last = client.open_unidirectional(data)
                if how == "end":
                    client.send(last, b"", end=True)
                elif how == "reset":
                    client.until(lambda: False, patience=0.1)
                    client.reset(last)
                self.assertTrue(client.until_closed())
                self.assertIn(client.code, codes, client.terminated)

        self.play_all(self.world, BROKEN_STREAMS_BESIDE, play)

    def test_the_control_stream_stays_open(self):
        def play(how):
            with self.connect() as client:
                if how == "end":
                    client.send(client.control, b"", end=True)
                else:
                    client.reset(client.control)
                self.assertTrue(client.until_closed())
                self.assertEqual(client.code, CLOSED_CRITICAL_STREAM, client.terminated)

        self.play_all(self.world, [("it ends", "end"), ("it is reset", "reset")], play)

    def test_our_own_streams_may_not_be_stopped(self):
        with self.connect() as client:
            self.assertTrue(client.until(lambda: any(number % 4 == 3 for number in client.streams)))
            client.stop(min(number for number in client.streams if number % 4 == 3))
            self.assertTrue(client.until_closed())
            self.assertEqual(client.code, CLOSED_CRITICAL_STREAM, client.terminated)

    def test_an_answer_that_is_stopped_is_reset_and_what_is_beside_it_goes_on(self):
        with self.connect() as client:
            number = client.open(head(*request(method=b"POST")) + frame(DATA, b"hello"))
            client.until(lambda: False, patience=0.1)
            client.stop(number)
            self.assertTrue(client.until_over(number), client.terminated)
            self.assertEqual(client.stream(number).reset, REQUEST_CANCELLED)
            self.assert_served(client)

    def test_a_page_of_images_with_priorities_is_served(self):
        with self.connect() as client:
            numbers = []
            for index in range(300):
                client.send(client.control, frame(PRIORITY_UPDATE, varint(4 * index) + b"u=%d, i" % (index % 8)))
                numbers.append(client.open(frame(0x21, b"x") + head(*request(b"/image", more=[(b"priority", b"u=2")])), end=True))
                self.assertTrue(client.until_over(numbers[-1]), client.terminated)
            self.assertEqual({client.stream(number).status for number in numbers}, {200})
            self.assertIsNone(client.code)

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


class H3Floods(Table):
    """In a world of their own: the log tells of so many connections and no more."""

    def setUp(self):
        self.world = self.enterContext(World())

    def connect(self):
        return H3Client(self.world.gatehouse.port, self.world.gatehouse.certificate)

    def test_floods_of_what_means_little_are_cut_and_told_of(self):
        def play(control, data, reason):
            before = self.cut(reason)
            with self.connect() as client:
                if control:
                    client.send(client.control, control)
                if data:
                    client.open(data)
                self.assertTrue(client.until_closed())
                self.assertEqual(client.code, EXCESSIVE_LOAD, client.terminated)
            self.assertEqual(self.cut(reason), before + 1)
            self.assertIn(f"is ended for what the client did: {reason}", self.world.gatehouse.log())

        self.play_all(self.world, FLOODS, play)

    def cut(self, reason):
        return self.world.gatehouse.metric(f'^gatehouse_connections_cut_total.*"{reason}"')


if __name__ == "__main__":
    main()
