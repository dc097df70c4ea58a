"""What the hop to an ASP.NET Core app carries that HTTP/1.1 has no words for: gRPC of any client, and a client's certificate."""

import contextlib
import unittest

import dotnet
import harness
from harness import PROTOCOLS

try:
    import grpc
except ImportError:
    grpc = None


class Certificates(unittest.TestCase):
    def test_the_clients_certificate_is_the_connections(self):
        config = dotnet.hosted(dotnet.published("reporter") / "reporter.dll").replace(
            "[listeners.tls]\n", '[listeners.tls]\nclient_auth = "optional"\nclient_ca = "{directory}/alice.pem"\n')
        gatehouse = dotnet.Gatehouse(config)
        certificate, key = harness.make_certificate(gatehouse.directory, "alice", "alice")
        shown = ["--cert", str(certificate), "--key", str(key)]
        with gatehouse:
            for protocol in PROTOCOLS:
                with self.subTest(protocol):
                    answer = gatehouse.curl(protocol, "/", *shown)
                    self.assertEqual(answer.status, 200, answer.error)
                    self.assertEqual(answer.json()["certificate"], "CN=alice")
                    forged = gatehouse.curl(protocol, "/", "--header", "MS-ASPNETCORE-CLIENTCERT: MIIB")
                    self.assertIsNone(forged.json()["certificate"])
                    self.assertNotIn("ms-aspnetcore-clientcert", [name.lower() for name, _ in forged.json()["fields"]])


@unittest.skipUnless(grpc, "python3-grpcio is not here")
class Grpc(unittest.TestCase):
    """Kestrel takes no gRPC over HTTP/1.1, but gRPC-Web: `grpc = "web"` makes the one of the other, for clients that know nothing of it."""

    PATIENCE = {"timeout": harness.PATIENCE}

    @classmethod
    def setUpClass(cls):
        config = dotnet.hosted(dotnet.published("grpc") / "grpc.dll").replace('to = "web"\n', 'to = "web"\ngrpc = "web"\n')
        cls.gatehouse = cls.enterClassContext(dotnet.Gatehouse(config))
        trust = grpc.ssl_channel_credentials(cls.gatehouse.certificate.read_bytes())
        options = [("grpc.max_receive_message_length", -1), ("grpc.enable_retries", 0)]
        cls.channel = cls.enterClassContext(grpc.secure_channel(f"localhost:{cls.gatehouse.port}", trust, options))

    @staticmethod
    def order(item, count):
        name = item.encode()
        return b"\x0a" + varint(len(name)) + name + b"\x10" + varint(count)

    @staticmethod
    def receipt(text):
        return b"\x0a" + varint(len(text)) + text.encode()

    def test_each_kind_of_call(self):
        response, call = self.channel.unary_unary("/gatehouse.test.Desk/Place").with_call(self.order("chairs", 4), **self.PATIENCE)
        self.assertEqual((response, call.code()), (self.receipt("4 chairs"), grpc.StatusCode.OK))
        self.assertIn(("desk", "seven"), call.trailing_metadata())
        watched = list(self.channel.unary_stream("/gatehouse.test.Desk/Watch")(self.order("chair", 50), **self.PATIENCE))
        self.assertEqual(watched, [self.receipt(f"chair {number}") for number in range(1, 51)])
        orders = iter([self.order("a", 1), self.order("b" * 100_000, 2), self.order("c", 3)])
        self.assertEqual(self.channel.stream_unary("/gatehouse.test.Desk/Collect")(orders, **self.PATIENCE), self.receipt("6 in all"))

    def test_a_message_of_almost_4_mib(self):
        item = "x" * (4 * 1024 * 1024 - 100)
        response = self.channel.unary_unary("/gatehouse.test.Desk/Place")(self.order(item, 1), **self.PATIENCE)
        self.assertEqual(response, self.receipt("1 " + item))

    def test_statuses_and_deadlines(self):
        with self.failing(grpc.StatusCode.INVALID_ARGUMENT, "a count below zero"):
            self.channel.unary_unary("/gatehouse.test.Desk/Place")(b"\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", **self.PATIENCE)
        with self.failing(grpc.StatusCode.UNIMPLEMENTED, ""):
            self.channel.unary_unary("/gatehouse.test.Desk/Sell")(b"", **self.PATIENCE)
        with self.failing(grpc.StatusCode.DEADLINE_EXCEEDED, ""):
            self.channel.unary_unary("/gatehouse.test.Desk/Place")(self.order("slow", 1), timeout=1)

    @contextlib.contextmanager
    def failing(self, code, details):
        with self.assertRaises(grpc.RpcError) as failed:
            yield
        self.assertEqual(failed.exception.code(), code, failed.exception.details())
        self.assertIn(details, failed.exception.details())


def varint(number):
    out = b""
    while number >= 0x80:
        out += bytes([number & 0x7f | 0x80])
        number >>= 7
    return out + bytes([number])


if __name__ == "__main__":
    dotnet.main()
