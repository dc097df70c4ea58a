"""The status page in a real browser: what it shows, live, of hostile names too, for all eyes, keyboards and widths."""

import json
import os
import signal
import time

import apps
import harness
from status_page import PageTest, TEXT

EVIL = "<script>alert(1)</script><svg/onload=alert(2)>"
INJECTED = "document.querySelectorAll('main script, main :not(.spark):is(svg), main [onload]').length"
STRUCTURAL = {"time", "expires", "in_force_since", "started"}  # what the page reads as a time


def hostile(value, key=""):
    """The same with every text that a name or a program could have made."""
    if isinstance(value, dict):
        return {name: hostile(one, name) for name, one in value.items()}
    if isinstance(value, list):
        return [hostile(one, key) for one in value]
    return EVIL if isinstance(value, str) and key not in STRUCTURAL else value


class StatusPage(PageTest):
    def test_it_answers_at_a_glance(self):
        dead = harness.free_port()
        with harness.backend() as backend, self.gatehouse(
                f'[[routes]]\npath = "/pool"\nto = "pool"\n[upstreams.pool]\nendpoints = ["127.0.0.1:{backend.port}"]\n'
                f'[[routes]]\npath = "/dead"\nto = "dead"\n[upstreams.dead]\nendpoints = ["127.0.0.1:{dead}"]\n') as gatehouse:
            pid = gatehouse.pid()
            for protocol in harness.PROTOCOLS:
                self.assertEqual(gatehouse.curl(protocol, "/pool").status, 200)
            self.assertEqual(gatehouse.ask("/dead").status, 502)
            request = gatehouse.access_log(1, lambda line: line["fault"])[0]["id"]
            with self.page.showing(gatehouse):
                for text in (f"process {gatehouse.process.pid}", "configuration 1", f"127.0.0.1:{backend.port}", f"pid {pid}",
                             f"127.0.0.1:{dead}", "connect_refused", "*/dead", request, "localhost", "in 9 days",
                             f"https://:{gatehouse.port}", str(gatehouse.file), "h1", "h2", "h3", "p99"):
                    self.page.await_text(text)
                self.assertRegex(self.page.get("document.getElementById('headline').textContent"), "^Serving, .* attention$")
                self.page.await_that("parseFloat(document.getElementById('rps').textContent) > 0")
                self.page.await_that("document.querySelector('#spark-requests .line').getAttribute('d').startsWith('M')")

    def test_an_app_that_is_killed_for_good_shows_within_two_seconds_and_why(self):
        with self.gatehouse() as gatehouse:
            pid = gatehouse.pid()
            with self.page.showing(gatehouse):
                self.page.await_text("Serving, all is well")
                gatehouse.script.unlink()
                os.kill(pid, signal.SIGKILL)
                killed = time.monotonic()
                self.page.await_that("document.querySelector('#reasons .critical')?.innerText.includes('app web')", timeout=5000)
                self.page.await_that("/No such file|not found|cannot be started/i.test(document.querySelector('#app-table .note').innerText)",
                                     timeout=5000)
                self.assertLess(time.monotonic() - killed, 2)
                self.assertEqual(self.page.get("document.querySelector('#app-table .mark').className"), "mark critical")

    def test_hostile_names_are_text(self):
        gatehouse = self.gatehouse(f'[[routes]]\nhosts = ["a.example"]\npath = "/x"\nredirect = "https://b.example/{EVIL}"\n')
        gatehouse.script.write_text(f"#!/bin/sh\nprintf '%s\\n' '{EVIL}'\nexit 3\n")
        with gatehouse:
            with self.page.showing(gatehouse):
                self.page.await_that("document.querySelector('#app-table details:not([hidden])')")
                self.page.get("void (document.querySelector('#app-table details').open = true)")
                self.page.await_that(f"document.querySelector('#app-table pre').textContent.includes({json.dumps(EVIL)})")
                self.page.await_that(f"document.getElementById('route-table').textContent.includes({json.dumps(EVIL)})")
                self.assertEqual(self.page.get(INJECTED), 0)
                self.page.await_that("document.querySelector('#app-table details').open")  # stays so from event to event

    def test_whatever_the_stream_says_is_text(self):
        with self.gatehouse(f'[[routes]]\npath = "/dead"\nto = "dead"\n[upstreams.dead]\nendpoints = ["127.0.0.1:1"]\n') as gatehouse:
            self.assertEqual(gatehouse.ask("/dead").status, 502)
            status = harness.wait_until(lambda: (s := gatehouse.status())["faults"] and s, "the fault")
            stream = f"data: {json.dumps(hostile(status))}\n\n"
            with self.page.showing(gatehouse, events=stream):
                self.assertGreater(self.page.get(f"document.body.textContent.split({json.dumps(EVIL)}).length"), 25)
                self.assertEqual(self.page.get(INJECTED), 0)
                self.assertNotIn("undefined", self.page.get(TEXT))

    def test_a_lost_connection_is_told_and_made_again(self):
        with self.gatehouse() as gatehouse:
            with self.page.showing(gatehouse):
                os.kill(gatehouse.process.pid, signal.SIGSTOP)
                try:
                    self.page.await_text("The connection is lost")
                    self.assertTrue(self.page.get("document.body.classList.contains('stale')"))
                finally:
                    os.kill(gatehouse.process.pid, signal.SIGCONT)
                self.page.await_that("document.getElementById('lost').hidden && document.getElementById('live').textContent === 'live'")

    def test_it_fits_a_narrow_screen(self):
        name = "upstream-" + "x" * 50
        with self.gatehouse(f'[[routes]]\npath = "/{"y" * 80}"\nto = "{name}"\n[upstreams.{name}]\nendpoints = ["127.0.0.1:1"]\n') as gatehouse:
            self.assertEqual(gatehouse.ask("/" + "y" * 80).status, 502)
            for scheme in ("light", "dark"):
                with self.page.showing(gatehouse, width=360, height=740, scheme=scheme):
                    self.page.await_text("connect_refused")
                    self.assertEqual(self.page.get("document.documentElement.scrollWidth"), 360)
                    beyond = "[...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > 360.5" \
                             " && !e.closest('.unseen, thead')).map(e => e.outerHTML.slice(0, 100))"
                    self.assertEqual(self.page.get(beyond), [])

    def test_the_keyboard_goes_through_it_in_order_and_focus_is_seen(self):
        gatehouse = self.gatehouse()
        gatehouse.script.write_text("#!/bin/sh\necho last words\nexit 3\n")
        with gatehouse:
            with self.page.showing(gatehouse):
                self.page.await_that("document.querySelector('#app-table details:not([hidden])')")
                seen = []
                for _ in range(12):
                    self.page.do("press", key="Tab")
                    seen.append(self.page.get("[document.activeElement.innerText.trim(), getComputedStyle(document.activeElement).outlineStyle]"))
                names = [name for name, _ in seen]
                self.assertEqual(names[0], "Skip to the status")
                self.assertEqual(names[1:8], ["Gatehouse", "Traffic", "Apps", "Routes", "Listeners", "Faults", "Configuration"])
                self.assertEqual(names[8:], ["", "app web", "Its last output", "/status.json"])  # the first is the filter
                self.assertEqual({style for _, style in seen}, {"solid"})
                self.page.get("document.querySelector('summary').focus()")
                self.page.do("press", key="Enter")
                self.page.await_text("last words")

    def test_structure_contrast_and_motion(self):
        with self.gatehouse() as gatehouse:
            for scheme in ("light", "dark"):
                with self.page.showing(gatehouse, scheme=scheme, motion="reduce"):
                    self.assertEqual(self.page.get("document.querySelectorAll('main').length"), 1)
                    self.assertEqual(self.page.get("document.querySelectorAll('h1').length"), 1)
                    self.assertEqual(self.page.get("[...document.querySelectorAll('main > section')].filter(s => !s.getAttribute('aria-labelledby')).length"), 0)
                    self.assertEqual(self.page.get("getComputedStyle(document.getElementById('live'), '::before').animationName"), "none")
                    self.assertEqual(self.page.get(CONTRAST), [])


# Pairs of text and ground that WCAG 2 would not accept for small text (4.5 to 1).
CONTRAST = """(() => {
  const style = getComputedStyle(document.documentElement);
  const luminance = name => {
    const hex = style.getPropertyValue(name).trim().slice(1);
    const parts = [0, 2, 4].map(i => parseInt(hex.slice(i, i + 2), 16) / 255);
    const [r, g, b] = parts.map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const pairs = [];
  for (const text of ['--ink', '--muted', '--accent', '--warning', '--critical', '--good']) {
    for (const ground of ['--ground', '--card', '--hover']) pairs.push([text, ground]);
  }
  pairs.push(['--warning', '--warning-wash']);
  return pairs.filter(([a, b]) => {
    const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return !((light + 0.05) / (dark + 0.05) >= 4.5);
  });
})()"""


if __name__ == "__main__":
    harness.main()
