"""What the user of an app may try against a Gatehouse that root runs: links, pipes, devices and other people's sockets where it
expects files and sockets of the app. A row is what the user does in a folder of its own, and what must come of it; each row is an
app, so that all of a table stand side by side. Nothing of root's may be told, written or asked, and nobody else may wait for it."""

import json
import os
import pathlib
import pwd
import re
import shutil
import socket
import subprocess
import threading
import unittest

import apps
import harness

USER = "nobody"
SECRET = "only root reads this"
AT_ONCE = 5  # seconds: a loop that waits for a pipe or a device waits for ever


class Recorder:
    """A stand-in for docker.sock, which is root's alone: takes connections, answers nothing, keeps every byte."""

    def __init__(self, path):
        self.connections, self.bytes = 0, b""
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        os.chmod(path, 0o600)
        self.listener.listen(64)
        threading.Thread(target=self._record, daemon=True).start()

    def _record(self):
        while True:
            try:
                with self.listener.accept()[0] as connection:
                    connection.settimeout(AT_ONCE)
                    while got := connection.recv(65536):
                        self.bytes += got
            except OSError as error:
                if self.listener.fileno() < 0:
                    return
                self.bytes += f"not closed: {error}".encode()
            self.connections += 1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class Gatehouse(apps.Gatehouse):
    """Root's, with an app of USER for each of `rows`, {name: keys}, at /name; beside their folders what only root may reach."""

    def __init__(self, rows, command='["python3", "-I", "-S", "{directory}/fault_app.py"]'):
        config = harness.LISTENERS + '[[routes]]\npath = "/static"\nrespond = {{ status = 200, body = "here" }}\n'
        for name, keys in rows.items():
            config += (f'[[routes]]\npath = "/{name}"\nto = "{name}"\nstrip_prefix = true\n'
                       f'[apps.{name}]\ncommand = {command}\ndirectory = "{{directory}}/{name}"\nuser = "{USER}"\n'
                       + keys.replace("FOLDER", f"{{directory}}/{name}") + "\n")
        super().__init__(config)
        self.directory.chmod(0o755)
        os.chmod(shutil.copy(apps.FAULT_APP, self.directory), 0o644)  # the checkout may be where only its owner can read
        self.secret, self.private = self.directory / "root.secret", self.directory / "root.folder"
        self.secret.write_text(SECRET)
        self.secret.chmod(0o600)
        self.private.mkdir(mode=0o700)
        (self.private / "open").write_text(SECRET)
        for name in rows:
            (self.directory / name).mkdir()
            shutil.chown(self.directory / name, USER)
        self.before = self.what_is_roots()

    def user_does(self, name, script, *arguments):
        """A piece of shell in the app's folder, as the app's user."""
        identity = pwd.getpwnam(USER)
        environment = {"PATH": os.environ["PATH"], "SECRET": str(self.secret), "PRIVATE": str(self.private)}
        subprocess.run(["sh", "-euc", script, "sh", *map(str, arguments)], cwd=self.directory / name, env=environment, check=True,
                       user=identity.pw_uid, group=identity.pw_gid, extra_groups=[], timeout=harness.PATIENCE)

    def what_is_roots(self):
        def looks(path):
            status = path.stat()
            return path.read_bytes(), status.st_mode, status.st_uid, status.st_mtime_ns, status.st_nlink
        return {str(path): looks(path) for path in (self.secret, *self.private.iterdir())}

    def ask_as(self, name, path="/", **keywords):
        return self.ask(f"/{name}{path}", timeout=harness.PATIENCE, **keywords)


class Case(unittest.TestCase):
    def others_are_served(self, gatehouse):
        ready = harness.curl(f"http://127.0.0.1:{gatehouse.admin}/readyz", timeout=AT_ONCE)
        self.assertEqual((ready.status, ready.exit_code), (200, 0))
        self.assertEqual(gatehouse.ask("/static", timeout=AT_ONCE).body, b"here")

    def nothing_is_told_or_changed(self, gatehouse, *answers):
        self.assertEqual(gatehouse.what_is_roots(), gatehouse.before)
        for answer in answers:
            self.assertNotIn(SECRET.encode(), answer.body)
        self.assertNotIn(SECRET, gatehouse.log())
        self.assertNotIn(SECRET, json.dumps(gatehouse.status()))


# Somebody wants the app offline; that is all there is to say.
OURS = b"503 Service Unavailable\nThe application has been taken offline.\napp_offline, request "

