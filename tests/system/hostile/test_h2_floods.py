"""Frames of HTTP/2 that are each legal and together an attack, and frames that are not legal: RFC 9113 sections 3.4, 4 to 6 and 10.5.

A flood is cut off with a GOAWAY that says why, before it has cost much: the endpoint sees little of it, and memory stays.
"""

import struct

from h2_client import (ACK, CANCEL, COMPRESSION_ERROR, CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, FLOW_CONTROL_ERROR,
                       FRAME_SIZE_ERROR, GOAWAY, HEADERS, PADDED, PING, PRIORITY, PRIORITY_UPDATE, PROTOCOL_ERROR, PUSH_PROMISE, REFUSED_STREAM, RST_STREAM,
                       SETTINGS, STREAM_CLOSED, WINDOW_UPDATE, H2Client, block, frame, integer, request)
from world import Table, World, main

MANY = 20_000
REQUEST = block(*request(b"/flood"))
OPEN = block(*request(b"/flood", b"POST"))


def number(value):
    return struct.pack(">I", value)


def setting(kind, value):
    return struct.pack(">HI", kind, value)


def streams(count):
    return range(1, 2 * count, 2)


def flood(piece, count=MANY, first=b""):
    """`first`, then `piece(n)` so often."""
    return first + b"".join(piece(n) for n in range(count))


OPENED = frame(HEADERS, END_HEADERS, 1, OPEN)
MALFORMED = frame(HEADERS, END_HEADERS, 1, block(*request(b"/flood", b"POST"), (b"connection", b"close")))
BOMB = block(*request(b"/flood")) + b"\x40\x01b" + integer(4000, 7) + b"v" * 4000

