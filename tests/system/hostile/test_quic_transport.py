"""QUIC packets and frames that are wrong, and floods of them: RFC 9000 sections 4 to 8, 10, 13, 14, 19 and 21."""

import os
import socket
import time

from aioquic.buffer import Buffer
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection

from h3_client import EXCESSIVE_LOAD, HEADERS, H3Client, head, request, varint
from world import Table, World, main

import quic_packets  # of the folder above, which world.py makes known

FLOW_CONTROL, STREAM_LIMIT, STREAM_STATE, FINAL_SIZE, FRAME_ENCODING, PARAMETER, CONNECTION_ID_LIMIT, VIOLATION, CRYPTO_BUFFER = 3, 4, 5, 6, 7, 8, 9, 10, 13
LARGE = 2**40


class FrameWriter(QuicConnection):
    """Writes frames of any kind: each PING that is asked for becomes the next of `odd`."""

    odd = ()

    def _write_ping_frame(self, builder, uids=(), comment=""):
        if not self.odd:
            return super()._write_ping_frame(builder, list(uids), comment)
        kind, payload = self.odd[0]
        self.odd = self.odd[1:]
        buffer = builder.start_frame(kind, capacity=len(payload) + 1)
        buffer.push_bytes(payload)
        return None


def stream_frame(number, offset, data, end=False):
    """(type, payload) of a STREAM frame with offset and length."""
    return 0x08 | 0x04 | 0x02 | end, varint(number) + varint(offset) + varint(len(data)) + data


def many(frames):
    """One (type, payload) of several: what follows the first is written behind it in the same packet."""
    return frames[0][0], frames[0][1] + b"".join(varint(kind) + payload for kind, payload in frames[1:])


def new_id(number, retire):
    return 0x18, varint(number) + varint(retire) + b"\x08" + os.urandom(8) + os.urandom(16)


# (name, frames, codes of CONNECTION_CLOSE)
WRONG_FRAMES = [
    ("CRYPTO further ahead than is kept", [(0x06, varint(70_000) + varint(1) + b"x")], {CRYPTO_BUFFER}),
    ("more connection ids than are kept", [new_id(number, 0) for number in range(50, 60)], {CONNECTION_ID_LIMIT}),
    ("an unknown frame", [(0x42, b"")], {FRAME_ENCODING}),
    ("HANDSHAKE_DONE from a client", [(0x1E, b"")], {VIOLATION}),
    ("NEW_TOKEN from a client", [(0x07, varint(4) + b"abcd")], {VIOLATION}),
    ("a stream beyond the limit", [stream_frame(4 * 100_000, 0, b"x")], {STREAM_LIMIT}),
    ("data on a stream of ours that we did not open", [stream_frame(1, 0, b"x")], {STREAM_STATE}),
    ("data on a unidirectional stream of ours", [stream_frame(3, 0, b"x")], {STREAM_STATE}),
    ("a final size before the last byte", [stream_frame(40, 0, b"\x40"), (0x04, varint(40) + varint(0) + varint(0))], {FINAL_SIZE}),
    ("a window that is exceeded", [stream_frame(40, LARGE, b"x")], {FLOW_CONTROL}),
    ("STOP_SENDING for a stream of the client's own", [(0x05, varint(42) + varint(0))], {STREAM_STATE}),
    ("RESET_STREAM for a stream of ours", [(0x04, varint(3) + varint(0) + varint(0))], {STREAM_STATE}),
    ("the same behind other frames", [many([stream_frame(2, 2, b"x"), (0x01, b""), (0x04, varint(7) + varint(0) + varint(0))])], {STREAM_STATE}),
    ("DATAGRAM, which nobody has agreed on", [(0x30, b"x")], {VIOLATION, FRAME_ENCODING}),
    ("MAX_STREAM_DATA for a stream of the client's own", [(0x11, varint(42) + varint(1))], {STREAM_STATE}),
    ("MAX_STREAMS beyond 2^60", [(0x12, varint(2**60 + 1))], {FRAME_ENCODING}),
    ("an ACK of what was never sent", [(0x02, varint(1_000_000) + varint(0) + varint(0) + varint(0))], {VIOLATION}),
    ("an ACK range below zero", [(0x02, varint(0) + varint(0) + varint(0) + varint(5))], {FRAME_ENCODING}),
    ("NEW_CONNECTION_ID without an id", [(0x18, varint(50) + varint(0) + b"\0" + bytes(16))], {FRAME_ENCODING}),
    ("NEW_CONNECTION_ID that retires what is not there yet", [(0x18, varint(5) + varint(6) + b"\x08" + bytes(8) + bytes(16))], {FRAME_ENCODING}),
    ("RETIRE_CONNECTION_ID of one that was never made", [(0x19, varint(1000))], {VIOLATION}),
    ("STREAM with an offset beyond 2^62", [stream_frame(40, 2**62 - 1, b"xx")], {FRAME_ENCODING, FLOW_CONTROL}),
]


