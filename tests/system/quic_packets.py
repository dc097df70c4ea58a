"""First packets of QUIC clients as a flood would have them: made in a tenth of a millisecond, each with an id of its own."""

import os

from aioquic.buffer import Buffer
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.crypto import CryptoPair
from aioquic.quic.packet import QuicFrameType, pull_quic_header, pull_quic_transport_parameters, push_quic_transport_parameters
from aioquic.tls import Epoch

VERSION = 1
SIZE = 1200
TAG = 16
PACKET_NUMBER = 2  # bytes


def varint(value):
    buffer = Buffer(capacity=8)
    buffer.push_uint_var(value)
    return buffer.data


def crypto_frame(offset, data):
    return b"\x06" + varint(offset) + varint(len(data)) + data


def initial(destination, source, payload, number=0, token=b""):
    """An Initial packet of SIZE bytes that the server can decrypt."""
    crypto = CryptoPair()
    crypto.setup_initial(cid=destination, is_client=True, version=VERSION)
    head = bytes([0xC0 | (PACKET_NUMBER - 1)]) + VERSION.to_bytes(4, "big")
    for connection_id in (destination, source):
        head += bytes([len(connection_id)]) + connection_id
    head += varint(len(token)) + token
    room = SIZE - len(head) - 2
    head += (0x4000 | room).to_bytes(2, "big") + number.to_bytes(PACKET_NUMBER, "big")
    payload = payload.ljust(room - PACKET_NUMBER - TAG, b"\0")
    return crypto.encrypt_packet(head, payload, number)


def close_code(datagram, destination, source):
    """The code of the CONNECTION_CLOSE in the server's Initial packet that answers `initial(destination, source, ...)`, or None."""
    crypto = CryptoPair()
    crypto.setup_initial(cid=destination, is_client=True, version=VERSION)
    buffer = Buffer(data=datagram)
    header = pull_quic_header(buffer, host_cid_length=len(source))
    _, payload, _ = crypto.decrypt_packet(datagram[:header.packet_length], buffer.tell(), 0)
    frames = Buffer(data=payload)
    while not frames.eof():
        kind = frames.pull_uint_var()
        if kind == QuicFrameType.TRANSPORT_CLOSE:
            return frames.pull_uint_var()
        if kind == QuicFrameType.ACK:
            _, _, ranges, _ = (frames.pull_uint_var() for _ in range(4))
            for _ in range(2 * ranges):
                frames.pull_uint_var()
        elif kind == QuicFrameType.CRYPTO:
            frames.pull_uint_var()
            frames.pull_bytes(frames.pull_uint_var())
    return None


class Hello:
    """A ClientHello of aioquic's, to be sent again and again in Initials of ever new connections.

    `spoil` may change the transport parameters: the object that aioquic serializes, or the bytes that come of it.
    """

    def __init__(self, alpn=("h3",), spoil=None, spoil_bytes=None):
        quic = QuicConnection(configuration=QuicConfiguration(is_client=True, alpn_protocols=list(alpn), server_name="localhost"))
        serialize = quic._serialize_transport_parameters

        def spoiled():
            parameters = serialize()
            if spoil is not None:
                pulled = pull_quic_transport_parameters(Buffer(data=parameters))
                spoil(pulled)
                buffer = Buffer(capacity=4 * SIZE)
                push_quic_transport_parameters(buffer, pulled)
                parameters = buffer.data
            return spoil_bytes(parameters) if spoil_bytes is not None else parameters

        quic._serialize_transport_parameters = spoiled
        quic.connect(("127.0.0.1", 1), now=0.0)
        self.source = quic.host_cid
        self.message = quic._crypto_streams[Epoch.INITIAL].sender.get_frame(1 << 16).data

    def initial(self, destination=None):
        """The first packet of a new connection, to an id of its own unless it is given."""
        return initial(destination or os.urandom(12), self.source, crypto_frame(0, self.message))