# Floods: (name, bytes, codes of GOAWAY; None: the connection may also just be closed)
FLOODS = [
    ("rapid reset", flood(lambda n: frame(HEADERS, END_STREAM | END_HEADERS, 2 * n + 1, REQUEST) + frame(RST_STREAM, 0, 2 * n + 1, number(CANCEL))), {ENHANCE_YOUR_CALM}),
    ("streams that we are made to reset by a window of zero", flood(
        lambda n: frame(HEADERS, END_STREAM | END_HEADERS, 2 * n + 1, REQUEST) + frame(WINDOW_UPDATE, 0, 2 * n + 1, number(0))), {ENHANCE_YOUR_CALM, PROTOCOL_ERROR}),
    ("CONTINUATION without an end", flood(lambda n: frame(CONTINUATION, 0, 1, block((b"a%d" % n, b"b" * 100))), first=frame(HEADERS, END_STREAM, 1, REQUEST)),
     {ENHANCE_YOUR_CALM, PROTOCOL_ERROR}),
    ("empty CONTINUATION without an end", flood(lambda n: frame(CONTINUATION, 0, 1), first=frame(HEADERS, END_STREAM, 1, REQUEST)), {ENHANCE_YOUR_CALM, PROTOCOL_ERROR}),
    ("PING", flood(lambda n: frame(PING, 0, 0, b"12345678")), {ENHANCE_YOUR_CALM}),
    ("SETTINGS", flood(lambda n: frame(SETTINGS, 0, 0, setting(0x3, 100))), {ENHANCE_YOUR_CALM}),
    ("SETTINGS that switch the table", flood(lambda n: frame(SETTINGS, 0, 0, setting(0x1, 4096 * (n % 2)))), {ENHANCE_YOUR_CALM}),
    ("a SETTINGS frame of 2000 entries", frame(SETTINGS, 0, 0, setting(0x99, 1) * 2000), {ENHANCE_YOUR_CALM}),
    ("empty DATA without an end", flood(lambda n: frame(DATA, 0, 1), first=OPENED), {ENHANCE_YOUR_CALM}),
    ("DATA of padding alone", flood(lambda n: frame(DATA, PADDED, 1, b"\x01\0"), first=OPENED), {ENHANCE_YOUR_CALM}),
    ("PRIORITY", flood(lambda n: frame(PRIORITY, 0, 2 * n + 1, number(0) + b"\x10")), {ENHANCE_YOUR_CALM}),
    ("PRIORITY_UPDATE", flood(lambda n: frame(PRIORITY_UPDATE, 0, 0, number(1) + b"u=1"), first=OPENED), {ENHANCE_YOUR_CALM}),
    ("acknowledgements of no PING", flood(lambda n: frame(PING, ACK, 0, b"12345678")), {ENHANCE_YOUR_CALM}),
    ("GOAWAY", flood(lambda n: frame(GOAWAY, 0, 0, number(0) + number(0)), first=OPENED), {ENHANCE_YOUR_CALM}),
    ("windows of the connection", flood(lambda n: frame(WINDOW_UPDATE, 0, 0, number(1))), {ENHANCE_YOUR_CALM}),
    ("windows of a stream", flood(lambda n: frame(WINDOW_UPDATE, 0, 1, number(1)), first=OPENED), {ENHANCE_YOUR_CALM}),
    ("windows of a stream that is cancelled", flood(lambda n: frame(WINDOW_UPDATE, 0, 1, number(1)), first=OPENED + frame(RST_STREAM, 0, 1, number(CANCEL))), {ENHANCE_YOUR_CALM}),
    ("DATA on a stream that is cancelled", flood(lambda n: frame(DATA, 0, 1, b"x"), first=OPENED + frame(RST_STREAM, 0, 1, number(CANCEL))), {ENHANCE_YOUR_CALM}),
    ("DATA on a stream that we have reset", flood(lambda n: frame(DATA, 0, 1, b"x"), first=MALFORMED), {ENHANCE_YOUR_CALM}),
    ("HEADERS without an end on a stream that we have reset", flood(lambda n: frame(HEADERS, END_HEADERS, 1), first=MALFORMED), {ENHANCE_YOUR_CALM}),
    ("frames of unknown types", flood(lambda n: frame(0x20 + n % 100, 0, 0, b"x")), {ENHANCE_YOUR_CALM}),
    ("references to one large field", flood(lambda n: frame(HEADERS, END_STREAM | END_HEADERS, 2 * n + 3, block(*request(b"/flood")) + b"\xbe" * 8000), 100,
                                            first=frame(HEADERS, END_STREAM | END_HEADERS, 1, BOMB)), {ENHANCE_YOUR_CALM}),
    ("a hundred thousand crumbs", flood(lambda n: frame(HEADERS, END_STREAM | END_HEADERS, 2 * n + 1, block(*request(b"/flood")) + b"\x40\x06cookie\0" + b"\xbe" * 15000), 60),
     {ENHANCE_YOUR_CALM}),
]

