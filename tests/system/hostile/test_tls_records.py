"""TLS records and handshakes that are wrong, slow or too many: RFC 8446 sections 4 to 6, RFC 5246 section 7, RFC 6066 section 3."""

import os
import socket
import ssl
import struct

from world import Table, World, harness, main

ALERT, HANDSHAKE, APPLICATION_DATA = 21, 22, 23
PATIENCE = 10


def record(kind, payload, version=0x0303):
    return struct.pack(">BHH", kind, version, len(payload)) + payload


def client_hello(server_name=b"localhost", alpn=(b"h2", b"http/1.1")):
    """The bytes of a whole ClientHello message, by OpenSSL; names that it would not write are put in afterwards."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if alpn:
        context.set_alpn_protocols([name.decode() for name in alpn])
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    stand_in = "n" * max(len(server_name), 1)
    tls = context.wrap_bio(incoming, outgoing, server_hostname=stand_in if len(server_name) < 64 else None)
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()[5:].replace(stand_in.encode(), server_name)


HELLO = client_hello()


def pieces(message, size):
    return b"".join(record(HANDSHAKE, message[at:at + size]) for at in range(0, len(message), size))


# What is no TLS, or no more: (name, bytes). The connection is closed, with an alert or without; nobody waits.
BROKEN = [
    ("noise", os.urandom(2000)),
    ("a record of 20000 bytes", struct.pack(">BHH", HANDSHAKE, 0x0301, 20000) + bytes(20000)),
    ("an unknown record type", record(99, b"x" * 100)),
    ("application data before the handshake", record(APPLICATION_DATA, b"GET / HTTP/1.1\r\n\r\n")),
    ("an alert first", record(ALERT, b"\x02\x28")),
    ("a flood of warnings", record(ALERT, b"\x01\x5a") * 5000),
    ("a flood of empty records", record(HANDSHAKE, b"") * 5000),
    ("a ClientHello that says it has 16 MiB", record(HANDSHAKE, b"\x01\xff\xff\xff" + bytes(16000))),
    ("a ClientHello of 128 KiB", pieces(b"\x01\x02\x00\x00" + HELLO[4:] + bytes(0x20000), 16000)),
    ("a ServerHello", record(HANDSHAKE, b"\x02" + HELLO[1:])),
    ("a ClientHello twice", record(HANDSHAKE, HELLO) + record(HANDSHAKE, HELLO)),
    ("a ClientHello and noise", record(HANDSHAKE, HELLO) + record(APPLICATION_DATA, os.urandom(500))),
    ("a version of long ago", record(HANDSHAKE, b"\x01" + HELLO[1:4] + b"\x03\x00" + HELLO[6:40])),
    ("SSL 2", b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10" + bytes(40)),
    ("FTP", b"USER anonymous\r\n" * 20),
    ("SMTP", b"EHLO localhost\r\nMAIL FROM:<a@b>\r\n"),
]


class TlsRecords(Table):
    @classmethod
    def setUpClass(cls):
        cls.world = cls.enterClassContext(World(more='[timeouts]\nhandshake = "1s"\n'))

    def connect(self):
        connection = socket.create_connection(("127.0.0.1", self.world.gatehouse.port), timeout=PATIENCE)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def read_to_the_end(self, connection):
        data = b""
        try:
            while more := connection.recv(65536):
                data += more
        except ConnectionError:
            pass
        return data

    def test_what_is_no_tls_is_closed_and_repeated_to_nobody(self):
        def play(data):
            with self.connect() as connection:
                try:
                    connection.sendall(data)
                except OSError:
                    pass  # closed before the last byte
                answer = self.read_to_the_end(connection)
            self.assertNotIn(b"anonymous", answer)
            self.assertNotIn(b"a@b", answer)

        self.play_all(self.world, BROKEN, play)

    def test_a_hello_in_pieces_is_a_hello(self):
        def play(data):
            with self.connect() as connection:
                for byte in range(len(data)) if len(data) < 4000 else ():
                    connection.sendall(data[byte:byte + 1])
                answer = connection.recv(65536)
            self.assertEqual(answer[0], HANDSHAKE, answer[:20])

        self.play_all(self.world, [("records of 20 bytes", pieces(HELLO, 20)), ("records of a byte and the rest", record(HANDSHAKE, HELLO[:1]) + record(HANDSHAKE, HELLO[1:]))], play)

    def test_names_of_any_shape_get_a_certificate_or_an_alert(self):
        def play(name):
            with self.connect() as connection:
                connection.sendall(record(HANDSHAKE, client_hello(name)))
                answer = connection.recv(65536)
            self.assertIn(answer[0], (HANDSHAKE, ALERT))

        self.play_all(self.world, [(repr(name), name) for name in (b"LOCALHOST", b"localhost.", b"local\0ost", b"127.0.0.1", b"..", b"\xff\xfe", b"a b", b"*.localhost")], play)

    def test_a_handshake_that_stalls_is_closed_in_time(self):
        def play(data):
            before = self.world.gatehouse.metric('^gatehouse_tls_handshake_failures_total{.*reason="timeout"')
            with self.connect() as connection:
                connection.sendall(data)
                self.read_to_the_end(connection)
            self.assertEqual(self.world.gatehouse.metric('^gatehouse_tls_handshake_failures_total{.*reason="timeout"'), before + 1)

        self.play_all(self.world, [("nothing", b""), ("half of a ClientHello", record(HANDSHAKE, HELLO)[:100]), ("a ClientHello", record(HANDSHAKE, HELLO))], play)

    def test_a_request_that_ends_without_close_notify_is_incomplete(self):
        def play(_):
            before, mark = self.world.endpoint.broken_off, self.world.endpoint.mark()
            context = ssl.create_default_context(cafile=str(self.world.gatehouse.certificate))
            with self.connect() as connection, context.wrap_socket(connection, server_hostname="localhost") as tls:
                tls.sendall(b"POST /row HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhello")
                harness.wait_until(lambda: any(seen.target == "/row" for seen in self.world.endpoint.since(mark)), "the head has come")
                os.close(tls.detach())  # TCP ends alone
            harness.wait_until(lambda: self.world.endpoint.broken_off == before + 1, "the request breaks off")

        self.play_all(self.world, [("h1", None)], play)


if __name__ == "__main__":
    main()