def first_flight(port, version=None):
    """The datagrams with which a client begins."""
    configuration = QuicConfiguration(alpn_protocols=["h3"], is_client=True, server_name="localhost")
    if version is not None:
        configuration.original_version = version
    quic = QuicConnection(configuration=configuration)
    quic.connect(("127.0.0.1", port), now=0.0)
    return [data for data, _ in quic.datagrams_to_send(now=0.0)]


# What stands in the first packet of a connection: (name, the ClientHello's transport parameters made wrong or CRYPTO frames,
# the code of CONNECTION_CLOSE)
WRONG_HELLOS = [
    ("a transport parameter that comes twice", lambda parameters: parameters + b"\x04\x01\x05" * 2, PARAMETER),
    ("one of no known kind that does", lambda parameters: parameters + b"\x21\0\x40\x21\0", PARAMETER),
    ("CRYPTO in blocks wide apart", [(0, b"\1\1\0\0"), *((8192 * n + 100, b"x") for n in range(8))], CRYPTO_BUFFER),
]


class QuicTransport(Table):
    @classmethod
    def setUpClass(cls):
        cls.world = cls.enterClassContext(World())

    def connect(self):
        client = H3Client(self.world.gatehouse.port, self.world.gatehouse.certificate)
        client.quic.__class__ = FrameWriter
        return client

    def send_frames(self, client, frames):
        for position in range(len(frames)):
            client.quic.odd = [frames[position]]
            client.quic.send_ping(uid=position + 1000)
            client._send()

    def test_frames_that_are_wrong_end_the_connection_with_their_code(self):
        def play(frames, codes):
            with self.connect() as client:
                self.send_frames(client, frames)
                self.assertTrue(client.until_closed())
                self.assertIn(client.code, codes, client.terminated)

        self.play_all(self.world, WRONG_FRAMES, play)

    def test_new_connection_ids_that_retire_all_others_hold_nothing(self):
        def play(count):
            before = self.world.gatehouse.resident_kib()
            with self.connect() as client:
                for first in range(10, count, 20):
                    self.send_frames(client, [new_id(n, n - 1) for n in range(first, first + 20)])
                    if not client.until(lambda: False, patience=0.01) and client.terminated:
                        break
                self.assertLess(self.world.gatehouse.resident_kib() - before, 2048)

        self.play_all(self.world, [("two thousand", 2000)], play)

    def test_requests_that_are_reset_at_once_are_cut_off(self):
        def play(count):
            mark = self.world.endpoint.mark()
            with self.connect() as client:
                for sent in range(count):
                    number = client.open(head(*request(b"/flood")))
                    client.reset(number)
                    if sent % 20 == 0:
                        client.until(lambda: False, patience=0.005)
                    if client.terminated:
                        break
                self.assertTrue(client.until_closed(5), "still open")
            self.assertLessEqual(len(self.world.endpoint.since(mark)), 300)

        self.play_all(self.world, [("two thousand", 2000)], play)

    def test_datagrams_of_nobody_get_no_more_than_they_deserve(self):
        """No answer to what is short; never more than three times as much as came; nothing kept."""
        port = self.world.gatehouse.port
        flight = first_flight(port)[0]

        def token_longer_than_the_packet():
            buffer = Buffer(capacity=1200)
            buffer.push_bytes(b"\xc3\0\0\0\x01\x08" + os.urandom(8) + b"\x08" + os.urandom(8))
            buffer.push_uint_var(100_000)
            return buffer.data.ljust(1200, b"\xff")

        def play(datagram, most):
            before = self.world.gatehouse.resident_kib()
            received = 0
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.bind(("127.0.0.1", 0))
                client.settimeout(0.3)
                client.sendto(datagram, ("127.0.0.1", port))
                try:
                    while True:
                        received += len(client.recv(65536))
                except TimeoutError:
                    pass
            self.assertLessEqual(received, most)
            self.assertLess(self.world.gatehouse.resident_kib() - before, 2048)

        self.play_all(self.world, [
            ("an Initial of 1199 bytes", flight[:1199], 0),
            ("a short packet of an unknown connection", b"\x40" + os.urandom(20), 0),
            ("a short packet that is a guess", b"\x40" + os.urandom(60), 60),
            ("version negotiation", b"\xc0\0\0\0\0\x08" + os.urandom(8) + b"\x08" + os.urandom(1180), 0),
            ("an unknown version", b"\xc0\x1a\x2a\x3a\x4a\x08" + os.urandom(8) + b"\x08" + os.urandom(1180), 1200),
            ("a token longer than the packet", token_longer_than_the_packet(), 0),
            ("an Initial with bits flipped", bytes(byte ^ (position > 60) for position, byte in enumerate(flight)), 3600),
            ("a first flight and silence", flight, 3600),
            ("a handshake packet first", b"\xe0" + flight[1:], 0),
            ("a Retry", b"\xf0" + flight[1:], 0),
            ("noise", os.urandom(1200), 1200),
        ], play)

    def test_first_packets_that_are_wrong_are_refused_with_their_code(self):
        port = self.world.gatehouse.port

        def play(wrong, code):
            destination = os.urandom(12)
            if callable(wrong):
                hello = quic_packets.Hello(spoil_bytes=wrong)
                source, packet = hello.source, hello.initial(destination)
            else:
                source = b"source"
                packet = quic_packets.initial(destination, source, b"".join(quic_packets.crypto_frame(*frame) for frame in wrong))
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.settimeout(15)
                client.sendto(packet, ("127.0.0.1", port))
                self.assertEqual(quic_packets.close_code(client.recv(65536), destination, source), code)

        self.play_all(self.world, WRONG_HELLOS, play)

    def test_streams_in_fragments_with_gaps_between_them_hold_little_and_are_cut_off(self):
        """A byte in every second place: each gap is something to remember. A connection may hold 5 MiB, of which the allocator makes more."""
        def play(streams, most):
            before = self.world.gatehouse.resident_kib()
            with self.connect() as client:
                for first in range(1, most, 200):
                    for stream in range(40, 40 + 4 * streams, 4):
                        self.send_frames(client, [many([stream_frame(stream, place, b"x") for place in range(first, first + 200, 2)])])
                    client.until(lambda: False, patience=0.001)
                    if client.terminated:
                        break
                self.assertTrue(client.until_closed(5), "still open")
                self.assertEqual(client.code, EXCESSIVE_LOAD, client.terminated)
                self.assertLess(self.world.gatehouse.resident_kib() - before, 8192)

        self.play_all(self.world, [("forty streams", 40, 6000)], play)

    def test_a_flood_of_path_challenges_holds_nothing(self):
        def play(count):
            before = self.world.gatehouse.resident_kib()
            with self.connect() as client:
                for _ in range(count):
                    self.send_frames(client, [many([(0x1A, os.urandom(8)) for _ in range(100)])])
                    client.until(lambda: False, patience=0.001)
                    if client.terminated:
                        break
                self.assertLess(self.world.gatehouse.resident_kib() - before, 2048)

        self.play_all(self.world, [("twenty thousand", 200)], play)

    def test_a_stream_that_begins_far_behind_holds_no_memory_for_the_gap(self):
        def play(count):
            before = self.world.gatehouse.resident_kib()
            with self.connect() as client:
                self.send_frames(client, [stream_frame(4 * n, 60_000, b"x") for n in range(count)])
                client.until(lambda: False, patience=0.2)
                self.assertIsNone(client.terminated)
                self.assertLess(self.world.gatehouse.resident_kib() - before, 4096)

        self.play_all(self.world, [("fifteen streams", 15)], play)

    def test_a_client_that_says_goodbye_again_and_again_costs_nothing(self):
        def play(count):
            client = self.connect()
            client.quic.close()
            goodbye = client.quic.datagrams_to_send(now=time.monotonic())
            for _ in range(count):
                for data, address in goodbye:
                    client.socket.sendto(data, address)
            client.socket.close()

        before = self.world.gatehouse.resident_kib()
        self.play_all(self.world, [("five hundred", 500)], play)
        self.assertLess(self.world.gatehouse.resident_kib() - before, 4096)

    def test_a_head_that_never_ends_is_given_up(self):
        def play(protocol):
            with self.connect() as client:
                number = client.open(varint(HEADERS) + varint(100) + b"\0\0")
                other = client.open(head(*request(b"/other")), end=True)
                self.assertTrue(client.until_over(other))
                self.assertEqual(client.stream(other).status, 200)
                self.assertFalse(client.stream(number).status)

        self.play_all(self.world, [("h3", "h3")], play)


if __name__ == "__main__":
    main()
