"""Signals that mean nothing to Gatehouse: each would end a process that does not know it, and here none ends anything."""

import concurrent.futures
import os
import signal
import unittest

import harness

# What tells of a fault, stops the process, is for a debugger, or means something (SIGHUP, SIGUSR1, those that end).
OTHERS = {"SIGKILL", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGCONT", "SIGTRAP", "SIGABRT", "SIGIOT", "SIGBUS", "SIGFPE",
          "SIGILL", "SIGSEGV", "SIGSYS", "SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR1"}
STRAY = sorted({*(int(one) for one in signal.Signals if one.name not in OTHERS), *range(signal.SIGRTMIN, signal.SIGRTMAX + 1)})


class StraySignals(unittest.TestCase):
    def test_under_load_all_of_them_end_nothing(self):
        self.assertIn(signal.SIGALRM, STRAY)
        with harness.backend() as backend, harness.Gatehouse(harness.simple(backend.port)) as gatehouse:
            with concurrent.futures.ThreadPoolExecutor() as pool:
                asked = [pool.submit(gatehouse.curl, protocol, "/slow/500") for protocol in harness.PROTOCOLS for _ in range(4)]
                for _ in range(20):
                    for number in STRAY:
                        os.kill(gatehouse.process.pid, number)
                for one in asked:
                    self.assertEqual(one.result().status, 200)
            self.assertIsNone(gatehouse.process.poll())
            for protocol in harness.PROTOCOLS:
                self.assertEqual(gatehouse.curl(protocol, "/echo").status, 200)
            self.assertEqual(gatehouse.metric("^gatehouse_faults_total"), 0)


if __name__ == "__main__":
    harness.main()
