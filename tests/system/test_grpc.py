"""gRPC calls of a real client (python3-grpcio, over TLS and HTTP/2) to endpoints that speak gRPC over HTTP/1.1, or gRPC-Web."""

import contextlib
import json
import queue
import subprocess
import sys
import threading
import unittest

import harness

try:
    import grpc
except ImportError:
    print("python3-grpcio is not here")
    sys.exit(77)

ENDPOINT = harness.ROOT / "tests" / "system" / "grpc_endpoint.py"
KINDS = {"grpc": [], "web": ["--web"]}


class World:
    """One Gatehouse before one endpoint of a kind, and a channel through it."""

    def __init__(self, stack, kind, more=""):
        process = subprocess.Popen([sys.executable, "-B", str(ENDPOINT), *KINDS[kind]], stdout=subprocess.PIPE, text=True)
        stack.callback(process.stdout.close)
        stack.callback(process.wait)
        stack.callback(process.kill)
        self.endpoint = int(process.stdout.readline().split()[1])
        config = harness.simple(self.endpoint).replace('to = "app"', 'to = "app"\n' + ('grpc = "web"\n' if kind == "web" else "") + more)
        self.gatehouse = stack.enter_context(harness.Gatehouse(config))
        trust = grpc.ssl_channel_credentials(self.gatehouse.certificate.read_bytes())
        options = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1), ("grpc.enable_retries", 0)]
        self.channel = stack.enter_context(grpc.secure_channel(f"localhost:{self.gatehouse.port}", trust, options))

    def unary(self, method):
        return self.channel.unary_unary(f"/test.Echo/{method}")

    def seen(self):
        return json.loads(harness.curl(f"http://127.0.0.1:{self.endpoint}/seen").body)


