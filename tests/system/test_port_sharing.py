"""Port sharing: processes of several users register below what is reserved for them, come and go, and get nothing else."""

import json
import os
import pwd
import signal
import subprocess
import sys
import threading
import time
import unittest

import harness
from harness import PROTOCOLS

USERS = ("daemon", "bin", "games")  # every system has them, and none of their processes
HELPER = harness.ROOT / "tests" / "system" / "sharing_app.py"

CONFIG = """
[server]
admin = "127.0.0.1:{admin}"
registrations = "{directory}/registrations.sock"
""" + harness.LISTENERS + """
[[routes]]
hosts = ["localhost"]
path = "/taken"
respond = {{ status = 200, body = "configured" }}
[[reservations]]
prefix = "https://localhost:{port}/daemon/"
user = "daemon"
[[reservations]]
prefix = "https://localhost:{port}/bin/"
user = "bin"
[[reservations]]
prefix = "https://localhost:{port}/games/"
group = "games"
[[reservations]]
prefix = "https://localhost:{port}/daemon/bin/"
user = "bin"
[[reservations]]
prefix = "https://localhost:{port}/taken/"
user = "daemon"
[[reservations]]
prefix = "http://*:{http}/"
user = "daemon"
whole_port = true
"""


class Process:
    """sharing_app.py as `user`."""

    def __init__(self, socket, user, name):
        entry = pwd.getpwnam(user)
        self.process = subprocess.Popen([sys.executable, "-B", str(HELPER), str(socket), name], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, user=entry.pw_uid, group=entry.pw_gid, extra_groups=[])

    def tell(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def serve(self, *prefixes):
        self.tell("listen")
        return [self.tell(f"register {prefix}") for prefix in prefixes]

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


@unittest.skipUnless(os.geteuid() == 0, "only root can start processes of other users")
class PortSharing(unittest.TestCase):
    def setUp(self):
        self.gatehouse = harness.Gatehouse(CONFIG)
        self.gatehouse.directory.chmod(0o711)  # users are to reach what is in it
        self.enterContext(self.gatehouse)
        self.socket = self.gatehouse.directory / "registrations.sock"

    def app(self, user, name=None):
        process = Process(self.socket, user, name or user)
        self.addCleanup(process.kill)
        return process

    def prefix(self, path, scheme="https", host="localhost", port=None):
        return f"{scheme}://{host}:{port or self.gatehouse.port}{path}"

    def get(self, path, protocol="h2"):
        answer = self.gatehouse.curl(protocol, path)
        return answer.status, answer.body

    def status(self):
        return json.loads(harness.curl(f"http://127.0.0.1:{self.gatehouse.admin}/status.json").body)

    def test_three_users_share_a_port_over_every_protocol(self):
        for user in USERS:
            self.assertEqual(self.app(user).serve(self.prefix(f"/{user}/")), ["ok"])
        for protocol in PROTOCOLS:
            for user in USERS:
                self.assertEqual(self.get(f"/{user}/x", protocol), (200, user.encode()))
                self.assertEqual(self.get(f"/{user}", protocol), (200, user.encode()))
                self.assertEqual(self.get(f"/{user}x", protocol)[0], 404)
        shown = {each["prefix"]: each for each in self.status()["registrations"]}
        self.assertEqual(len(shown), 3)
        self.assertEqual(shown[self.prefix("/bin/")]["user"], pwd.getpwnam("bin").pw_uid)
        self.assertEqual(shown[self.prefix("/bin/")]["requests_total"], 2 * len(PROTOCOLS))
        table = subprocess.run([harness.BINARY, "status", str(self.gatehouse.file)], capture_output=True, text=True, check=True,
                               env={**os.environ, "XDG_RUNTIME_DIR": str(self.gatehouse.directory)}).stdout
        self.assertIn(self.prefix("/games/"), table)
        reservation = self.prefix("/bin/")
        self.assertEqual(self.gatehouse.metric(rf'gatehouse_registrations{{reservation="{reservation}"}}'), 1)
        self.assertEqual(self.gatehouse.metric(
            rf'gatehouse_registration_events_total{{reservation="{reservation}",event="registered"}}'), 1)

    def test_nobody_gets_what_is_not_reserved_for_him_however_he_spells_it(self):
        app = self.app("games")
        app.tell("listen")
        port = self.gatehouse.port
        for prefix in ("/daemon/", "/daemon", "/daemon/x/", "/", "/games/../daemon/", "/games/%2e%2e/daemon/", "/games/..%2fdaemon/",
                       "/games//", "/%64aemon/", "/GAMES/", "/gamesx/", "/games/;/../daemon/", "/games\\..\\daemon/", "//daemon/"):
            self.assertTrue(app.tell(f"register {self.prefix(prefix)}").startswith("failed "), prefix)
        for prefix in (f"http://localhost:{port}/games/", f"https://localhost:{self.gatehouse.http}/games/", "https://localhost/games/",
                       f"https://LOCALHOST.:{port}/games/", f"https://127.0.0.1:{port}/games/", f"https://[::1]:{port}/games/",
                       f"https://+:{port}/games/", f"https://*:{port}/games/", f"https://*:{port}/", f"https://+:{port}/",
                       f"https://x@localhost:{port}/games/", f"https://localhost:{port}/games/?", "*", "", "games"):
            self.assertTrue(app.tell(f"register {prefix}").startswith("failed "), prefix)
        self.assertEqual(app.tell(f"register {self.prefix('/games/deep/er/')}"), "ok")
        daemon = self.app("daemon")
        daemon.tell("listen")
        below = daemon.tell(f"register {self.prefix('/daemon/bin/x/')}")
        self.assertEqual(below, f"failed {self.prefix('/daemon/bin/x/')} is not reserved for user 1")
        stranger = Process(self.socket, "nobody", "nobody")
        self.addCleanup(stranger.kill)
        stranger.tell("listen")
        self.assertRegex(stranger.tell(f"register {self.prefix('/games/')}"), "failed nothing is reserved for user")

    def test_conflicts_are_refused_with_the_reason(self):
        first, second = self.app("daemon", "first"), self.app("daemon", "second")
        self.assertEqual(first.serve(self.prefix("/daemon/")), ["ok"])
        answers = second.serve(self.prefix("/daemon/"), self.prefix("/daemon/x/"), self.prefix("/taken/"))
        self.assertIn(f"is registered already, by process {first.process.pid} of user 1", answers[0])
        self.assertEqual(answers[1], "ok")
        self.assertIn("the route localhost/taken of the configuration has the host and path of", answers[2])
        self.assertEqual(self.get("/daemon/x/y"), (200, b"second"))
        self.assertEqual(self.get("/daemon/y"), (200, b"first"))
        self.assertEqual(self.get("/taken"), (200, b"configured"))

    def test_a_target_is_its_users_own_at_every_connection(self):
        app, thief = self.app("daemon"), self.app("bin", "thief")
        port = app.tell("listen")
        thief.tell("listen")
        theirs = thief.tell("line register " + self.prefix("/bin/") + f" 127.0.0.1:{port}")
        self.assertEqual(theirs, f"failed user 1 listens on 127.0.0.1:{port}, not user 2")
        self.assertEqual(app.tell(f"register {self.prefix('/daemon/')}"), "ok")
        app.tell("unlisten")
        thief.tell("unlisten")
        self.assertEqual(thief.tell(f"listen {port}"), port)
        for protocol in PROTOCOLS:
            answer = self.gatehouse.curl(protocol, "/daemon/", "--header", "Cookie: secret")
            self.assertEqual(answer.status, 502)
            self.assertIn("foreign_listener", answer.fields["proxy-status"])
        self.assertEqual(thief.tell("received"), "0")
        thief.tell("unlisten")
        app.tell(f"listen {port}")
        self.assertEqual(self.get("/daemon/"), (200, b"daemon"))

    def test_a_weak_wildcard_serves_what_nobody_else_has(self):
        self.assertEqual(self.app("daemon").serve(f"http://*:{self.gatehouse.http}/"), ["ok"])
        answer = harness.curl(f"http://127.0.0.1:{self.gatehouse.http}/any/thing")
        self.assertEqual((answer.status, answer.body), (200, b"daemon"))

    def test_a_crash_frees_a_prefix_at_once(self):
        waiting = self.app("bin", "next")
        waiting.tell("listen")
        took = []
        for _ in range(5):
            app = self.app("bin")
            self.assertEqual(app.serve(self.prefix("/bin/")), ["ok"])
            killed = time.monotonic()
            app.process.send_signal(signal.SIGKILL)
            while waiting.tell(f"register {self.prefix('/bin/')}") != "ok":
                self.assertLess(time.monotonic() - killed, 5)
            took.append(time.monotonic() - killed)
            self.assertEqual(self.get("/bin/"), (200, b"next"))
            self.assertEqual(waiting.tell("drain"), "ok")
        self.assertLess(sorted(took)[2], 0.1, took)

    def test_a_release_lets_requests_in_flight_finish(self):
        app = self.app("bin")
        self.assertEqual(app.serve(self.prefix("/bin/")), ["ok"])
        answers = []
        slow = threading.Thread(target=lambda: answers.append(self.get("/bin/slow")))
        slow.start()
        harness.wait_until(lambda: self.status()["registrations"][0]["in_flight"] == 1, "the request is in flight")
        self.assertEqual(app.tell("drain"), "ok")
        slow.join()
        self.assertEqual(answers, [(200, b"bin")])
        self.assertEqual(self.get("/bin/")[0], 404)

    def test_reloads_keep_registrations_that_are_still_allowed(self):
        app, other = self.app("bin"), self.app("daemon")
        self.assertEqual(app.serve(self.prefix("/bin/")), ["ok"])
        self.assertEqual(other.serve(self.prefix("/daemon/")), ["ok"])
        self.gatehouse.control("reload")
        self.assertEqual(self.get("/bin/"), (200, b"bin"))
        # The other one's reservation goes, and a route comes where the first one is.
        self.gatehouse.write(CONFIG.replace('/daemon/"\nuser = "daemon"', '/daemon/"\nuser = "bin"').replace(
            'path = "/taken"', 'path = "/bin"'))
        self.gatehouse.control("reload")
        self.assertEqual(self.get("/bin/"), (200, b"configured"))
        self.assertEqual(self.get("/daemon/")[0], 404)
        shown = self.status()["registrations"]
        self.assertEqual([each["prefix"] for each in shown], [self.prefix("/bin/")])
        self.assertIn("the route localhost/bin has the same host and path", shown[0]["why"])
        self.assertEqual(other.tell("drain"), f"revoked {self.prefix('/daemon/')}")
        self.gatehouse.write(CONFIG)
        self.gatehouse.control("reload")
        self.assertEqual(self.get("/bin/"), (200, b"bin"))

    def test_explain_says_for_whom_a_path_is_reserved(self):
        def explained(path):
            done = subprocess.run([harness.BINARY, "explain", "--json", self.gatehouse.url(path), str(self.gatehouse.file)],
                                  capture_output=True, check=False)
            return json.loads(done.stdout)["reserved"]
        self.assertEqual(explained("/games/x"), f"{self.prefix('/games/')} for group games: a registration there comes first")
        self.assertEqual(explained("/daemon/bin/"), f"{self.prefix('/daemon/bin/')} for user bin: a registration there comes first")
        self.assertIsNone(explained("/taken"))
        self.assertIsNone(explained("/"))

    def test_apps_of_three_users_come_and_go_without_a_failed_request_to_the_others(self):
        steady = {f"/{user}/steady{i}/": self.app(user, f"{user}-{i}") for user in USERS for i in range(3)}
        for path, app in steady.items():
            self.assertEqual(app.serve(self.prefix(path)), ["ok"])
        over = threading.Event()
        failures, served = [], []
        many = 50

        def ask(path, protocol):
            name = path.split("/")[1] + "-" + path[-2]
            transfers = [word for i in range(many) for word in (self.gatehouse.url(f"{path}{i}"), "--output", "-")]
            while not over.is_set():
                done = subprocess.run(["curl", "--silent", "--show-error", PROTOCOLS[protocol], "--max-time", "60", "--cacert",
                                       str(self.gatehouse.certificate), "--write-out", " %{http_code}\n", *transfers],
                                      capture_output=True, text=True, check=False)
                lines = done.stdout.splitlines()
                served.append(len(lines))
                failures.extend(f"{protocol} {path}: {line}" for line in lines if line != f"{name} 200")
                if len(lines) != many:
                    failures.append(f"{protocol} {path}: {len(lines)} answers, {done.stderr}")

        askers = [threading.Thread(target=ask, args=(path, list(PROTOCOLS)[i % len(PROTOCOLS)])) for i, path in enumerate(steady)]
        for asker in askers:
            asker.start()
        try:
            for turn in range(4):
                guests = [USERS[i % len(USERS)] for i in range(11)]
                coming = [(user, self.app(user, f"{user}-guest")) for user in guests]
                for i, (user, app) in enumerate(coming):
                    self.assertEqual(app.serve(self.prefix(f"/{user}/guest{i}/")), ["ok"])
                for i, (user, app) in enumerate(coming):
                    self.assertEqual(self.get(f"/{user}/guest{i}/"), (200, f"{user}-guest".encode()))
                    if (i + turn) % 2 == 0:
                        self.assertEqual(app.tell("drain"), "ok")
                    app.process.kill()
        finally:
            over.set()
            for asker in askers:
                asker.join()
        self.assertEqual(failures, [])
        self.assertGreater(sum(served), 500)


@unittest.skipUnless(os.geteuid() == 0, "only root can start processes of other users")
class Register(unittest.TestCase):
    """gatehouse register."""

    def setUp(self):
        self.gatehouse = harness.Gatehouse(CONFIG)
        self.gatehouse.directory.chmod(0o711)
        self.socket = self.gatehouse.directory / "registrations.sock"

    def register(self, user, path, *arguments):
        entry = pwd.getpwnam(user)
        process = subprocess.Popen([harness.BINARY, "register", f"https://localhost:{self.gatehouse.port}{path}",
                                    "--socket", str(self.socket), *arguments], stderr=subprocess.PIPE, text=True,
                                   user=entry.pw_uid, group=entry.pw_gid, extra_groups=[])
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def said(self, process, pattern):
        for line in process.stderr:
            if pattern in line:
                return line
        raise AssertionError(f"it ended without saying {pattern}")

    COMMAND = ("--", sys.executable, "-c", """
import http.server, os, sys
class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.endswith("/exit"):
            os._exit(7)
        body = os.environ["ASPNETCORE_URLS"].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Hello).serve_forever()
""")

    def test_a_command_is_served_until_it_ends_and_its_exit_code_is_ours(self):
        with self.gatehouse:
            process = self.register("bin", "/bin/", *self.COMMAND)
            self.said(process, "is served at 127.0.0.1:")
            answer = self.gatehouse.curl("h2", "/bin/x")
            self.assertEqual(answer.status, 200)
            self.assertRegex(answer.body.decode(), r"^http://127\.0\.0\.1:[0-9]+$")
            # The second attempt may find that nobody is registered any more.
            self.assertIn(self.gatehouse.curl("h1", "/bin/exit").status, (502, 503))
            self.assertEqual(process.wait(30), 7)
            harness.wait_until(lambda: self.gatehouse.curl("h2", "/bin/x").status == 404, "the prefix is free")

    def test_a_signal_ends_it_with_its_command(self):
        with self.gatehouse:
            process = self.register("bin", "/bin/", *self.COMMAND)
            self.said(process, "is served at")
            process.terminate()
            self.assertEqual(process.wait(30), 0)
            self.assertEqual(self.gatehouse.curl("h2", "/bin/x").status, 404)

    def test_refusals_are_told_and_end_it(self):
        with self.gatehouse, harness.backend() as backend:
            process = self.register("bin", "/daemon/", "--to", f"127.0.0.1:{backend.port}")
            self.said(process, "is not reserved for user 2")
            self.assertEqual(process.wait(30), 1)
            process = self.register("bin", "/bin/", "--to", f"127.0.0.1:{backend.port}")
            self.said(process, f"user 0 listens on 127.0.0.1:{backend.port}, not user 2")
            self.assertEqual(process.wait(30), 1)
            process = self.register("bin", "/bin/", "--", "/no/such/program")
            self.said(process, "cannot start /no/such/program")
            self.assertEqual(process.wait(30), 127)

    def test_it_registers_again_when_gatehouse_was_restarted(self):
        process = self.register("bin", "/bin/", *self.COMMAND)
        self.said(process, "waiting for Gatehouse on")
        for _ in range(2):
            with self.gatehouse:
                self.said(process, "is served at")
                self.assertEqual(self.gatehouse.curl("h3", "/bin/x").status, 200)
        process.terminate()
        self.assertEqual(process.wait(30), 0)

    def test_a_unix_socket_is_passed_and_not_looked_up(self):
        with self.gatehouse:
            folder = self.gatehouse.directory / "bin"
            folder.mkdir(mode=0o700)
            entry = pwd.getpwnam("bin")
            os.chown(folder, entry.pw_uid, entry.pw_gid)
            server = subprocess.Popen([sys.executable, "-c", f"""
import socket
listener = socket.socket(socket.AF_UNIX)
listener.bind("{folder}/app.sock")
listener.listen(16)
print("ready", flush=True)
while True:
    connection, _ = listener.accept()
    if connection.recv(65536):  # nothing: who registers it has looked whether somebody listens
        connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\nhi")
    connection.close()
"""], stdout=subprocess.PIPE, text=True, user=entry.pw_uid, group=entry.pw_gid)
            self.addCleanup(server.stdout.close)
            self.addCleanup(server.wait)
            self.addCleanup(server.kill)
            self.assertEqual(server.stdout.readline(), "ready\n")
            process = self.register("bin", "/bin/", "--to", f"unix:{folder}/app.sock")
            self.said(process, "is served at")
            for protocol in PROTOCOLS:
                self.assertEqual(self.gatehouse.curl(protocol, "/bin/").body, b"hi")


if __name__ == "__main__":
    harness.main()