OFFLINE = {  # name: what the user does, how the body begins that clients get; None: the app is served, there is no such file
    "own": ("echo away > app_offline.htm", b"away\n"),
    "release": ("mkdir 1; echo v1 > 1/page; ln -s 1 current; ln -s current/page app_offline.htm", b"v1\n"),
    "secret": ('ln -s "$SECRET" app_offline.htm', OURS),
    "chain": ('ln -s "$SECRET" one; ln -s one two; ln -s two app_offline.htm', OURS),
    "private": ('ln -s "$PRIVATE" folder; ln -s folder/open app_offline.htm', None),
    "environ": ("ln -s /proc/self/environ app_offline.htm", OURS),
    "cmdline": ("ln -s /proc/self/cmdline app_offline.htm", OURS),
    "descriptor": ("ln -s /proc/self/fd/2 app_offline.htm", None),
    "dangling": ("ln -s nothing app_offline.htm", None),
    "loop": ("ln -s app_offline.htm app_offline.htm", None),
    "folder": ("mkdir app_offline.htm", None),
    "fifo": ("mkfifo app_offline.htm", None),
    "device": ("ln -s /dev/zero app_offline.htm", None),
    "huge": ("truncate -s 1T app_offline.htm", bytes(1 << 20)),
}

OUTPUT = {  # name: what the user does, the file that has the app's words; None: none has, and the log says so
    "own": ("mkdir logs", "logs/web.log"),
    "release": ("mkdir 1; ln -s 1 logs", "1/web.log"),
    "rotated": ('mkdir logs; ln -s "$SECRET" logs/web.log.1', "logs/web.log"),
    "secret": ('mkdir logs; ln -s "$SECRET" logs/web.log', None),
    "private": ('ln -s "$PRIVATE" logs', None),
    "made": ('mkdir logs; ln -s "$PRIVATE/made" logs/web.log', None),
    "descriptor": ("mkdir logs; ln -s /proc/self/fd/2 logs/web.log", None),
    "loop": ("mkdir logs; ln -s web.log logs/web.log", None),
    "folder": ("mkdir -p logs/web.log", None),
    "fifo": ("mkdir logs; mkfifo logs/web.log", None),
    "device": ("mkdir logs; ln -s /dev/null logs/web.log", None),
}

ENVIRONMENT = {  # name: what the user makes of web.env, WORD as the app has it; None: it is not started; why
    "own": ("echo WORD=mine > web.env", "mine", None),
    "release": ("mkdir 1; echo WORD=released > 1/env; ln -s 1 current; ln -sf current/env web.env", "released", None),
    "secret": ('ln -sf "$SECRET" web.env', None, "as the user nobody.*Permission denied"),
    "private": ('ln -sf "$PRIVATE/open" web.env', None, "as the user nobody.*Permission denied"),
    "environ": ("ln -sf /proc/self/environ web.env", None, "Permission denied"),
    "cmdline": ("ln -sf /proc/self/cmdline web.env", None, "is a file of /proc"),
    "dangling": ("ln -sf nothing web.env", None, "No such file"),
    "loop": ("rm web.env; ln -s web.env web.env", None, "Too many levels"),
    "folder": ("rm web.env; mkdir web.env", None, "no regular file"),
    "fifo": ("rm web.env; mkfifo web.env", None, "no regular file"),
    "device": ("ln -sf /dev/zero web.env", None, "no regular file"),
    "huge": ("truncate -s 1T web.env", None, "too large"),
}

WATCHED = {  # name: what the user makes of site, which on_change names
    "own": "mkdir site",
    "release": "mkdir 1; ln -s 1 site",
    "private": 'ln -s "$PRIVATE" site',
    "inside": 'mkdir site; ln -s "$PRIVATE" site/private',
    "around": "mkdir site; ln -s ../site site/again",
    "loop": "ln -s site site",
    "dangling": "ln -s nothing site",
    "fifo": "mkfifo site",
    "device": "ln -s /dev/zero site",
    "deep": 'd=site; for i in $(seq 300); do d=$d/x; done; mkdir -p "$d"',
    "many": "mkdir site; cd site; seq 3000 | xargs mkdir",
}

WEB_CONFIG = {  # name: what is found in a published folder; none of these is one
    "secret": 'ln -s "$SECRET" web.config',
    "dangling": "ln -s nothing web.config",
    "loop": "ln -s web.config web.config",
    "folder": "mkdir web.config",
    "fifo": "mkfifo web.config",
    "device": "ln -s /dev/zero web.config",
    "huge": "truncate -s 1T web.config",
}


