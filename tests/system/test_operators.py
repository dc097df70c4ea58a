"""Who says nothing, or never ends what he says, keeps no operator out: the admin pages and the control socket."""

import contextlib
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
            with contextlib.suppress(OSError):  # the queue may be full, and who was accepted may be gone already
                client.connect(address)
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
                        # A Unix socket whose queue is full refuses at once: the queue has to be taken in first.
                        harness.wait_until(
                            lambda: harness.curl(f"http://127.0.0.1:{gatehouse.admin}/readyz", *options, timeout=10).body == b"ready\n",
                            "somebody else is answered", 10)


class Control(unittest.TestCase):
    def test_silent_clients_do_not_keep_a_command_out(self):
        config = '[server]\nadmin = "127.0.0.1:{admin}"\ncontrol = "{directory}/control.sock"\n' + harness.LISTENERS + RESPOND
        with harness.Gatehouse(config) as gatehouse:
            path = gatehouse.directory / "control.sock"
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
            for words in (b"", b"relo"):
                with self.subTest(words), clients(socket.AF_UNIX, str(path), 40, words):
                    reload = gatehouse.control("reload")
                    self.assertEqual(reload.returncode, 0, reload.stderr)


if __name__ == "__main__":
    harness.main()
