"""Who says nothing, or never ends what he says, keeps no operator out: the admin pages and the control socket."""

import contextlib
import pathlib
import socket
import stat
import unittest

import harness

RESPOND = "[[routes]]\nrespond = {{ status = 200, body = \"ok\" }}\n"


@contextlib.contextmanager
def clients(family, address, count, words):
    """`count` connections that have said `words`, and say no more."""
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            client = stack.enter_context(socket.socket(family))
            client.settimeout(harness.PATIENCE)
            client.connect(address)
            with contextlib.suppress(OSError):  # it may be gone already
                client.sendall(words)
        yield


class Admin(unittest.TestCase):
    def test_silent_clients_do_not_keep_others_from_the_pages(self):
        for unix in (False, True):
            admin = "unix:{directory}/admin.sock" if unix else "127.0.0.1:{admin}"
            config = f'[server]\nadmin = "{admin}"\n' + harness.LISTENERS + RESPOND
            with harness.Gatehouse(config) as gatehouse:
                path = gatehouse.directory / "admin.sock"
                options = ("--unix-socket", str(path)) if unix else ()
                family, address = (socket.AF_UNIX, str(path)) if unix else (socket.AF_INET, ("127.0.0.1", gatehouse.admin))
                if unix:
                    self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o660)
                for words in (b"", b"GET / HTTP/1.1\r\nHost: ", b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"):
                    with self.subTest(unix=unix, words=words), clients(family, address, 200, words):
                        answer = harness.curl(f"http://127.0.0.1:{gatehouse.admin}/readyz", *options, timeout=10)
                        self.assertEqual((answer.status, answer.body), (200, b"ready\n"), answer.error)


class Control(unittest.TestCase):
    def test_silent_clients_do_not_keep_a_command_out(self):
        with harness.Gatehouse(harness.LISTENERS + RESPOND) as gatehouse:
            sockets = list(pathlib.Path(gatehouse.directory).rglob("control-*.sock"))
            self.assertEqual(len(sockets), 1)
            self.assertEqual(stat.S_IMODE(sockets[0].stat().st_mode), 0o600)
            for words in (b"", b"relo"):
                with self.subTest(words), clients(socket.AF_UNIX, str(sockets[0]), 40, words):
                    reload = gatehouse.control("reload")
                    self.assertEqual(reload.returncode, 0, reload.stderr)


if __name__ == "__main__":
    harness.main()