# Frames that are wrong: (name, bytes, codes of GOAWAY or of RST_STREAM on stream 1)
WRONG = [
    ("a window beyond 2^31 - 1 by SETTINGS", OPENED + frame(WINDOW_UPDATE, 0, 1, number(2**31 - 1 - 65535)) + frame(SETTINGS, 0, 0, setting(0x4, 2**31 - 1)), {FLOW_CONTROL_ERROR}),
    ("a window beyond 2^31 - 1", frame(WINDOW_UPDATE, 0, 0, number(2**31 - 1)), {FLOW_CONTROL_ERROR}),
    ("a window update of zero", frame(WINDOW_UPDATE, 0, 0, number(0)), {PROTOCOL_ERROR}),
    ("a table size beyond the limit", frame(HEADERS, END_STREAM | END_HEADERS, 1, integer(65536, 5, 0x20) + REQUEST), {COMPRESSION_ERROR}),
    ("an index that is not there", frame(HEADERS, END_STREAM | END_HEADERS, 1, REQUEST + integer(4000, 7, 0x80)), {COMPRESSION_ERROR}),
    ("index zero", frame(HEADERS, END_STREAM | END_HEADERS, 1, b"\x80"), {COMPRESSION_ERROR}),
    ("EOS in a Huffman string", frame(HEADERS, END_STREAM | END_HEADERS, 1, REQUEST + b"\x00\x01a\x84\xff\xff\xff\xff"), {COMPRESSION_ERROR}),
    ("more than seven bits of padding", frame(HEADERS, END_STREAM | END_HEADERS, 1, REQUEST + b"\x00\x01a\x82\x1f\xff"), {COMPRESSION_ERROR}),
    ("a field that ends early", frame(HEADERS, END_STREAM | END_HEADERS, 1, b"\x00\x7f"), {COMPRESSION_ERROR}),
    ("a frame of 16385 bytes", frame(DATA, 0, 1, bytes(16385)), {FRAME_SIZE_ERROR}),
    ("PING of seven bytes", frame(PING, 0, 0, bytes(7)), {FRAME_SIZE_ERROR}),
    ("PING on a stream", frame(PING, 0, 1, bytes(8)), {PROTOCOL_ERROR}),
    ("SETTINGS of five bytes", frame(SETTINGS, 0, 0, bytes(5)), {FRAME_SIZE_ERROR}),
    ("SETTINGS on a stream", frame(SETTINGS, 0, 1), {PROTOCOL_ERROR}),
    ("an ACK of SETTINGS with a payload", frame(SETTINGS, ACK, 0, setting(1, 1)), {FRAME_SIZE_ERROR}),
    ("a frame size below 16384", frame(SETTINGS, 0, 0, setting(0x5, 100)), {PROTOCOL_ERROR}),
    ("ENABLE_PUSH of two", frame(SETTINGS, 0, 0, setting(0x2, 2)), {PROTOCOL_ERROR}),
    ("RST_STREAM of three bytes", frame(RST_STREAM, 0, 1, bytes(3)), {FRAME_SIZE_ERROR, PROTOCOL_ERROR}),
    ("RST_STREAM of an idle stream", frame(RST_STREAM, 0, 5, number(CANCEL)), {PROTOCOL_ERROR}),
    ("DATA on an idle stream", frame(DATA, END_STREAM, 5, b"x"), {PROTOCOL_ERROR, STREAM_CLOSED}),
    ("DATA on a stream that has ended", frame(HEADERS, END_STREAM | END_HEADERS, 1, REQUEST) + frame(DATA, 0, 1, b"x"), {STREAM_CLOSED}),
    ("DATA on a stream that is cancelled", OPENED + frame(RST_STREAM, 0, 1, number(CANCEL)) + frame(DATA, 0, 1, b"x"), {STREAM_CLOSED}),
    ("HEADERS on a stream that is cancelled", OPENED + frame(RST_STREAM, 0, 1, number(CANCEL)) + OPENED, {STREAM_CLOSED}),
    ("a lower stream", frame(HEADERS, END_HEADERS, 5, OPEN) + OPENED, {PROTOCOL_ERROR}),
    ("PRIORITY on stream 0", frame(PRIORITY, 0, 0, number(0) + b"\x10"), {PROTOCOL_ERROR}),
    ("PRIORITY of a stream on itself", OPENED + frame(PRIORITY, 0, 1, number(1) + b"\x10"), {PROTOCOL_ERROR}),
    ("DATA on stream 0", frame(DATA, END_STREAM, 0, b"x"), {PROTOCOL_ERROR}),
    ("HEADERS on stream 0", frame(HEADERS, END_STREAM | END_HEADERS, 0, REQUEST), {PROTOCOL_ERROR}),
    ("HEADERS on an even stream", frame(HEADERS, END_STREAM | END_HEADERS, 2, REQUEST), {PROTOCOL_ERROR}),
    ("padding longer than the frame", OPENED + frame(DATA, PADDED | END_STREAM, 1, b"\xffx"), {PROTOCOL_ERROR}),
    ("PUSH_PROMISE from a client", OPENED + frame(PUSH_PROMISE, END_HEADERS, 1, number(2) + REQUEST), {PROTOCOL_ERROR}),
    ("CONTINUATION without HEADERS", frame(CONTINUATION, END_HEADERS, 1, REQUEST), {PROTOCOL_ERROR}),
    ("another frame within a head", frame(HEADERS, END_STREAM, 1, REQUEST) + frame(PING, 0, 0, bytes(8)), {PROTOCOL_ERROR}),
    ("GOAWAY on a stream", frame(GOAWAY, 0, 1, number(0) + number(0)), {PROTOCOL_ERROR}),
]


