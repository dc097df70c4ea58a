"""Every row: what is said to which player, and how many instructions a byte of it may take at most.

The bounds are about twice what was measured, so that a change of compiler or library passes and a mistake that costs ten times as
much does not. What a byte costs in earnest is known: a request of 30 bytes makes an exchange and an answer, some 20,000
instructions; a datagram that begins a connection makes its keys. Those rows have large numbers that nothing but less work per
request could make smaller; elsewhere a large number would be a fault. Where a byte makes a line of the access log, the bound is what
a line may take.
"""

import dataclasses
import typing

import inputs as i
from inputs import h2, h3, quic_packets

SIZE = 4000


@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    player: str
    most: int  # instructions a byte
    make: typing.Callable
    size: int = SIZE


def rows(player, *entries):
    return [Row(name, player, *rest) for name, *rest in entries]


H1_REQUESTS = rows(
    "h1_request",
    ("requests of 30 bytes", 430, i.at_once(lambda size: i.repeated(i.GET, size))),
    ("fields of a byte", 300, i.at_once(lambda size: i.repeated(i.FIELDS, size))),
    ("fields of a byte, byte by byte", 1300, i.one_by_one(lambda size: i.repeated(i.FIELDS, size))),
    ("one long value", 12, i.at_once(i.one_field(b"a", b"v"))),
    ("one long value, byte by byte", 1100, i.one_by_one(i.one_field(b"a", b"v"))),
    ("a target of dots", 280, i.at_once(i.target(b"a/../")), 1900),
    ("a target of escapes", 130, i.at_once(i.target(b"%2e%2E/%61")), 1900),
    ("a target of slashes", 280, i.at_once(i.target(b"/")), 1900),
    ("a target, byte by byte", 1300, i.one_by_one(i.target(b"a/../")), 1900),
    ("a Cookie of crumbs", 12, i.at_once(i.one_field(b"Cookie", b"a=b; "))),
    ("a Connection of names", 760, i.at_once(i.listed_names)),
    ("a Transfer-Encoding of commas", 28, i.at_once(i.one_field(b"Transfer-Encoding", b","))),
    ("chunks of a byte", 150, i.at_once(lambda size: i.repeated(b"1\r\nx\r\n", size, i.POST))),
    ("chunks of a byte, byte by byte", 840, i.one_by_one(lambda size: i.repeated(b"1\r\nx\r\n", size, i.POST))),
    ("chunk extensions", 12, i.at_once(lambda size: i.repeated(b"ff;a=b;c=\"d\"\r\n" + b"x" * 255 + b"\r\n", size, i.POST))),
    ("trailers", 420, i.at_once(lambda size: i.repeated(i.POST + b"0\r\n" + b"a:\r\n" * 30 + b"\r\n", size))),
)
H1_RESPONSES = rows(
    "h1_response",
    ("answers of nothing", 210, i.at_once(lambda size: i.repeated(b"HTTP/1.1 204 N\r\n\r\n", size))),
    ("interim answers", 210, i.at_once(lambda size: i.repeated(b"HTTP/1.1 103 E\r\n\r\n", size))),
    ("fields of a byte", 240, i.at_once(lambda size: i.repeated(b"HTTP/1.1 204 N\r\n" + b"a:\r\n" * 98 + b"\r\n", size))),
    ("one long value, byte by byte", 1100, i.one_by_one(i.one_field(b"a", b"v", b"HTTP/1.1 200 OK\r\n"))),
    ("chunks of a byte", 140, i.at_once(lambda size: i.repeated(b"1\r\nx\r\n", size, i.OK))),
    ("chunks of a byte, byte by byte", 830, i.one_by_one(lambda size: i.repeated(b"1\r\nx\r\n", size, i.OK))),
    ("trailers", 380, i.at_once(lambda size: i.repeated(i.OK + b"0\r\n" + b"a:\r\n" * 30 + b"\r\n", size))),
)
H1 = rows(
    "h1",
    ("requests of 30 bytes", 1300, i.at_once(lambda size: i.repeated(i.GET, size))),
    ("fields of a byte, byte by byte", 9700, i.one_by_one(lambda size: i.repeated(i.FIELDS, size)), 2000),
    ("chunks of a byte", 330, i.at_once(lambda size: i.repeated(b"1\r\nx\r\n", size, i.POST))),
    ("chunks of a byte, byte by byte", 13000, i.one_by_one(lambda size: i.repeated(b"1\r\nx\r\n", size, i.POST)), 2000),
)
H2 = rows(
    "h2",
    ("requests of 15 bytes", 1300, i.frames(lambda n: h2.frame(h2.HEADERS, i.WHOLE, 2 * n + 1, i.INDEXED))),
    ("fields of the static table", 1500, i.at_once(i.headers(b"\x90"))),
    ("fields of a byte", 580, i.at_once(i.headers(b"\x00\x01a\x00"))),
    ("fields without a name", 560, i.at_once(i.headers(b"\x00\x00\x00"))),
    ("fields that are wrong", 360, i.at_once(i.headers(b"\x00\x01a\x01\x00"))),
    ("fields put into the table", 750, i.at_once(i.headers(b"\x40\x01a\x00"))),
    ("strings in Huffman's code", 130, i.at_once(i.headers(b"\x00\x01a\xff\x00" + b"\x1f" * 127))),
    ("crumbs of a cookie", 940, i.at_once(i.headers(b"\x60\x01c"))),
    ("sizes of the table, one after the other", 170, i.at_once(i.headers(b"\x20\x3f\xe1\x1f", b""))),
    ("references to a large field", 490, i.at_once(i.references(i.GOOD))),
    ("references to a large field that is wrong", 420, i.at_once(i.references(i.BAD)), 16_000),
    ("one reference to it in each head", 700, i.frames(lambda n: h2.frame(h2.HEADERS, i.WHOLE, 2 * n + 3, i.INDEXED + b"\xbe"),
                                                     h2.frame(h2.HEADERS, i.WHOLE, 1, i.INDEXED + h2.literal(b"b", i.BAD, 0x40))), 8000),
    ("references on a stream that is over", 420, i.at_once(i.references(i.GOOD, closed=True)), 16_000),
    ("heads in many frames", 870, i.frames(i.continued(b"\x90"))),
    ("heads in empty frames", 660, i.frames(i.continued(b""))),
    ("bodies in frames of a byte", 300, i.frames(h2.frame(h2.DATA, 0, 1, b"x"), i.UPLOAD)),
    ("bodies in frames of padding", 340, i.frames(h2.frame(h2.DATA, h2.PADDED, 1, b"\x01x\0"), i.UPLOAD)),
    ("empty bodies", 150, i.frames(h2.frame(h2.DATA, 0, 1), i.UPLOAD)),
    ("PING", 72, i.frames(h2.frame(h2.PING, 0, 0, bytes(8)))),
    ("answers to no PING", 54, i.frames(h2.frame(h2.PING, h2.ACK, 0, bytes(8)))),
    ("SETTINGS", 88, i.frames(h2.frame(h2.SETTINGS, 0, 0, b"\0\3\0\0\0\x64"))),
    ("SETTINGS of many windows", 72, i.frames(h2.frame(h2.SETTINGS, 0, 0, b"\0\4\0\0\0\x64\0\4\0\0\0\x65" * 16), i.UPLOAD)),
    ("WINDOW_UPDATE", 68, i.frames(h2.frame(h2.WINDOW_UPDATE, 0, 0, b"\0\0\0\1"))),
    ("WINDOW_UPDATE of streams that are over", 92, i.frames(h2.frame(h2.WINDOW_UPDATE, 0, 1, b"\0\0\0\1"),
                                                           h2.frame(h2.HEADERS, i.WHOLE, 1, i.INDEXED))),
    ("PRIORITY", 62, i.frames(h2.frame(h2.PRIORITY, 0, 1, bytes(5)))),
    ("PRIORITY_UPDATE", 120, i.frames(h2.frame(h2.PRIORITY_UPDATE, 0, 0, b"\0\0\0\1u=1"), i.UPLOAD)),
    ("GOAWAY", 72, i.frames(h2.frame(h2.GOAWAY, 0, 0, bytes(8)))),
    ("RST_STREAM behind each head", 680, i.frames(lambda n: h2.frame(h2.HEADERS, i.WHOLE, 2 * n + 1, i.INDEXED)
                                                + h2.frame(h2.RST_STREAM, 0, 2 * n + 1, b"\0\0\0\x08"))),
    ("frames of no type that is known", 88, i.frames(h2.frame(0x20, 0, 0, b""))),
    ("a head byte by byte", 11000, i.one_by_one(i.headers(b"\x00\x01a\x00")), 2000),
)
H3 = rows(
    "h3",
    ("requests of 10 bytes", 6800, i.h3_requests(lambda room: i.STATIC, 1)),
    ("fields of the static table", 1200, i.h3_requests(lambda room: i.STATIC + b"\xdd" * room)),
    ("fields of a byte", 730, i.h3_requests(lambda room: i.STATIC + b"\x21a\x00" * (room // 3))),
    ("fields that are wrong", 490, i.h3_requests(lambda room: i.STATIC + b"\x21a\x01\x00" * (room // 4))),
    ("strings in Huffman's code", 220, i.h3_requests(lambda room: i.STATIC + (b"\x21a\xff\x00" + b"\x1f" * 127) * (room // 131))),
    ("crumbs of a cookie", 1200, i.h3_requests(lambda room: i.STATIC + b"\xc5" * room)),
    ("references to a large field", 550, i.h3_references(i.GOOD)),
    ("references to a large field that is wrong", 550, i.h3_references(i.BAD)),
    ("bodies in frames of a byte", 320, i.on_stream(0, h3.frame(h3.DATA, b"x"), h3.head(*h2.request(method=b"POST")))),
    ("empty bodies", 270, i.on_stream(0, h3.frame(h3.DATA), h3.head(*h2.request(method=b"POST")))),
    ("empty frames of no type that is known", 140, i.on_stream(0, h3.frame(0x21), h3.head(*h2.request(method=b"POST")))),
    ("the same on the control stream", 130, i.on_stream(i.CONTROL, h3.frame(0x21))),
    ("PRIORITY_UPDATE", 190, i.on_stream(i.CONTROL, h3.frame(h3.PRIORITY_UPDATE, h3.varint(0) + b"u=1"))),
    ("MAX_PUSH_ID", 190, i.on_stream(i.CONTROL, h3.frame(h3.MAX_PUSH_ID, h3.varint(1)))),
    ("GOAWAY", 180, i.on_stream(i.CONTROL, h3.frame(h3.GOAWAY, h3.varint(0)))),
    ("sizes of the table, one after the other", 530, i.on_stream(i.ENCODER, i.TABLE + b"\x20", b"\x02")),
    ("insertions", 2200, i.on_stream(i.ENCODER, b"\x41a\x00", b"\x02" + i.TABLE)),
    ("duplicates", 900, i.on_stream(i.ENCODER, b"\x00", b"\x02" + i.TABLE + b"\x41b" + h2.integer(100, 7) + b"v" * 100)),
    ("cancelled streams", 250, i.on_stream(i.DECODER, b"\x40", b"\x03")),
    ("a head, byte by byte", 17000, i.h3_bytes(lambda size: i.STATIC + b"\x21a\x00" * (size // 3)), 1000),
)
QUIC = rows(
    "quic",
    ("noise", 12, i.datagrams(lambda n: b"\x40" + bytes(i.DATAGRAM - 1)), 12_000),
    ("short packets of nobody", 710, lambda size: [(n % 60_000, 0, b"\x40" + bytes(20)) for n in range(size // 21)]),
    ("long packets that are nothing", 550, i.datagrams(lambda n: b"\xc0\0\0\0\1\x08" + bytes(8) + b"\x08" + bytes(i.DATAGRAM - 15)), 12_000),
    ("unknown versions", 20, i.datagrams(lambda n: b"\xc0\x1a\x2a\x3a\x4a\x08" + bytes(8) + b"\x08" + bytes(i.DATAGRAM - 15)), 12_000),
    ("Initials that hold nothing", 570, i.datagrams(i.initial_with(b"\x01")), 24_000),
    ("Initials from one network", 320, i.datagrams(i.initial_with(b"\x01"), networks=1), 24_000),
    ("PING in every byte of an Initial", 560, i.initials_of_one(lambda n: b"\x01" * 1100), 12_000),
    ("CRYPTO in fragments of a byte", 900, i.initials_of_one(i.fragments), 12_000),
    ("whole handshakes that begin", 4800, lambda size: [(n, 0, quic_packets.Hello().initial()) for n in range(size // i.DATAGRAM)], 6000),
)
TLS = rows(
    "tls",
    ("records of a byte", 11000, i.records, 1000),
    ("large records", 10, lambda size: i.records(size // 16_000, b"x" * 16_000), 64_000),
    ("KeyUpdate", 1900, lambda size: [(1, 0, bytes(27))] * (size // 27), 5400),
) + rows("tls_hello", ("a hello in records of a byte", 230, i.hello_in_records, 1000))
LINES = rows(
    "json_line",
    ("a line for each byte", 3500, i.one_by_one(lambda size: b"/" * size), 400),
    ("one path", 12, i.at_once(lambda size: b"/" * size), 8000),
    ("one path of control characters", 240, i.at_once(lambda size: b"\x01" * size), 8000),
    ("one path that is no UTF-8", 160, i.at_once(lambda size: b"\xff" * size), 8000),
) + rows("w3c_line", ("a line for each byte", 3500, i.one_by_one(lambda size: b"/" * size), 400))

ROWS = H1_REQUESTS + H1_RESPONSES + H1 + H2 + H3 + QUIC + TLS + LINES