@unittest.skipUnless(os.geteuid() == 0, "needs root")
class Files(Case):
    def test_an_offline_page_is_what_its_user_could_read(self):
        gatehouse = Gatehouse({name: "" for name in OFFLINE})
        for name, (script, _) in OFFLINE.items():
            gatehouse.user_does(name, script)
        with gatehouse:
            answers = []
            for name, (_, body) in OFFLINE.items():
                with self.subTest(name):
                    answer = gatehouse.ask_as(name, "/pid")
                    answers.append(answer)
                    if body is None:
                        self.assertEqual(answer.status, 200, answer.body)
                    else:
                        self.assertEqual(answer.status, 503)
                        self.assertTrue(answer.body.startswith(body), answer.body[:200])
                    self.others_are_served(gatehouse)
            self.nothing_is_told_or_changed(gatehouse, *answers)

    def test_output_is_written_where_its_user_could_write(self):
        gatehouse = Gatehouse({name: 'output = "file:FOLDER/logs/web.log"' for name in OUTPUT})
        for name, (script, _) in OUTPUT.items():
            gatehouse.user_does(name, script)
        with gatehouse:
            for name, (_, place) in OUTPUT.items():
                with self.subTest(name):
                    self.assertEqual(gatehouse.ask_as(name, "/say/hello-file").status, 200)
                    if place is None:
                        gatehouse.await_message(rf"output file: .*/{name}/logs")
                    else:
                        path = gatehouse.directory / name / place
                        harness.wait_until(lambda path=path: path.exists() and "hello-file" in path.read_text(), "it is in the file")
                        self.assertEqual(path.owner(), USER)
                    self.others_are_served(gatehouse)
            self.nothing_is_told_or_changed(gatehouse)
            self.assertEqual(os.readlink(gatehouse.directory / "secret/logs/web.log"), str(gatehouse.secret))

    def test_an_environment_file_is_what_its_user_could_read(self):
        gatehouse = Gatehouse({name: 'environment_file = "FOLDER/web.env"' for name in ENVIRONMENT})
        for name in ENVIRONMENT:
            gatehouse.user_does(name, "echo WORD=before > web.env")
        with gatehouse:
            for name, (script, word, why) in ENVIRONMENT.items():
                with self.subTest(name):
                    gatehouse.user_does(name, script)
                    answer = gatehouse.ask_as(name, "/self")
                    if word is None:
                        self.assertEqual(answer.status, 503, answer.body)
                        self.assertIn("app_start_failed", answer.fields["proxy-status"])
                        self.assertRegex(gatehouse.app_line(name), why)
                    else:
                        self.assertEqual(answer.json()["environment"]["WORD"], word)
                    self.others_are_served(gatehouse)
            self.nothing_is_told_or_changed(gatehouse)

    def test_a_check_finds_what_a_start_will_find(self):
        gatehouse = Gatehouse({name: 'environment_file = "FOLDER/web.env"' for name in ENVIRONMENT})
        for name, (script, _, _) in ENVIRONMENT.items():
            gatehouse.user_does(name, "echo WORD=before > web.env")
            if name not in ("dangling", "loop"):  # which no configuration may name
                gatehouse.user_does(name, script)
        done = gatehouse.control("check")
        self.assertEqual(done.returncode, 1)
        for name, (_, word, why) in ENVIRONMENT.items():
            wrong = word is None and name not in ("dangling", "loop")
            with self.subTest(name):
                said = re.findall(rf'the app "{name}" cannot start: (.*)', done.stderr)
                self.assertEqual(len(said), 1 if wrong else 0, done.stderr)
                if wrong:
                    self.assertRegex(said[0], why)
        self.assertNotIn(SECRET, done.stdout + done.stderr)

    def test_what_is_watched_is_what_its_user_could_list(self):
        rows = {name: 'recycle = {{ on_change = ["FOLDER/site"] }}' for name in WATCHED}
        gatehouse = Gatehouse(rows)
        for name, script in WATCHED.items():
            gatehouse.user_does(name, script)
        with gatehouse:
            first = {}
            for name in WATCHED:
                with self.subTest(name):
                    answer = gatehouse.ask_as(name, "/pid")
                    self.assertEqual(answer.status, 200, answer.body)
                    first[name] = answer.body
                    self.others_are_served(gatehouse)
            # What happens in a folder of root's is nobody's to know. The change that counts comes later, and is known.
            (gatehouse.private / "new").write_text(SECRET)
            gatehouse.before = gatehouse.what_is_roots()
            for name in ("own", "release"):
                gatehouse.user_does(name, "echo > site/new")
            for name in ("own", "release"):
                harness.wait_until(lambda name=name: gatehouse.ask_as(name, "/pid").body != first[name], f"{name} is recycled")
            for name in ("private", "inside"):
                self.assertEqual(gatehouse.ask_as(name, "/pid").body, first[name], name)
            self.nothing_is_told_or_changed(gatehouse)

    def test_a_web_config_that_is_none_is_refused_at_once(self):
        gatehouse = Gatehouse({name: "" for name in WEB_CONFIG})  # never started: its folders are what is needed
        for name, script in WEB_CONFIG.items():
            with self.subTest(name):
                gatehouse.user_does(name, script)
                done = subprocess.run([harness.BINARY, "host", str(gatehouse.directory / name)], capture_output=True, text=True,
                                      timeout=harness.PATIENCE, check=False, cwd=gatehouse.directory)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn("web.config", done.stderr)
                self.assertNotIn(SECRET, done.stdout + done.stderr)
        self.assertEqual(gatehouse.what_is_roots(), gatehouse.before)


