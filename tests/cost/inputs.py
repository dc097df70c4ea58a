"""The worst that a peer can say to each parser and codec: functions of a size that give about so many bytes of it, as a
list of (stream, end, bytes). The stream is what the player makes of it; each entry comes in a read of its own."""

import pathlib
import sys

sys.path += [str(pathlib.Path(__file__).resolve().parents[1] / folder) for folder in ("system/hostile", "system")]

import h2_client as h2  # noqa: E402
import h3_client as h3  # noqa: E402
import quic_packets  # noqa: E402
from h2_client import END_HEADERS, END_STREAM, integer, literal, request  # noqa: E402

WHOLE = END_STREAM | END_HEADERS
FRAME = 16384  # bytes that one of HTTP/2 may carry
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
ENTRY = 4000  # bytes of the value that one reference stands for
GOOD, BAD = b"v" * ENTRY, b"v" * (ENTRY - 1) + b"\x01"  # the library looks at a value from its beginning


def repeated(piece, size, first=b"", last=b""):
    """`piece`, bytes or a function of its number, between `first` and `last`."""
    content = bytearray(first)
    number = 0
    while len(content) + len(last) < size:
        content += piece if isinstance(piece, bytes) else piece(number)
        number += 1
    return bytes(content) + last


def at_once(make):
    return lambda size: [(0, 0, make(size))]


def one_by_one(make):
    """A byte in each read."""
    return lambda size: [(0, 0, bytes([byte])) for byte in make(size)]


# ---- HTTP/1.1 ----

FIELDS = b"GET / HTTP/1.1\r\nHost: a\r\n" + b"a:\r\n" * 98 + b"\r\n"


def one_field(name, value, line=b"GET / HTTP/1.1\r\nHost: a\r\n"):
    return lambda size: line + name + b": " + (value * (size // len(value) + 1))[:size] + b"\r\n\r\n"


def target(piece):
    return lambda size: b"GET /" + (piece * (size // len(piece) + 1))[:size] + b" HTTP/1.1\r\nHost: a\r\n\r\n"


def listed_names(size):
    """Connection names many fields, while many are there."""
    fields = b"".join(b"%c%c: x\r\n" % (97 + n // 10, 97 + n % 10) for n in range(96))
    return b"GET / HTTP/1.1\r\nHost: a\r\n" + fields + b"Connection: " + b"zz," * (size // 3) + b"zz\r\n\r\n"


# ---- HTTP/2 ----

START = h2.PREFACE + h2.frame(h2.SETTINGS)
REQUEST = h2.block(*request())
INDEXED = b"\x82\x86\x84\x01\x01a"  # GET, http, /, :authority: a
UPLOAD = h2.frame(h2.HEADERS, END_HEADERS, 1, h2.block(*request(method=b"POST")))


def frames(piece, first=b""):
    return at_once(lambda size: repeated(piece, size, START + first))


def headers(fields, begins=INDEXED, most=FRAME):
    """Requests, each as long as one frame may be."""
    def make(size):
        content, stream = bytearray(START), 1
        while len(content) < size:
            room = min(size - len(content), most) - len(begins)
            body = begins + (fields * (room // len(fields) + 1))[:max(room, 1) // len(fields) * len(fields)]
            content += h2.frame(h2.HEADERS, WHOLE, stream, body)
            stream += 2
        return bytes(content)
    return make


def references(value, closed=False):
    """Bytes that each stand for `value`; `closed`: on a stream that the client has reset."""
    first = h2.frame(h2.HEADERS, WHOLE, 1, INDEXED + literal(b"b", value, 0x40))

    def make(size):
        content, stream = bytearray(START + first), 3
        if closed:
            content += h2.frame(h2.HEADERS, END_HEADERS, 3, INDEXED) + h2.frame(h2.RST_STREAM, 0, 3, bytes(4))
        end = len(content) + size
        while len(content) < end:
            body = b"\xbe" * min(FRAME - 100, end - len(content))
            content += h2.frame(h2.HEADERS, WHOLE, stream, body if closed else INDEXED + body)
            stream += 0 if closed else 2
        return bytes(content)
    return make


def continued(piece, count=8):
    """Heads in as many frames as pass."""
    def one(number):
        stream = 2 * number + 1
        return (h2.frame(h2.HEADERS, END_STREAM, stream, INDEXED) + h2.frame(h2.CONTINUATION, 0, stream, piece) * (count - 1)
                + h2.frame(h2.CONTINUATION, END_HEADERS, stream, piece))
    return one


# ---- HTTP/3 ----

CONTROL, ENCODER, DECODER = 2, 6, 10  # the client's streams
CONTROL_STREAM = (CONTROL, 0, b"\0" + h3.frame(h3.SETTINGS))
STATIC = b"\0\0\xd1\xd7\xc1\x50\x01a"  # GET, https, /, :authority: a; no entry of the table
KNOWING = b"\x02\0" + STATIC[2:]  # the same, with one entry of it
TABLE = integer(4096, 5, 0x20)


def on_stream(stream, piece, first=b""):
    """All of one stream that does not end."""
    return lambda size: [CONTROL_STREAM, (stream, 0, repeated(piece, size, first))]


def h3_requests(section, most=FRAME):
    """Requests whose head is `section(room)`."""
    def make(size):
        pieces, stream = [CONTROL_STREAM], 0
        while size > 0:
            data = h3.frame(h3.HEADERS, section(min(size, most)))
            pieces.append((stream, 1, data))
            size -= len(data)
            stream += 4
        return pieces
    return make


def h3_references(value):
    insert = b"\x02" + TABLE + integer(1, 5, 0x40) + b"b" + integer(len(value), 7) + value
    make = h3_requests(lambda room: KNOWING + b"\x80" * room)
    return lambda size: [(ENCODER, 0, insert), *make(size)]


def h3_bytes(section):
    """One head, a byte in each packet."""
    def make(size):
        data = h3.frame(h3.HEADERS, section(size))
        return [CONTROL_STREAM, *((0, int(n + 1 == len(data)), data[n:n + 1]) for n in range(len(data)))]
    return make


# ---- QUIC ----

DATAGRAM = 1200


def datagrams(make, networks=60_000):
    """`make(n)` from one network after the other."""
    return lambda size: [(n % networks, 0, make(n)) for n in range(max(size // DATAGRAM, 1))]


def identity(number):
    return number.to_bytes(8, "big") + b"quic"


def initial_with(payload):
    """First packets of ever new connections."""
    return lambda number: quic_packets.initial(identity(number), b"client", payload)


def initials_of_one(payload):
    """Packets of one connection, with `payload(n)` in each."""
    return lambda size: [(1, 0, quic_packets.initial(identity(1), b"client", payload(n), number=n))
                         for n in range(max(size // DATAGRAM, 1))]


def fragments(number):
    """CRYPTO frames of a byte with a gap before each."""
    return b"".join(quic_packets.crypto_frame(number * 320 + 2 * n + 1, b"x") for n in range(160))


# ---- TLS ----

def records(size, data=b"x"):
    return [(0, 0, data)] * size


def hello_in_records(size):
    """A ClientHello of this size, a byte in each record."""
    message = b"\x01" + size.to_bytes(3, "big") + bytes(size)
    return [(0, 0, b"".join(b"\x16\x03\x01\0\x01" + bytes([byte]) for byte in message))]
