"""What apps do wrong, one test for each: the answer that clients get, the reason that operators read, and nothing left."""

import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import threading
import time
import unittest

import apps
import harness

QUICK = 'start_timeout = "600ms"\nstop_timeout = "500ms"'


def failing(name, command, keys=QUICK):
    return f'[[routes]]\npath = "/{name}"\nto = "{name}"\nstrip_prefix = true\n' + apps.app(name, command, keys)


class Starting(unittest.TestCase):
    def test_each_way_not_to_start_is_503_with_its_reason(self):
        wrong = {  # name: command, reason, what people read
            "missing": ('["./no-such-program"]', "exec_not_found", "no such file"),
            "unknown": ('["no-such-program-in-path"]', "exec_not_found", "not found in PATH"),
            "denied": ('["./denied"]', "exec_denied", "[Pp]ermission denied"),
            "interpreter": ('["./script"]', "exec_not_found", "interpreter"),
            "folder": (apps.words(), "exec_not_found", "directory .*/gone"),
            "exits": (apps.words("exit", 5), "exited", "exited with status 5"),
            "killed": ('["python3", "-c", "import os; os.kill(os.getpid(), 9)"]', "signaled", "SIGKILL"),
            "mute": (apps.words("mute"), "start_timeout", "did not listen"),
            "unready": (apps.words("unready"), "ready_failed", "503"),
        }
        def of(name, command):
            text = failing(name, command, QUICK + ('\nready_path = "/ready"' if name == "unready" else ""))
            return text.replace('"{directory}"', '"{directory}/gone"') if name == "folder" else text

        config = harness.LISTENERS + "".join(of(name, command) for name, (command, *_) in wrong.items())
        gatehouse = apps.Gatehouse(config)
        (gatehouse.directory / "gone").mkdir()
        (gatehouse.directory / "denied").write_text("#!/bin/sh\n")
        (gatehouse.directory / "script").write_text("#!/no/such/interpreter\n")
        (gatehouse.directory / "script").chmod(0o755)
        with gatehouse:
            (gatehouse.directory / "gone").rmdir()
            for name, (_, reason, text) in wrong.items():
                with self.subTest(name):
                    answer = gatehouse.ask(f"/{name}/")
                    self.assertEqual(answer.status, 503, answer.error)
                    self.assertIn("error=destination_unavailable", answer.fields["proxy-status"])
                    self.assertGreaterEqual(int(answer.fields["retry-after"]), 1)
                    self.assertGreaterEqual(gatehouse.metric(rf'^gatehouse_app_starts_total{{app="{name}",reason="{reason}"'), 1)
                    self.assertRegex(gatehouse.app_line(name), text)
                    self.assertRegex(gatehouse.log(), rf"app {name}: .*{text}")
            harness.wait_until(lambda: not gatehouse.processes(), "all of them have ended")

    def test_it_is_restarted_with_growing_pauses_and_then_parked(self):
        keys = 'start = "eager"\nrapid_fail = {{ count = 4, window = "60s" }}'
        with apps.Gatehouse(apps.hosted("exit", 3, keys=keys)) as gatehouse:
            line = gatehouse.await_state("parked")
            self.assertRegex(line, r"started again in \d+ s")
            self.assertRegex(line, "exited with status 3")
            self.assertEqual(gatehouse.metric(r"^gatehouse_app_starts_total"), 4)
            self.assertEqual(gatehouse.metric(r'^gatehouse_app_parked{app="web"}'), 1)
            for protocol in harness.PROTOCOLS:
                answer = gatehouse.curl(protocol, "/")
                self.assertEqual(answer.status, 503)
                self.assertGreater(int(answer.fields["retry-after"]), 30)
                self.assertIn("error=destination_unavailable", answer.fields["proxy-status"])
            self.assertEqual(gatehouse.access_log(3)[-1]["fault"], "app_parked")
            gatehouse.must("start")  # from the beginning: it may fail as often again
            harness.wait_until(lambda: gatehouse.metric(r"^gatehouse_app_starts_total") == 8, "four more starts")
            gatehouse.await_state("parked")
            gatehouse.file.write_text(gatehouse.file.read_text().replace('"exit", "3"', '"serve"'))
            self.assertEqual(gatehouse.control("reload").returncode, 0)
            harness.wait_until(lambda: gatehouse.ask("/pid").status == 200, "the changed app serves")

    def test_a_program_that_comes_to_be_is_started_by_command(self):
        keys = 'rapid_fail = {{ count = 1, window = "60s" }}'
        with apps.Gatehouse(harness.LISTENERS + '[[routes]]\nto = "web"\n' + apps.app("web", '["./late"]', keys)) as gatehouse:
            self.assertEqual(gatehouse.ask("/").status, 503)
            gatehouse.await_state("parked")
            (gatehouse.directory / "late").write_text(f"#!/bin/sh\nexec python3 -I -S {apps.FAULT_APP}\n")
            (gatehouse.directory / "late").chmod(0o755)
            gatehouse.must("start")
            self.assertEqual(gatehouse.ask("/pid").status, 200)

    def test_a_stolen_port_gets_no_request_and_another_is_chosen(self):
        with contextlib.ExitStack() as stack:
            ask = stack.enter_context(socket.socket(socket.AF_UNIX))
            thief = stack.enter_context(socket.socket())
            gatehouse = apps.Gatehouse(harness.LISTENERS)
            gatehouse.write(apps.hosted("thief", gatehouse.directory / "thief"))
            ask.bind(str(gatehouse.directory / "thief"))
            ask.listen()

            def steal():
                with ask.accept()[0] as app:
                    thief.bind(("127.0.0.1", int(app.recv(16))))
                    thief.listen()
                    app.sendall(b"taken")
                    app.recv(1)
                with ask.accept()[0] as app:
                    app.recv(16)
                    app.sendall(b"yours")

            stealing = threading.Thread(target=steal)
            stealing.start()
            with gatehouse:
                self.assertEqual(gatehouse.ask("/secret").status, 503)
                self.assertEqual(gatehouse.metric(r'^gatehouse_app_starts_total{.*reason="wrong_port"'), 1)
                harness.wait_until(lambda: gatehouse.ask("/pid").status == 200, "it listens elsewhere")
                stealing.join()
                with thief.accept()[0] as asked:
                    self.assertEqual(asked.recv(1), b"", "what listened there got a request")

    def test_after_a_crash_requests_outwait_a_start_that_fails(self):
        flaky = 'echo start >> starts; [ $(wc -l < starts) != 2 ] || exit 3; exec "$@"'
        command = json.dumps(["sh", "-c", flaky, "sh", *json.loads(apps.words())])
        with apps.Gatehouse(harness.LISTENERS + '[[routes]]\nto = "web"\n' + apps.app("web", command)) as gatehouse:
            first = gatehouse.pid()
            os.kill(first, signal.SIGKILL)
            for protocol in harness.PROTOCOLS:
                answer = gatehouse.curl(protocol, "/pid", body=b"x")
                self.assertEqual(answer.status, 200, answer.error)
            self.assertEqual(gatehouse.metric(r'^gatehouse_app_starts_total{.*reason="exited"'), 1)
            self.assertEqual((gatehouse.directory / "starts").read_text(), 3 * "start\n")

    def test_at_most_four_start_at_a_time_and_others_are_served(self):
        count = 24 if harness.SANITIZED else 200  # a fork of a sanitized process takes its time
        config = harness.LISTENERS + '[[routes]]\npath = "/static"\nrespond = {{ status = 200, body = "here" }}\n' + "".join(
            apps.app(f"web{n}", apps.words("slow", 20), 'start = "eager"') for n in range(count))
        with apps.Gatehouse(config) as gatehouse:
            most, slowest, ready = 0, 0.0, 0
            while ready < count:
                begin = time.monotonic()
                self.assertEqual(gatehouse.ask("/static").status, 200)
                slowest = max(slowest, time.monotonic() - begin)
                metrics = gatehouse.metrics()
                most = max(most, sum(v for k, v in metrics.items() if "app_instances" in k and 'state="starting"' in k))
                ready = sum(v for k, v in metrics.items() if "app_instances" in k and 'state="ready"' in k)
                self.assertEqual(sum(v for k, v in metrics.items() if "app_exits" in k), 0)
            self.assertLessEqual(most, 4)
            self.assertLess(slowest, 2)


