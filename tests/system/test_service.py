"""A service under a supervisor: what systemd hears, sockets that it hands over, a worker that hangs, a user to become."""

import asyncio
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import unittest

import harness
import service
from h3_client import h3_client

# A listener on {port} alone for TLS, so that the addresses are those of the sockets.
FRONT = """
[server]
workers = {workers}
admin = "127.0.0.1:{{admin}}"
[[listeners]]
address = "127.0.0.1:{tls}"
[listeners.tls]
certificates = [{{{{ certificate = "{{cert}}", private_key = "{{key}}" }}}}]
[[listeners]]
address = "127.0.0.1:{clear}"
[[routes]]
respond = {{{{ status = 200, body = "here\\n" }}}}
"""


def front(tls, clear, workers=2):
    return FRONT.format(tls=tls, clear=clear, workers=workers)


def port_of(bound):
    return bound.getsockname()[1]


def fetch(port, path="/"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=harness.PATIENCE)
    try:
        connection.request("GET", path)
        return connection.getresponse().read()
    finally:
        connection.close()


class Sockets(unittest.TestCase):
    def setUp(self):
        self.tcp, self.clear = service.tcp(), service.tcp()
        self.port = port_of(self.tcp)
        self.opened = [self.tcp, self.clear]
        self.addCleanup(lambda: [each.close() for each in self.opened])

    def udp(self, share=True):
        self.opened.append(service.udp("127.0.0.1", self.port, share))
        return self.opened[-1]

    def start(self, sockets, workers=2, **keywords):
        gatehouse = service.Activated(front(self.port, port_of(self.clear), workers), sockets, **keywords)
        gatehouse.port = self.port
        return gatehouse

    def speaks_everything(self, gatehouse):
        for protocol, version in (("h1", "1.1"), ("h2", "2"), ("h3", "3")):
            answer = curl(gatehouse, protocol)
            self.assertEqual((answer.status, answer.version, answer.body), (200, version, b"here\n"), answer.error)
        self.assertEqual(fetch(port_of(self.clear)), b"here\n")

    def many_h3_connections(self, gatehouse, count=12):
        """So many that every worker has some; each asks twice."""
        async def one():
            async with h3_client(self.port, gatehouse.certificate) as client:
                return [(await client.request("/"))[2] for _ in range(2)]

        async def all_of_them():
            return await asyncio.gather(*[one() for _ in range(count)])

        self.assertEqual(asyncio.run(all_of_them()), [[b"here\n"] * 2] * count)

    def test_one_udp_socket_serves_all_workers(self):
        for share in (False, True):  # with ReusePort= company is bound beside it
            with self.subTest(share=share):
                udp = self.udp(share)
                with self.start([self.tcp, self.clear, udp], workers=3) as gatehouse:
                    self.assertEqual("fewer UDP sockets" in gatehouse.log(), not share, gatehouse.log())
                    self.speaks_everything(gatehouse)
                    self.many_h3_connections(gatehouse)
                    self.assertNotIn("Permission", gatehouse.log())
                udp.close()

    def test_fewer_and_more_udp_sockets_than_workers(self):
        sockets = [self.tcp, self.clear, *[self.udp() for _ in range(4)]]
        for workers in (1, 2):
            with self.subTest(workers=workers), self.start(sockets, workers) as gatehouse:
                self.speaks_everything(gatehouse)
                self.many_h3_connections(gatehouse)

    def test_what_nobody_wants_is_told_and_reload_gives_back_what_comes_back(self):
        surplus = service.tcp()
        self.opened.append(surplus)
        with self.start([self.tcp, self.clear, surplus]) as gatehouse:
            gatehouse.await_message(rf"tcp 127\.0\.0\.1:{port_of(surplus)} was handed over, but no listener")
            both = gatehouse.file.read_text()
            without = both.replace(f'[[listeners]]\naddress = "127.0.0.1:{port_of(self.clear)}"\n', "")
            self.assertNotEqual(both, without)
            self.assertEqual(fetch(port_of(self.clear)), b"here\n")
            gatehouse.file.write_text(without)
            reloaded = gatehouse.control("reload")
            self.assertIn(f"tcp 127.0.0.1:{port_of(self.clear)} was handed over", reloaded.stdout + reloaded.stderr)
            waiting = socket.create_connection(("127.0.0.1", port_of(self.clear)))  # in the backlog
            gatehouse.file.write_text(both)
            self.assertEqual(gatehouse.control("reload").returncode, 0)
            self.assertEqual(fetch(port_of(self.clear)), b"here\n")
            waiting.sendall(b"GET / HTTP/1.0\r\n\r\n")
            self.assertIn(b"200 OK", waiting.recv(4096))
            waiting.close()

    def test_no_request_is_lost_across_a_restart(self):
        failures, answers, done = [], [], threading.Event()

        def ask():
            while not done.is_set():
                try:
                    answers.append(fetch(port_of(self.clear)))
                except (OSError, http.client.HTTPException) as error:
                    failures.append(repr(error))

        sockets = [self.tcp, self.clear, self.udp()]
        gatehouse = self.start(sockets)
        clients = [threading.Thread(target=ask) for _ in range(3)]
        try:
            with gatehouse:
                for client in clients:
                    client.start()
                harness.wait_until(lambda: len(answers) > 20, "answers")
            before = len(answers)
            quic = subprocess.Popen(["curl", "-sS", "--cacert", gatehouse.certificate, "--http3-only", gatehouse.url()],
                                    stdout=subprocess.PIPE)  # while nobody is there
            with gatehouse:
                harness.wait_until(lambda: len(answers) > before + 20, "answers after the restart")
                self.assertEqual(quic.communicate(timeout=harness.PATIENCE)[0], b"here\n")
                self.speaks_everything(gatehouse)
                done.set()
                for client in clients:
                    client.join()
        finally:
            done.set()
        self.assertEqual(failures, [])

    def test_a_unix_socket_and_the_admin_address_can_be_handed_over(self):
        gatehouse = service.Activated(
            '[server]\nadmin = "127.0.0.1:{admin}"\n[[listeners]]\naddress = "unix:{directory}/front.sock"\n'
            '[[routes]]\nrespond = {{ status = 200, body = "here" }}\n', [])
        path = gatehouse.directory / "front.sock"
        front_socket = socket.socket(socket.AF_UNIX)
        front_socket.bind(str(path))
        front_socket.listen()
        admin = service.tcp(port=gatehouse.admin)
        self.opened += [front_socket, admin]
        gatehouse.pass_fds = [front_socket.fileno(), admin.fileno()]
        with gatehouse:
            self.assertEqual(harness.curl("http://localhost/", "--unix-socket", str(path)).body, b"here")
            self.assertEqual(fetch(gatehouse.admin, "/readyz"), b"ready\n")
            self.assertNotIn("was handed over", gatehouse.log())
        self.assertTrue(path.exists(), "it belongs to whoever made it")

    def test_apps_get_nothing_of_it(self):
        show = ("import http.server, json, os\n"
                "class Show(http.server.BaseHTTPRequestHandler):\n"
                "  def do_GET(self):\n"
                "    self.send_response(200); self.end_headers()\n"
                "    sockets = [os.readlink('/proc/self/fd/' + n) for n in os.listdir('/proc/self/fd') if int(n) > 2"
                " and os.path.lexists('/proc/self/fd/' + n)]\n"
                "    self.wfile.write(json.dumps([dict(os.environ), sockets]).encode())\n"
                "http.server.HTTPServer(('127.0.0.1', int(os.environ['PORT'])), Show).serve_forever()\n")
        config = front(self.port, port_of(self.clear)).replace('respond = {{ status = 200, body = "here\\n" }}', 'to = "web"')
        gatehouse = service.Activated(config + f'[apps.web]\ncommand = ["{sys.executable}", "{{directory}}/show.py"]\n',
                                      [self.tcp, self.clear], environment={"NOTIFY_SOCKET": "@nobody-listens-here"})
        (gatehouse.directory / "show.py").write_text(show)
        with gatehouse:
            environment, links = json.loads(fetch(port_of(self.clear)))
        for name in ("LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "NOTIFY_SOCKET", "WATCHDOG_USEC"):
            self.assertNotIn(name, environment)
        ours = {os.readlink(f"/proc/self/fd/{each.fileno()}") for each in (self.tcp, self.clear)}
        self.assertFalse(ours & set(links), links)

    def test_systemd_socket_activate_starts_it_with_the_first_connection(self):
        if not shutil.which("systemd-socket-activate"):
            self.skipTest("no systemd-socket-activate")
        clear = harness.free_port()
        gatehouse = harness.Gatehouse(front(harness.free_port(), clear))
        settings = {"XDG_STATE_HOME": str(gatehouse.directory / "state"), "XDG_RUNTIME_DIR": str(gatehouse.directory)}
        activate = subprocess.Popen(
            ["systemd-socket-activate", *[f"--setenv={name}={value}" for name, value in settings.items()],
             f"--listen=127.0.0.1:{clear}", *gatehouse.command()], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        try:
            self.assertIn("Listening on", activate.stderr.readline())
            self.assertEqual(fetch(clear), b"here\n")
        finally:
            activate.terminate()
            log = activate.communicate(timeout=harness.PATIENCE)[1]
        self.assertEqual(activate.returncode, 0, log)


def curl(gatehouse, protocol):
    return harness.curl(f"https://127.0.0.1:{gatehouse.port}/", "--cacert", str(gatehouse.certificate),
                        harness.PROTOCOLS[protocol])


class Supervision(unittest.TestCase):
    CONFIG = '[[listeners]]\naddress = "127.0.0.1:{http}"\n[[routes]]\nrespond = {{ status = 200, body = "here" }}\n'

    def start(self, notify, more="", **environment):
        return harness.Gatehouse('[server]\nworkers = 2\nadmin = ""\n' + more + self.CONFIG,
                                 environment={"NOTIFY_SOCKET": str(notify.path), **environment})

    def setUp(self):
        self.notify = service.NotifySocket(self.enterContext(harness.tempfile.TemporaryDirectory()))
        self.addCleanup(self.notify.close)

    def test_it_says_ready_reloading_and_stopping(self):
        with self.start(self.notify, 'drain_timeout = "300s"\n') as gatehouse:
            ready = self.notify.until("READY")
            self.assertEqual(ready, {"READY": "1", "STATUS": "Serving 1 listener, configuration 1"})
            before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
            self.assertEqual(gatehouse.control("reload").returncode, 0)
            reloading = self.notify.until("RELOADING")
            self.assertTrue(before <= int(reloading["MONOTONIC_USEC"]) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000)
            self.assertIn("configuration 2", self.notify.until("READY")["STATUS"])
            gatehouse.file.write_text("nonsense")
            self.assertEqual(gatehouse.control("reload").returncode, 1)
            self.notify.until("RELOADING")
            self.assertIn("configuration 2; the last reload failed", self.notify.until("READY")["STATUS"])
        self.assertIn("Draining for up to 3", self.notify.until("STOPPING")["STATUS"])
        self.assertGreater(int(self.notify.until("EXTEND_TIMEOUT_USEC")["EXTEND_TIMEOUT_USEC"]), 5_000_000)

    def test_a_hanging_worker_stops_the_feeding(self):
        period = 0.8
        with self.start(self.notify, WATCHDOG_USEC=str(int(period * 1e6))) as gatehouse:
            self.notify.until("READY")
            for _ in range(3):
                self.assertEqual(self.notify.next(period), {"WATCHDOG": "1"})
            for thread in ("worker-0", "worker-1"):
                with service.hanging(gatehouse.process.pid, thread):
                    self.notify.next(period / 2)  # what was answered before
                    self.assertIsNone(self.notify.next(2 * period), "fed with a worker that hangs")
                    gatehouse.await_message(f"{thread} has not come round")
                self.assertEqual(self.notify.next(), {"WATCHDOG": "1"})

    def test_no_watchdog_for_another_process(self):
        with self.start(self.notify, WATCHDOG_USEC="100000", WATCHDOG_PID="1"):
            self.notify.until("READY")
            self.assertIsNone(self.notify.next(0.5))


@unittest.skipUnless(os.geteuid() == 0 and shutil.which("unshare"), "needs root")
class User(unittest.TestCase):
    """In a network of its own, where low ports are free."""

    def start(self, more="", **keywords):
        class Isolated(harness.Gatehouse):
            def command(self):
                return ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *super().command()]

        config = ('[server]\nadmin = ""\nuser = "www-data"\n[log.access]\noutput = "{directory}/logs/access.log"\n'
                  '[[listeners]]\naddress = ":80"\n[listeners.tls]\n'
                  'certificates = [{{ certificate = "{cert}", private_key = "{key}" }}]\n'
                  '[[routes]]\nrespond = {{ status = 200, body = "here" }}\n')
        gatehouse = Isolated(config + more, **keywords)
        for name in ("logs", "run", "state"):
            (gatehouse.directory / name).mkdir()
        gatehouse.directory.chmod(0o755)
        gatehouse.environment = {"RUNTIME_DIRECTORY": str(gatehouse.directory / "run"),
                                 "STATE_DIRECTORY": str(gatehouse.directory / "state")}
        return gatehouse

    def inside(self, gatehouse, *command):
        return subprocess.run(["nsenter", "-t", str(gatehouse.process.pid), "-n", *command], capture_output=True, text=True,
                              timeout=harness.PATIENCE, check=False, env={**os.environ, **gatehouse.environment})

    def test_it_becomes_the_user_and_can_still_bind_low_ports(self):
        with self.start() as gatehouse:
            for thread, (uids, gids, groups, capabilities) in service.identity(gatehouse.process.pid).items():
                self.assertEqual((set(uids), set(gids), groups), ({"33"}, {"33"}, ["33"]), thread)
                self.assertEqual(int(capabilities[0], 16), 1 << 10 if thread == "main" else 0, thread)
            gatehouse.await_message("cannot read a private key")  # root's, mode 0600
            shutil.chown(gatehouse.key, "www-data")
            gatehouse.file.write_text(gatehouse.file.read_text() + '[[listeners]]\naddress = ":81"\n')
            reload = self.inside(gatehouse, harness.BINARY, "reload", str(gatehouse.file))
            self.assertEqual(reload.returncode, 0, reload.stderr + gatehouse.log())
            self.assertIn("here", self.inside(gatehouse, "curl", "-sk", "https://127.0.0.1:80/").stdout)
            self.assertEqual(self.inside(gatehouse, "curl", "-s", "http://127.0.0.1:81/").stdout, "here")
            (gatehouse.directory / "logs" / "access.log").rename(gatehouse.directory / "logs" / "access.log.1")
        self.assertEqual(os.listdir(gatehouse.directory / "run"), [], "the control socket is removed by its owner")

    def test_apps_of_other_users_are_refused(self):
        gatehouse = self.start('[apps.web]\ncommand = ["true"]\nuser = "nobody"\n')
        check = subprocess.run([harness.BINARY, "check", gatehouse.file], capture_output=True, text=True, check=False)
        self.assertEqual(check.returncode, 1)
        self.assertIn('the app "web" cannot run as "nobody"', check.stderr)

    def test_only_root_can_become_a_user(self):
        gatehouse = self.start()
        shutil.chown(gatehouse.key, "nobody")
        check = subprocess.run(["setpriv", "--reuid", "nobody", "--clear-groups", harness.BINARY, "check", gatehouse.file],
                               capture_output=True, text=True, check=False)
        self.assertEqual(check.returncode, 1)
        self.assertRegex(check.stderr, r'gatehouse\.toml:\d+:\d+: .*only root can become the user "www-data"')


if __name__ == "__main__":
    harness.main()