class Calls(unittest.TestCase):
    @contextlib.contextmanager
    def world(self, kind, more=""):
        with self.subTest(kind=kind), contextlib.ExitStack() as stack:
            yield World(stack, kind, more)

    def test_each_kind_of_call(self):
        for kind in KINDS:
            with self.world(kind) as world:
                patience = {"timeout": harness.PATIENCE}
                response, call = world.unary("Unary").with_call(b"hello", **patience)
                self.assertEqual(response, b"hello")
                self.assertEqual(call.code(), grpc.StatusCode.OK)
                self.assertIn(("x-size", "5"), call.trailing_metadata())
                split = world.channel.unary_stream("/test.Echo/Split")(b"stream", **patience)
                self.assertEqual(b"".join(split), b"stream")
                join = world.channel.stream_unary("/test.Echo/Join")
                self.assertEqual(join(iter([b"a", b"b" * 100_000, b"c"]), **patience), b"a" + b"b" * 100_000 + b"c")
                heads = world.seen()["heads"]
                self.assertEqual(heads[0]["content-type"], "application/grpc-web" if kind == "web" else "application/grpc")
                self.assertEqual("te" in heads[0], kind != "web")
                self.assertRegex(heads[0]["grpc-timeout"], r"^\d{1,8}[HMSmun]$")
                lines = world.gatehouse.access_log(3)
                self.assertEqual({(line["status"], line.get("fault")) for line in lines}, {(200, None)})

    def test_both_directions_at_once(self):
        """Each message is sent only when the one before has come back, before the request has ended."""
        for kind in KINDS:
            with self.world(kind) as world:
                to_send = queue.Queue()
                call = world.channel.stream_stream("/test.Echo/Bidi")(iter(to_send.get, None), timeout=harness.PATIENCE)
                for i in range(50):
                    to_send.put(b"message %d" % i)
                    self.assertEqual(next(call), b"message %d" % i)
                to_send.put(None)
                with self.assertRaises(StopIteration):
                    next(call)
                self.assertEqual((call.code(), call.details()), (grpc.StatusCode.OK, "all of it"))

    def test_messages_of_four_mebibytes(self):
        large = bytes(range(256)) * (4 * 1024 * 4)
        for kind in KINDS:
            with self.world(kind) as world:
                self.assertEqual(world.unary("Unary")(large, timeout=harness.PATIENCE), large)
                call = world.channel.stream_stream("/test.Echo/Bidi")(iter([large] * 3), timeout=harness.PATIENCE)
                self.assertEqual([len(message) for message in call], [len(large)] * 3)

    def test_deadlines(self):
        """Where there is no head yet, and behind it; the endpoint learns of either at once."""
        for kind in KINDS:
            with self.world(kind) as world:
                for method in ("Silent", "Hold"):
                    with self.assertRaises(grpc.RpcError) as failed:
                        world.unary(method)(b"", timeout=0.5)
                    self.assertEqual(failed.exception.code(), grpc.StatusCode.DEADLINE_EXCEEDED)
                    harness.wait_until(lambda method=method: method in world.seen()["cut"], f"{method} to be cut")
                faults = {line["fault"] for line in world.gatehouse.access_log(2)}
                # Whoever's clock is first: the client's, or ours.
                self.assertLessEqual(faults, {"deadline_exceeded", "client_gone"})

    def test_deadline_is_ours_too(self):
        """A client that says grpc-timeout and does not keep to it: what it gets is Trailers-Only, or a reset."""
        for kind in KINDS:
            with self.world(kind) as world:
                headers = ("--header", "Content-Type: application/grpc+proto", "--header", "grpc-timeout: 300m")
                for protocol in ("h2", "h3"):
                    silent = world.gatehouse.curl(protocol, "/test.Echo/Silent", *headers, body=b"\0\0\0\0\0")
                    self.assertEqual((silent.status, silent.fields["grpc-status"], silent.body), (200, "4", b""))
                    self.assertEqual(silent.fields["content-type"], "application/grpc+proto")
                    self.assertIn("deadline_exceeded", silent.fields["proxy-status"])
                    held = world.gatehouse.curl(protocol, "/test.Echo/Hold", *headers, body=b"\0\0\0\0\0")
                    self.assertNotEqual(held.exit_code, 0)
                faults = [line["fault"] for line in world.gatehouse.access_log(4)]
                self.assertEqual(faults, ["deadline_exceeded"] * 4)

    def test_cancelling(self):
        for kind in KINDS:
            with self.world(kind) as world:
                done = threading.Event()
                call = world.channel.stream_stream("/test.Echo/Hold")(iter(done.wait, True), timeout=harness.PATIENCE)
                call.initial_metadata()
                call.cancel()
                harness.wait_until(lambda: world.seen()["cut"] == ["Hold"], "the call to be cut")
                done.set()
                self.assertEqual(call.code(), grpc.StatusCode.CANCELLED)
                self.assertEqual(world.gatehouse.access_log(1)[0]["fault"], "client_gone")

    def test_status_without_a_message(self):
        for kind in KINDS:
            with self.world(kind) as world:
                with self.assertRaises(grpc.RpcError) as failed:
                    world.unary("Fail")(b"", timeout=harness.PATIENCE)
                self.assertEqual(failed.exception.code(), grpc.StatusCode.NOT_FOUND)
                self.assertEqual(failed.exception.details(), "no such thing: 100%")

    def test_answer_without_a_status_is_never_ok(self):
        for kind, code in (("grpc", grpc.StatusCode.UNKNOWN), ("web", grpc.StatusCode.INTERNAL)):
            with self.world(kind) as world:
                with self.assertRaises(grpc.RpcError) as failed:
                    world.unary("Broken")(b"", timeout=harness.PATIENCE)
                self.assertEqual(failed.exception.code(), code)
                line = world.gatehouse.access_log(1)[0]
                self.assertEqual(line.get("fault"), "grpc_web_invalid" if kind == "web" else None)

    def test_faults_of_ours(self):
        """In the words of gRPC: what is not there, what is too large, and where nothing is served."""
        more = 'limits = { max_request_body = 1000 }\npath = "/test.Echo"\n'.replace("{", "{{").replace("}", "}}")
        more += '[[routes]]\npath = "/gone"\nto = "gone"\n'
        with contextlib.ExitStack() as stack:
            world = World(stack, "grpc", more + "[upstreams.gone]\n" + f'endpoints = ["127.0.0.1:{harness.free_port()}"]\n')
            expected = {
                "/gone/Method": (grpc.StatusCode.UNAVAILABLE, "The application refused the connection."),
                "/nowhere/Method": (grpc.StatusCode.UNIMPLEMENTED, "Nothing is served at this address."),
                "/test.Echo/Unary": (grpc.StatusCode.RESOURCE_EXHAUSTED, "The body of the request is too large."),
            }
            for path, told in expected.items():
                with self.subTest(path=path), self.assertRaises(grpc.RpcError) as failed:
                    world.channel.unary_unary(path)(b"x" * 5000, timeout=harness.PATIENCE)
                self.assertEqual((failed.exception.code(), failed.exception.details()), told)
            lines = world.gatehouse.access_log(3)
            self.assertEqual([(line["status"], line["fault"]) for line in lines],
                             [(200, "connect_refused"), (200, "no_route"), (200, "body_too_large")])


if __name__ == "__main__":
    harness.main()