@contextlib.contextmanager
def memory_group(limit):
    """A control group with so much memory, of v2 or of v1; None where none can be made."""
    for parent, key in (("", "memory.max"), ("memory", "memory.limit_in_bytes")):
        group = pathlib.Path("/sys/fs/cgroup", parent, f"gatehouse-test-{os.getpid()}")
        with contextlib.suppress(OSError):
            group.mkdir()
            if not (group / key).exists():
                group.rmdir()
                continue
            (group / key).write_text(str(limit))
            break
    else:
        yield None
        return
    try:
        yield group
    finally:
        harness.wait_until(lambda: not (group / "cgroup.procs").read_text(), "nobody is left in the group")
        group.rmdir()


class ElsewhereGatehouse(apps.Gatehouse):
    """In a namespace of processes of its own, as in a container that shares our control groups."""

    def command(self):
        return ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "unchanged", *super().command()]


class Ending(unittest.TestCase):
    def test_who_ignores_sigterm_is_killed_with_its_children(self):
        with apps.Gatehouse(apps.hosted("stubborn", keys=QUICK)) as gatehouse:
            self.assertEqual(gatehouse.ask("/pid").status, 200)
            self.assertEqual(len(gatehouse.processes()), 2)
            gatehouse.must("stop")
            gatehouse.await_message("did not stop when asked, and was killed")
            harness.wait_until(lambda: not gatehouse.processes(), "both are gone", patience=5)

    def test_one_that_lives_on_and_listens_no_more_is_replaced(self):
        for transport in ("port", "socket"):
            with self.subTest(transport), apps.Gatehouse(apps.hosted(keys=f'transport = "{transport}"')) as gatehouse:
                first = gatehouse.pid()
                self.assertEqual(gatehouse.ask("/unlisten").body, b"deaf")
                harness.wait_until(lambda: gatehouse.ask("/pid").status == 502, "one request is refused")  # one is enough
                gatehouse.await_message(r"app web: slot 0 does not listen on .* any more, and is replaced")
                self.assertNotEqual(gatehouse.pid(), first)
                harness.wait_until(lambda: len(gatehouse.processes()) == 1, "the deaf one is gone")
                self.assertEqual(gatehouse.metric(r'^gatehouse_app_exits_total{.*reason="listener_gone"'), 1)
                self.assertEqual(gatehouse.app_status()["restarts"], 1)

    def test_an_orphan_that_holds_the_port_does_not_outlive_its_app(self):
        for how in ("crash", "stop"):
            with self.subTest(how), apps.Gatehouse(apps.hosted("orphan")) as gatehouse:
                port = int(gatehouse.ask("/self").json()["environment"]["PORT"])
                before = set(gatehouse.processes())
                self.assertEqual(len(before), 2)
                leader = next(pid for pid in before if os.getsid(pid) == pid)
                if how == "crash":
                    os.kill(leader, signal.SIGKILL)
                else:
                    gatehouse.must("stop")
                harness.wait_until(lambda: not before & set(gatehouse.processes()), "both are gone", patience=5)
                harness.wait_until(lambda: harness.curl(f"http://127.0.0.1:{port}/").exit_code == 7, "the port is free", patience=5)

    def test_zombies_are_reaped(self):
        with apps.Gatehouse(apps.hosted()) as gatehouse:
            pid = gatehouse.pid()
            self.assertEqual(gatehouse.ask("/zombies/300").status, 200)
            harness.wait_until(lambda: not gatehouse.zombies() and gatehouse.processes() == [pid], "none is left", patience=10)

    def test_nothing_outlives_a_gatehouse_that_is_killed(self):
        gatehouse = apps.Gatehouse(apps.hosted(keys="instances = 2"), expect_exit=-signal.SIGKILL)
        with gatehouse:
            self.assertEqual(gatehouse.ask("/pid").status, 200)
            harness.wait_until(lambda: len(gatehouse.processes()) == 2, "both run")
            gatehouse.process.kill()
            harness.wait_until(lambda: not gatehouse.processes(), "both have ended", patience=5)

    def test_what_outlived_a_killed_gatehouse_ends_when_the_next_one_starts(self):
        first = apps.Gatehouse(apps.hosted("orphan"), expect_exit=-signal.SIGKILL)
        with first:
            self.assertEqual(first.ask("/pid").status, 200)
            harness.wait_until(lambda: len(first.processes()) == 2, "the app and its orphan run")
            groups = {pathlib.Path(f"/proc/{pid}/cgroup").read_text().rpartition("0::")[2] for pid in first.processes()}
            if not all("/app-" in group for group in groups):
                self.skipTest("no control group can be made here")
            first.process.kill()
            first.process.wait()
            with apps.Gatehouse(apps.hosted()):
                harness.wait_until(lambda: not first.processes(), "the orphan has ended", patience=5)

    def test_one_that_starts_in_another_process_namespace_ends_nobody_elses(self):
        with apps.Gatehouse(apps.hosted()) as gatehouse:
            pid = gatehouse.pid()
            with ElsewhereGatehouse(apps.hosted()) as elsewhere:
                self.assertEqual(elsewhere.ask("/pid").status, 200)
                self.assertEqual(elsewhere.control("stop").returncode, 0)
            self.assertEqual(gatehouse.pid(), pid)

    def test_descriptors_do_not_leak_over_lives(self):
        with apps.Gatehouse(apps.hosted(keys='transport = "socket"\nrapid_fail = {{ count = 0, window = "1s" }}')) as gatehouse:
            def once():
                pid = gatehouse.pid()
                gatehouse.must("stop")
                harness.wait_until(lambda: not gatehouse.processes(), f"{pid} has ended")
                gatehouse.await_state("stopped")
                gatehouse.must("start")
                gatehouse.pid()
                return gatehouse.descriptors()

            first = once()
            for _ in range(5):
                last = once()
            self.assertLessEqual(last, first + 1)
            harness.wait_until(lambda: not gatehouse.zombies(), "no zombie is left")


