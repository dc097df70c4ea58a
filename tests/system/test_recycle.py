"""Releases: recycling under load loses no request, and a release that does not get ready takes none."""

import asyncio
import re
import threading
import unittest

import apps
import harness
import load

RECYCLES = 20 if harness.SANITIZED else 100  # a fork of a sanitized process takes its time
SHORT_DRAIN = """
[server]
admin = "127.0.0.1:{admin}"
drain_timeout = "500ms"
"""


class Recycle(unittest.TestCase):
    def test_a_hundred_recycles_under_load_lose_no_request(self):
        with apps.Gatehouse(apps.hosted(keys='start = "eager"')) as gatehouse:
            gatehouse.pid()
            loads = {"h1": load.h2load(gatehouse, "/pid", "--h1", "-m1", "--rps=50"), "h2": load.h2load(gatehouse, "/pid", "--rps=50")}
            answered = asyncio.run(self.recycle_under_load(gatehouse))
            self.assertGreater(answered, RECYCLES)
            metrics = gatehouse.metrics()
            accounts = {name: load.end_h2load(process) for name, process in loads.items()}
            for name, account in accounts.items():
                self.assertNotRegex(account, r"[1-9]\d* (failed|errored|timeout)\b(?!.*started)", name)
            self.assertEqual([name for name in metrics if name.startswith("gatehouse_requests_total") and 'code="200"' not in name], [])
            self.assertEqual(sum(value for name, value in metrics.items() if name.startswith("gatehouse_faults_total")), 0)
            self.assertEqual(metrics['gatehouse_app_starts_total{app="web",reason="ok"}'], RECYCLES + 1)
            harness.wait_until(lambda: len(gatehouse.processes()) == 1, "one process is left")

    async def recycle_under_load(self, gatehouse):
        stopped = asyncio.Event()
        asking = asyncio.create_task(load.ask_until(stopped, gatehouse, "/pid"))
        loop = asyncio.get_running_loop()
        # Who asks may have its answer before the line of the first start is read.
        await loop.run_in_executor(None, gatehouse.await_message, "is ready after")
        for _ in range(RECYCLES):
            seen = len(gatehouse.messages)
            await loop.run_in_executor(None, gatehouse.must, "recycle")
            await loop.run_in_executor(None, lambda: gatehouse.await_message("is ready after", after=seen))
            self.assertFalse(asking.done(), "the h3 client has failed")
        stopped.set()
        return await asking

    def test_it_is_the_same_wherever_the_app_listens(self):
        for transport in ("socket", "inherit"):
            with self.subTest(transport), apps.Gatehouse(apps.hosted(keys=f'transport = "{transport}"')) as gatehouse:
                gatehouse.pid()
                asking = load.h2load(gatehouse, "/pid", "--rps=50")
                for _ in range(10):
                    seen = len(gatehouse.messages)
                    gatehouse.must("recycle")
                    gatehouse.await_message("is ready after", after=seen)
                harness.wait_until(lambda: gatehouse.metric('^gatehouse_requests_total{.*code="200"') > 20, "requests are served")
                # Before it is told to end: what is under way then has nobody to answer to.
                self.assertEqual(gatehouse.metric('^gatehouse_requests_total{.*code="[345]'), 0)
                account = load.end_h2load(asking)
                self.assertNotRegex(account, r"[1-9]\d* (failed|errored|timeout)\b(?!.*started)")
                harness.wait_until(lambda: len(gatehouse.processes()) == 1, "one process is left")

    def test_what_is_under_way_is_finished_by_the_old_process(self):
        with apps.Gatehouse(apps.hosted()) as gatehouse:
            first = gatehouse.pid()
            answers = []
            asking = [threading.Thread(target=lambda p=p: answers.append(gatehouse.curl(p, "/stream/600"))) for p in harness.PROTOCOLS]
            for thread in asking:
                thread.start()
            gatehouse.await_in_flight(3)
            gatehouse.must("recycle")
            harness.wait_until(lambda: gatehouse.pid() != first, "the new one serves")
            self.assertIn(first, gatehouse.processes())
            for thread in asking:
                thread.join()
            self.assertEqual([(a.status, len(a.body)) for a in answers], [(200, 6000)] * 3)
            harness.wait_until(lambda: first not in gatehouse.processes(), "the old one has ended")

    def test_what_takes_longer_than_draining_may_is_cut_and_not_passed_on_as_complete(self):
        with apps.Gatehouse(SHORT_DRAIN + apps.hosted()) as gatehouse:
            first = gatehouse.pid()
            answers = []
            asking = [threading.Thread(target=lambda p=p: answers.append(gatehouse.curl(p, "/stream/1000"))) for p in harness.PROTOCOLS]
            for thread in asking:
                thread.start()
            gatehouse.await_in_flight(3)
            gatehouse.must("recycle")
            for thread in asking:
                thread.join()
            self.assertNotIn(0, [a.exit_code for a in answers])
            harness.wait_until(lambda: first not in gatehouse.processes(), "the old one has ended")
            self.assertEqual(gatehouse.ask("/pid").status, 200)

    def test_recycles_on_top_of_each_other_come_to_one_process(self):
        with apps.Gatehouse(apps.hosted("slow", 100)) as gatehouse:
            first = gatehouse.pid()
            for _ in range(10):
                gatehouse.must("recycle")
                self.assertEqual(gatehouse.ask("/pid").status, 200)
            harness.wait_until(lambda: len(now := gatehouse.processes()) == 1 and first not in now, "one process is left")
            self.assertEqual(gatehouse.metric(r'^gatehouse_requests_total{.*code="[345]'), 0)

    def test_an_app_that_goes_from_the_file_finishes_what_it_has(self):
        more = '[[routes]]\npath = "/static"\nrespond = {{ status = 200, body = "here" }}\n'
        with apps.Gatehouse(apps.hosted(more=more)) as gatehouse:
            gatehouse.pid()
            answers = []
            asking = threading.Thread(target=lambda: answers.append(gatehouse.ask("/stream/60")))
            asking.start()
            gatehouse.await_in_flight(1)
            text = gatehouse.file.read_text()
            gatehouse.file.write_text(text[:text.index('[[routes]]\nto = "web"')] + text[text.index('[[routes]]\npath = "/static"'):])
            done = gatehouse.control("reload")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(gatehouse.ask("/pid").status, 404)
            asking.join()
            self.assertEqual((answers[0].status, len(answers[0].body)), (200, 600))
            harness.wait_until(lambda: not gatehouse.processes(), "its process has ended")
            gatehouse.file.write_text(text)
            self.assertEqual(gatehouse.control("reload").returncode, 0)
            self.assertEqual(gatehouse.ask("/pid").status, 200)

    def test_a_broken_release_never_takes_traffic(self):
        broken = {"ends at once": ('"exit", "9"', ""), "never listens": ('"mute"', ""), "never ready": ('"unready"', 'ready_path = "/ready"\n')}
        for name, (mode, more) in broken.items():
            keys = 'start_timeout = "700ms"\ninstances = 2\n' + more
            with self.subTest(name), apps.Gatehouse(apps.hosted("serve", "one", keys=keys)) as gatehouse:
                self.assertEqual(gatehouse.ask("/release").body, b"one")
                harness.wait_until(lambda: gatehouse.metric('^gatehouse_app_instances.*state="ready"') == 2, "both are ready")
                before = set(gatehouse.processes())
                good = gatehouse.file.read_text()
                gatehouse.file.write_text(good.replace('"serve", "one"', mode))
                self.assertEqual(gatehouse.control("reload").returncode, 0)
                harness.wait_until(lambda: gatehouse.metric("^gatehouse_app_recycle_failed") == 1, "the recycle has failed")
                for protocol in harness.PROTOCOLS:
                    self.assertEqual(gatehouse.curl(protocol, "/release").body, b"one")
                self.assertRegex(gatehouse.app_line(), "^serving.*RECYCLE FAILED")
                harness.wait_until(lambda: set(gatehouse.processes()) == before, "only the old ones are left")
                gatehouse.file.write_text(good.replace('"serve", "one"', '"serve", "two"'))
                self.assertEqual(gatehouse.control("reload").returncode, 0)
                harness.wait_until(lambda: gatehouse.ask("/release").body == b"two", "the repaired release serves")
                harness.wait_until(lambda: gatehouse.metric("^gatehouse_app_recycle_failed") == 0, "all is well")
                self.assertEqual(gatehouse.metric(r'^gatehouse_requests_total{.*code="[345]'), 0)

    def test_changed_files_recycle_it(self):
        gatehouse = apps.Gatehouse(apps.hosted(keys='recycle = {{ on_change = ["deployed"] }}'))
        with gatehouse:
            first = gatehouse.pid()
            (gatehouse.directory / "deployed").write_text("now")
            harness.wait_until(lambda: gatehouse.pid() != first, "another process serves")
            self.assertIn("files have changed", gatehouse.log())

    def test_a_swapped_release_recycles_it_and_the_old_one_does_not(self):
        gatehouse = apps.Gatehouse(apps.hosted(keys='recycle = {{ on_change = ["current/**/*.py"] }}\noutput = "file:current/web.log"'))
        for release in ("1", "2"):
            (gatehouse.directory / release / "lib").mkdir(parents=True)
            (gatehouse.directory / release / "lib/app.py").write_text(release)

        def point_to(release):
            (gatehouse.directory / "draft").symlink_to(release)
            (gatehouse.directory / "draft").rename(gatehouse.directory / "current")

        def recycles():
            return sum("files have changed" in line for line in gatehouse.messages)

        point_to("1")
        with gatehouse:
            gatehouse.pid()
            point_to("2")
            gatehouse.await_message("files have changed: .*/current/$")
            (gatehouse.directory / "1/lib/app.py").write_text("old")
            gatehouse.ask("/say/hello")
            (gatehouse.directory / "2/lib/app.py").write_text("new")
            gatehouse.await_message("files have changed: .*/current/lib/app.py")
            self.assertEqual(recycles(), 2)

    def test_an_instance_is_replaced_after_its_requests_or_its_time(self):
        for keys, why in (("requests = 5", "it has had its requests"), ('every = "1s"', "it is old")):
            with self.subTest(why), apps.Gatehouse(apps.hosted(keys=f"recycle = {{{{ {keys} }}}}")) as gatehouse:
                first = gatehouse.pid()
                harness.wait_until(lambda: gatehouse.pid() != first, "another process serves")
                self.assertTrue(re.search(f"slot 0 is being replaced: {why}", gatehouse.log()))


if __name__ == "__main__":
    harness.main()
