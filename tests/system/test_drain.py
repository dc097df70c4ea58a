"""Stopping: what runs is finished on every protocol, what is new is refused, and the exit code is 0."""

import asyncio
import signal
import subprocess
import time
import unittest

import harness
from h3_client import h3_client
from harness import PROTOCOLS


class Drain(unittest.TestCase):
    def test_requests_in_flight_are_finished_and_health_turns_first(self):
        for how in (signal.SIGTERM, signal.SIGQUIT):
            with self.subTest(how.name), harness.backend() as backend, \
                    harness.Gatehouse(harness.simple(backend.port)) as gatehouse:
                url = gatehouse.url("/slow/1500")
                running = [subprocess.Popen(["curl", "-sS", "--cacert", gatehouse.certificate, flag, "-w", "%{http_code}", url],
                                            stdout=subprocess.PIPE) for flag in PROTOCOLS.values()]
                harness.wait_until(lambda: gatehouse.metric("^gatehouse_requests_in_flight") == 3, "three in flight")
                gatehouse.process.send_signal(how)
                ready = f"http://127.0.0.1:{gatehouse.admin}/readyz"
                harness.wait_until(lambda: harness.curl(ready).status == 503, "readyz says 503")
                self.assertEqual(harness.curl(f"http://127.0.0.1:{gatehouse.admin}/healthz").status, 200)
                self.assertNotEqual(gatehouse.curl("h1", "/echo", "--connect-timeout", "2").exit_code, 0)
                for client in running:
                    self.assertEqual(client.communicate(timeout=20)[0], b"slow\n200")
                self.assertEqual(gatehouse.process.wait(20), 0)

    def test_balancers_see_it_before_clients_do(self):
        server = '[server]\nadmin = "127.0.0.1:{admin}"\ndrain_delay = "5s"\n'
        with harness.backend() as backend, harness.Gatehouse(server + harness.simple(backend.port)) as gatehouse:
            asyncio.run(self.order_of_leaving(gatehouse))
            self.assertEqual(gatehouse.process.wait(20), 0)
            log = gatehouse.log()
            self.assertLess(log.index("leaving (signal 15)"), log.index("draining (drain_delay is over)"))

    async def order_of_leaving(self, gatehouse):
        in_thread = asyncio.get_running_loop().run_in_executor
        async with h3_client(gatehouse.port, gatehouse.certificate) as client:
            self.assertEqual((await client.request("/echo"))[0], 200)
            gatehouse.process.send_signal(signal.SIGTERM)
            ready = f"http://127.0.0.1:{gatehouse.admin}/readyz"
            await in_thread(None, harness.wait_until, lambda: harness.curl(ready).status == 503, "readyz says 503")
            answers = [await in_thread(None, gatehouse.curl, protocol, "/echo") for protocol in PROTOCOLS]
            self.assertEqual((await client.request("/echo"))[0], 200)
            self.assertNotIn("draining (", gatehouse.log(), "the machine was too slow for this test")
            self.assertEqual([answer.status for answer in answers], [200] * len(PROTOCOLS))
            self.assertNotIn("close", answers[0].fields.get("connection", ""))
            await in_thread(None, gatehouse.await_message, r"draining \(")
            refused = await in_thread(None, gatehouse.curl, "h1", "/echo", "--connect-timeout", "2")
            self.assertNotEqual(refused.exit_code, 0)

    def test_a_signal_after_the_drain_command_does_not_break_anything_off(self):
        with harness.backend() as backend, harness.Gatehouse(harness.simple(backend.port)) as gatehouse:
            client = subprocess.Popen(["curl", "-sS", "--cacert", gatehouse.certificate, gatehouse.url("/slow/1500")],
                                      stdout=subprocess.PIPE)
            harness.wait_until(lambda: gatehouse.metric("^gatehouse_requests_in_flight") == 1, "one in flight")
            self.assertEqual(gatehouse.control("drain").returncode, 0)
            gatehouse.process.send_signal(signal.SIGTERM)
            self.assertEqual(client.communicate(timeout=20)[0], b"slow\n")
            self.assertEqual(gatehouse.process.wait(20), 0)

    def test_idle_connections_do_not_hold_it_up(self):
        async def idle_h3(gatehouse):
            async with h3_client(gatehouse.port, gatehouse.certificate) as client:
                self.assertEqual((await client.request("/echo"))[0], 200)
                began = time.monotonic()
                gatehouse.process.send_signal(signal.SIGTERM)
                await asyncio.get_running_loop().run_in_executor(None, gatehouse.process.wait, 20)
                return time.monotonic() - began

        with harness.backend() as backend, harness.Gatehouse(harness.simple(backend.port)) as gatehouse:
            self.assertLess(asyncio.run(idle_h3(gatehouse)), 5)

    def test_a_second_signal_forces_it(self):
        with harness.backend() as backend, harness.Gatehouse(harness.simple(backend.port), expect_exit=None) as gatehouse:
            client = subprocess.Popen(["curl", "-sS", "--cacert", gatehouse.certificate, gatehouse.url("/slow/60000")],
                                      stderr=subprocess.PIPE)
            harness.wait_until(lambda: gatehouse.metric("^gatehouse_requests_in_flight") == 1, "one in flight")
            gatehouse.process.send_signal(signal.SIGTERM)
            harness.wait_until(lambda: gatehouse.metric("^gatehouse_draining") == 1, "draining")
            began = time.monotonic()
            gatehouse.process.send_signal(signal.SIGTERM)
            gatehouse.expect_exit = gatehouse.process.wait(10)
            self.assertLess(time.monotonic() - began, 3)
            self.assertNotEqual(client.wait(10), 0)
            client.stderr.close()

    def test_the_commands_do_the_same(self):
        for command in ("stop", "drain"):
            with self.subTest(command), harness.backend() as backend, \
                    harness.Gatehouse(harness.simple(backend.port)) as gatehouse:
                self.assertEqual(gatehouse.control(command).returncode, 0)
                self.assertEqual(gatehouse.process.wait(20), 0)


if __name__ == "__main__":
    harness.main()