@unittest.skipUnless(os.geteuid() == 0, "needs root")
class Sockets(Case):
    """A confused deputy: the app's socket leads to one that Gatehouse may reach and the app's user may not."""

    KEYS = 'transport = "socket"\nstart = "eager"\n'

    def socket_of(self, gatehouse):
        """Where the ready instance listens. No request has been there, so that no connection is kept either."""
        def found():
            endpoints = next(one for one in gatehouse.status()["upstreams"] if one["name"] == "web")["endpoints"]
            return endpoints and endpoints[0]["address"]
        address = harness.wait_until(found, "an instance is ready")
        return pathlib.Path(address.removeprefix("unix:"))

    def gets_nothing(self, gatehouse, recorder):
        expected = 0
        for protocol in harness.PROTOCOLS:
            for body in (None, b"secret body"):
                answer = gatehouse.curl(protocol, "/web/secret", "--header", "Authorization: secret", body=body)
                expected += 1
                self.assertEqual(answer.status, 502, answer.error)
                self.assertIn("error=destination_unavailable", answer.fields["proxy-status"])
                self.assertIn("foreign_listener", answer.fields["proxy-status"])
                harness.wait_until(lambda: recorder.connections >= expected, "it was connected to, and the connection closed")
                self.others_are_served(gatehouse)
        self.assertEqual(recorder.bytes, b"")
        self.assertEqual(gatehouse.metric(r'^gatehouse_faults_total{fault="foreign_listener",blame="upstream"}'), expected)
        self.assertEqual(gatehouse.metric(r'^gatehouse_upstream_connects_total{.*result="foreign_listener"'), expected)
        lines = gatehouse.access_log(expected, lambda line: line["path"].startswith("/web"))
        self.assertEqual({line["fault"] for line in lines}, {"foreign_listener"})

    def test_a_link_to_a_socket_of_roots_gets_no_byte(self):
        with Gatehouse({"web": self.KEYS}) as gatehouse, Recorder(gatehouse.directory / "docker.sock") as recorder:
            place = self.socket_of(gatehouse)
            gatehouse.user_does("web", 'rm "$1"; ln -s "$2" "$1"', place, gatehouse.directory / "docker.sock")
            self.gets_nothing(gatehouse, recorder)
            gatehouse.must("recycle")
            harness.wait_until(lambda: gatehouse.ask_as("web", "/pid").status == 200, "an honest instance serves again")
            self.assertEqual(recorder.bytes, b"")

    def test_another_user_who_listens_in_its_place_gets_no_byte(self):
        with Gatehouse({"web": self.KEYS}) as gatehouse:
            place = self.socket_of(gatehouse)
            gatehouse.user_does("web", 'rm "$1"', place)
            with Recorder(place) as recorder:
                os.chmod(place, 0o777)
                self.gets_nothing(gatehouse, recorder)

    def test_a_checked_instance_that_turns_into_another_is_replaced(self):
        keys = self.KEYS + 'health = {{ path = "/ready", interval = "300ms", timeout = "300ms" }}'
        with Gatehouse({"web": keys}) as gatehouse, Recorder(gatehouse.directory / "docker.sock") as recorder:
            place = self.socket_of(gatehouse)
            gatehouse.user_does("web", 'rm "$1"; ln -s "$2" "$1"', place, gatehouse.directory / "docker.sock")
            gatehouse.await_message("web#0 is unhealthy: foreign_listener")
            harness.wait_until(lambda: gatehouse.ask_as("web", "/pid").status == 200, "another instance serves")
            self.assertGreater(recorder.connections, 0)
            self.assertEqual(recorder.bytes, b"")

    def test_one_that_never_listens_itself_is_never_ready(self):
        command = '["sh", "-c", "ln -s {directory}/docker.sock $SOCKET; exec sleep 600"]'
        keys = self.KEYS + 'ready_path = "/containers/json"\nprofile = "aspnetcore"\n'
        gatehouse = Gatehouse({"web": keys}, command)
        with Recorder(gatehouse.directory / "docker.sock") as recorder, gatehouse:
            answer = gatehouse.ask_as("web")
            self.assertEqual(answer.status, 503)
            self.assertIn("app_start_failed", answer.fields["proxy-status"])
            self.assertRegex(gatehouse.app_line(), "another user than nobody listens on its socket")
            self.assertGreaterEqual(gatehouse.metric(r'^gatehouse_app_starts_total{app="web",reason="foreign_listener"}'), 1)
            self.others_are_served(gatehouse)
            harness.wait_until(lambda: recorder.connections > 0, "it was connected to, and the connection closed")
            self.assertEqual(recorder.bytes, b"")


if __name__ == "__main__":
    harness.main()