class Running(unittest.TestCase):
    def test_a_flood_of_output_blocks_nobody_and_grows_nothing(self):
        with apps.Gatehouse(apps.hosted("flood")) as gatehouse:
            def flooded():
                return int(gatehouse.ask("/flooded").body)

            harness.wait_until(lambda: flooded() > 32 << 20, "32 MiB of output")
            before, size = flooded(), gatehouse.resident_kib()
            harness.wait_until(lambda: flooded() > before + (96 << 20), "96 MiB more")
            self.assertLess(gatehouse.resident_kib() - size, 16 << 10)
            harness.wait_until(lambda: re.search(r"\d+ lines dropped", gatehouse.log()), "that lines were dropped")
            self.assertLess(len(gatehouse.log()), 64 << 20)

    def test_an_app_may_close_its_output(self):
        with apps.Gatehouse(apps.hosted("silent")) as gatehouse:
            pid = gatehouse.pid()
            gatehouse.await_state("serving")
            begin = os.times()
            for _ in range(20):
                self.assertEqual(gatehouse.pid(), pid)
            self.assertLess(os.times().elapsed - begin.elapsed, 10)
            stat = pathlib.Path(f"/proc/{gatehouse.process.pid}/stat").read_text().rpartition(")")[2].split()
            self.assertLess(sum(map(int, stat[11:13])) / os.sysconf("SC_CLK_TCK"), 5, "it spins on a closed pipe")

    def test_an_app_that_never_answers_is_504(self):
        with apps.Gatehouse(apps.hosted("deaf", more='[timeouts]\nresponse = "300ms"\n')) as gatehouse:
            for protocol in harness.PROTOCOLS:
                for body in (None, b"x"):
                    answer = gatehouse.curl(protocol, "/", body=body)
                    self.assertEqual(answer.status, 504, answer.error)
                    self.assertIn("error=http_response_timeout", answer.fields["proxy-status"])

    def test_an_instance_that_hangs_is_replaced_where_it_is_checked(self):
        keys = 'health = {{ path = "/ready", interval = "100ms", timeout = "300ms" }}\n' + QUICK
        with apps.Gatehouse(apps.hosted(keys=keys)) as gatehouse:
            first = gatehouse.pid()
            os.kill(first, signal.SIGSTOP)
            gatehouse.await_message("slot 0 gives no answer any more, and is replaced")
            begin = time.monotonic()
            self.assertNotEqual(gatehouse.pid(), first)
            self.assertLess(time.monotonic() - begin, 5)
            harness.wait_until(lambda: first not in gatehouse.processes(), "the one that hangs has ended")

    def test_an_instance_that_outgrows_its_memory_is_replaced(self):
        with apps.Gatehouse(apps.hosted(keys='recycle = {{ memory = "48MiB" }}')) as gatehouse:
            first = gatehouse.pid("/pid")
            self.assertEqual(gatehouse.ask("/grow/64").status, 200)
            harness.wait_until(lambda: gatehouse.pid() != first, "another process serves")
            self.assertIn("holds too much memory", gatehouse.log())

    def test_one_that_the_kernel_kills_for_want_of_memory_says_so(self):
        with memory_group(64 << 20) as group, apps.Gatehouse(apps.hosted()) as gatehouse:
            if not group:
                self.skipTest("no control group for memory can be made here")
            first = gatehouse.pid()
            (group / "cgroup.procs").write_text(str(first))
            self.assertEqual(gatehouse.ask("/grow/256", "--data", "x").status, 502)
            gatehouse.await_message("was killed by the kernel for want of memory")
            self.assertEqual(gatehouse.metric(r'^gatehouse_app_exits_total{.*reason="oom_killed"'), 1)
            self.assertNotEqual(gatehouse.pid(), first)

    def test_a_stopped_gatehouse_goes_on(self):
        with apps.Gatehouse(apps.hosted()) as gatehouse:
            pid = gatehouse.pid()
            os.kill(gatehouse.process.pid, signal.SIGSTOP)
            harness.wait_until(lambda: apps.state_of(gatehouse.process.pid) == "T", "it is stopped")
            answers = []
            asking = threading.Thread(target=lambda: answers.append(gatehouse.ask("/pid")))
            asking.start()
            asking.join(1.5)
            self.assertEqual(answers, [])
            os.kill(gatehouse.process.pid, signal.SIGCONT)
            asking.join(10)
            self.assertEqual((answers[0].status, int(answers[0].body)), (200, pid))


if __name__ == "__main__":
    harness.main()
