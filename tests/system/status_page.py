"""A headless browser that shows the status page, and what tests of it have in common."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import unittest

import apps
import harness

FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--remote-debugging-port=0"]
TEXT = "document.body.innerText"


class Page:
    """A page of headless Chromium, driven by Playwright in a node process of its own; use as a context manager."""

    def __init__(self, *flags):
        self.flags = flags

    def __enter__(self):
        self.profile = tempfile.mkdtemp(prefix="gatehouse-page-")
        self.browser = subprocess.Popen(["chromium", *FLAGS, *self.flags, f"--user-data-dir={self.profile}", "about:blank"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            port_file = pathlib.Path(self.profile, "DevToolsActivePort")
            port = harness.wait_until(lambda: port_file.exists() and port_file.read_text().split("\n")[0], "the browser listens")
            self.driver = subprocess.Popen(["node", str(pathlib.Path(__file__).with_name("status_page.js")), port],
                                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        except BaseException:
            self.end_browser()
            raise
        return self

    def __exit__(self, *_):
        self.driver.stdin.close()
        self.driver.wait(harness.PATIENCE)
        self.driver.stdout.close()
        self.end_browser()

    def end_browser(self):
        os.killpg(self.browser.pid, signal.SIGKILL)
        self.browser.wait()
        shutil.rmtree(self.profile, ignore_errors=True)

    def do(self, command, **more):
        self.driver.stdin.write(json.dumps({"command": command, **more}) + "\n")
        self.driver.stdin.flush()
        answer = json.loads(self.driver.stdout.readline() or '{"error": "the driver has ended"}')
        if "error" in answer:
            raise AssertionError(f"{command} {more}: {answer['error']}")
        return answer["result"]

    @contextlib.contextmanager
    def showing(self, gatehouse, width=1280, height=900, scheme="light", fragment="", scripts=True, **more):
        """The status page, until the end of the block; the browser must not have complained by then."""
        self.do("open", url=f"http://127.0.0.1:{gatehouse.admin}/status{fragment}", width=width, height=height, scheme=scheme, scripts=scripts, **more)
        try:
            if scripts:
                self.await_that("document.getElementById('summary').textContent !== ''")
            yield
            complaints = self.do("complaints") + self.get("globalThis.violations ?? []")
        finally:
            self.do("close")
        if complaints:
            raise AssertionError(f"the browser complains: {complaints}")

    def get(self, script):
        return self.do("evaluate", script=script)

    def await_that(self, script, timeout=15000):
        self.do("wait", script=script, timeout=timeout)

    def await_text(self, text, **more):
        self.await_that(f"{TEXT}.includes({json.dumps(text)})", **more)


class PageTest(unittest.TestCase):
    """Tests with a browser and a Gatehouse whose app can be made unable to start."""

    @classmethod
    def setUpClass(cls):
        if not shutil.which("chromium") or not shutil.which("node"):
            raise unittest.SkipTest("no chromium or no node")
        cls.page = Page().__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.page.__exit__()

    def gatehouse(self, more="", keys=""):
        """A hosted app `web` that can be made unable to start, behind all protocols."""
        gatehouse = apps.Gatehouse("")
        script = gatehouse.directory / "app"
        script.write_text(f"#!/bin/sh\nexec python3 -I -S {apps.FAULT_APP}\n")
        script.chmod(0o755)
        gatehouse.script = script
        gatehouse.write(harness.LISTENERS + '[[routes]]\nto = "web"\n' +
                        apps.app("web", json.dumps([str(script)]), 'start = "eager"\n' + keys) + more)
        return gatehouse