class H2Floods(Table):
    @classmethod
    def setUpClass(cls):
        cls.world = cls.enterClassContext(World())

    def connect(self, **options):
        return H2Client(self.world.gatehouse.port, self.world.gatehouse.certificate, **options)

    def test_a_flood_is_cut_off_and_the_endpoint_sees_little_of_it(self):
        def play(data, codes):
            mark = self.world.endpoint.mark()
            before = self.world.gatehouse.resident_kib()
            with self.connect() as client:
                client.send(data)
                self.assertTrue(client.until_closed(), "the connection is still open")
                if client.goaway is not None:  # else a reset overtook it
                    self.assertIn(client.goaway, codes)
            self.assertLessEqual(len(self.world.endpoint.since(mark)), 300)
            self.assertLess(self.world.gatehouse.resident_kib() - before, 8192, "KiB grown")

        self.play_all(self.world, FLOODS, play)

    def test_a_flood_of_pings_whose_answers_nobody_reads_holds_nothing(self):
        def play(data):
            before = self.world.gatehouse.resident_kib()
            with self.connect() as client:
                client.send(data)
                self.assertTrue(client.until_closed())
            self.assertLess(self.world.gatehouse.resident_kib() - before, 4096)

        self.play_all(self.world, [("PING", frame(PING, 0, 0, b"12345678") * MANY)], play)

    def test_frames_that_are_wrong_end_the_stream_or_the_connection_with_their_code(self):
        def play(data, codes):
            with self.connect() as client:
                client.send(data)
                client.until(lambda: client.goaway is not None or client.stream(1).reset is not None)
                self.assertIn(client.goaway if client.goaway is not None else client.stream(1).reset, codes)

        self.play_all(self.world, WRONG, play)

    def test_what_is_no_preface_is_no_connection(self):
        def play(preface):
            mark = self.world.endpoint.mark()
            with self.connect(preface=preface) as client:
                self.assertTrue(client.until_closed())
                self.assertIn(client.goaway, (None, PROTOCOL_ERROR))
            # Of the rows before, a request that was served may arrive as late as this.
            self.assertEqual([seen.target for seen in self.world.endpoint.since(mark) if "smuggled" in seen.target], [])

        self.play_all(self.world, [
            ("HTTP/1.1", b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"),
            ("a preface with a mistake", b"PRI * HTTP/2.0\r\n\r\nSX\r\n\r\n"),
        ], play)

    def test_streams_beyond_the_limit_do_not_reach_the_endpoint(self):
        def play(count):
            mark = self.world.endpoint.mark()
            with self.connect() as client:
                client.send(b"".join(frame(HEADERS, END_HEADERS, n, OPEN) for n in streams(count)))
                client.until(lambda: client.goaway is not None or any(stream.reset is not None for stream in client.streams.values()))
                if client.goaway is None:
                    self.assertLessEqual({stream.reset for stream in client.streams.values()}, {None, REFUSED_STREAM})
                else:
                    self.assertIn(client.goaway, (PROTOCOL_ERROR, ENHANCE_YOUR_CALM, REFUSED_STREAM))
            self.assertLessEqual(len(self.world.endpoint.since(mark)), 100)

        self.play_all(self.world, [("twice as many", 200)], play)

    def test_a_hundred_answers_that_nobody_takes_hold_little(self):
        def play(size):
            before = self.world.gatehouse.resident_kib()
            with self.connect(settings=setting(0x4, size)) as client:
                client.send(b"".join(frame(HEADERS, END_STREAM | END_HEADERS, n, REQUEST) for n in streams(100)))
                client.until(lambda: sum(bool(stream.status) for stream in client.streams.values()) == 100)
                self.assertLess(self.world.gatehouse.resident_kib() - before, 8192)

        self.play_all(self.world, [("a window of zero", 0), ("a window of a byte", 1)], play)


if __name__ == "__main__":
    main()
