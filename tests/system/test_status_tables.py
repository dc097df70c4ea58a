"""The tables of the status page in a real browser: what is shown of many things, how it is written, and how it holds still."""

import datetime

import harness
from status_page import PageTest, TEXT

DEAD = '[[routes]]\npath = "/dead"\nto = "dead"\n[upstreams.dead]\nendpoints = ["127.0.0.1:1"]\n'


class Tables(PageTest):
    """What is shown of many things, and how it holds still."""

    def many(self, count):
        """`count` upstreams, t00 and so on, whose endpoints refuse whoever asks; nobody has asked yet."""
        dead = "".join(f'[[routes]]\npath = "/t{i:02}"\nto = "t{i:02}"\n[upstreams.t{i:02}]\nendpoints = ["127.0.0.1:1"]\n' for i in range(count))
        return self.gatehouse(dead)

    def rows(self):
        """The names of the upstreams that are shown, in their order."""
        return self.page.get("[...document.querySelectorAll('#upstream-table tbody:not(.fold) .name')].map(one => one.textContent)")

    def test_healthy_upstreams_are_folded_and_the_others_are_on_top(self):
        with self.many(40) as gatehouse:
            for failing in ("t17", "t33"):
                self.assertEqual(gatehouse.ask(f"/{failing}").status, 502)
            with self.page.showing(gatehouse):
                self.page.await_that("document.querySelectorAll('#upstream-table .mark.critical').length === 2")
                self.assertEqual(self.rows(), ["t17", "t33", "t00", "t01", "t02", "t03", "t04", "t05", "t06", "t07"])
                self.assertEqual(self.page.get("document.querySelector('#upstream-table .fold button').textContent"), "30 healthy, show")
                self.assertEqual(self.page.get("document.getElementById('upstreams-count').textContent"), "40 upstreams")
                self.page.get("document.querySelector('#upstream-table .fold button').click()")
                self.assertEqual(len(self.rows()), 40)
                self.page.get("document.querySelector('#upstream-table .fold button').click()")
                self.assertEqual(len(self.rows()), 10)

    def test_the_filter_narrows_all_tables_and_is_kept_in_the_address(self):
        with self.many(30) as gatehouse:
            self.assertEqual(gatehouse.ask("/t21").status, 502)
            harness.wait_until(lambda: gatehouse.status()["faults"], "the fault")
            with self.page.showing(gatehouse):
                self.page.do("press", key="/")
                self.page.do("type", text="T2")
                self.assertEqual(self.rows(), [f"t{i}" for i in (21, 20, 22, 23, 24, 25, 26, 27, 28, 29)])
                self.assertEqual(self.page.get("document.getElementById('upstreams-count').textContent"), "10 of 30 upstreams")
                self.assertEqual(self.page.get("document.getElementById('routes-count').textContent"), "10 of 31 routes")
                self.assertEqual(self.page.get("document.getElementById('faults-count').textContent"), "1 of 1 fault")
                self.assertEqual(self.page.get("document.getElementById('apps-empty').innerText"), "None of them passes the filter.")
                self.assertEqual(self.page.get("location.hash"), "#q=T2")
                self.page.do("type", text=" failing")
                self.assertEqual(self.rows(), ["t21"])
                self.assertEqual(self.page.get("location.hash"), "#q=T2%20failing")
            with self.page.showing(gatehouse, fragment="#q=T2%20failing"):
                self.assertEqual(self.rows(), ["t21"])
                self.assertEqual(self.page.get("document.getElementById('filter').value"), "T2 failing")
                self.page.get("void ($('filter').value = '')".replace("$", "document.getElementById"))
                self.page.get("document.getElementById('filter').dispatchEvent(new Event('input'))")
                self.assertEqual((len(self.rows()), self.page.get("location.hash")), (10, ""))

    def test_at_most_four_causes_each_leads_to_its_row(self):
        with self.many(30) as gatehouse:
            for i in range(20, 27):
                self.assertEqual(gatehouse.ask(f"/t{i}").status, 502)
            with self.page.showing(gatehouse):
                self.page.await_text("Serving, 7 things need attention")
                self.assertEqual(self.page.get("document.querySelectorAll('#reasons li').length"), 4)
                self.assertEqual(self.page.get("document.getElementById('more-reasons').textContent"), "and 3 more")
                self.page.get("document.getElementById('more-reasons').click()")
                self.assertEqual(self.page.get("document.querySelectorAll('#reasons li').length"), 7)
                self.page.do("press", key="/")
                self.page.do("type", text="t03")
                self.page.get("document.querySelectorAll('#reasons a')[1].click()")
                self.page.await_that("document.activeElement.id === 'upstream:t21'")
                self.assertEqual(self.page.get("location.hash"), "#upstream:t21")  # the filter would have hidden it

    def test_two_hundred_upstreams_are_a_bounded_page_that_is_updated_in_place(self):
        endpoints = ", ".join(f'"127.0.0.1:{port}"' for port in range(1, 6))
        more = "".join(f'[[routes]]\npath = "/t{i}"\nto = "t{i}"\n[upstreams.t{i}]\nendpoints = [{endpoints}]\n' for i in range(200))
        with self.gatehouse(more) as gatehouse:
            with self.page.showing(gatehouse):
                self.assertLess(self.page.get("document.querySelectorAll('*').length"), 2500)
                self.page.get("void [...document.querySelectorAll('.fold button')].forEach(button => button.click())")
                self.assertEqual(self.page.get("document.querySelectorAll('#upstream-table tbody:not(.inner, .fold)').length"), 200)
                self.page.get("void (globalThis.kept = [...document.querySelectorAll('main *')])")
                self.updates(3)
                self.assertEqual(self.page.get("kept.filter(one => !one.isConnected).length + document.querySelectorAll('main *').length - kept.length"), 0)

    def updates(self, count):
        """Waits for so many events."""
        for _ in range(count):
            self.page.get("void (globalThis.before = document.querySelector('#spark-requests').ariaLabel + document.getElementById('summary').textContent)")
            self.page.await_that("document.querySelector('#spark-requests').ariaLabel + document.getElementById('summary').textContent !== before")

    def test_nothing_moves_when_values_change(self):
        with harness.backend() as backend, self.gatehouse(
                f'[[routes]]\npath = "/pool"\nto = "pool"\n[upstreams.pool]\nendpoints = ["127.0.0.1:{backend.port}"]\n') as gatehouse:
            with self.page.showing(gatehouse, height=2500):
                self.updates(1)
                self.page.get("void (shifts.length = 0)")
                for requests in (1, 30, 120):
                    for _ in range(requests):
                        self.assertEqual(gatehouse.ask("/pool").status, 200)
                    self.updates(1)
                self.page.await_that("document.querySelector('#upstream-table [data-f=p99]').textContent !== '–'")
                self.assertLess(self.page.get("shifts.reduce((sum, one) => sum + one.value, 0)"), 0.001)

    def test_rates_durations_and_memory_stand_in_the_tables(self):
        with self.gatehouse() as gatehouse:
            for _ in range(25):
                self.assertEqual(gatehouse.ask("/pid").status, 200)
            with self.page.showing(gatehouse):
                cells = "[...document.querySelectorAll('#app-table tbody')].map(row => Object.fromEntries(" \
                        "[...row.querySelectorAll('[data-f]')].map(cell => [cell.dataset.f, cell.textContent])))"
                self.page.await_that(f"parseFloat({cells}[0].now) > 0 && {cells}[1].p95.endsWith('s')")
                app, instance = self.page.get(cells)
                self.assertRegex(instance["memory"], r"^\d+ MiB$")
                self.assertEqual((app["errors"], app["restarts"], app["exit"]), ("0 %", "0", "–"))
                self.assertRegex(instance["facts"], r"^pid \d+ · ")
                self.assertEqual(self.page.get("document.querySelector('#route-table [data-f=p50]').textContent !== '–'"), True)


class Texts(PageTest):
    """How numbers, times and names are written."""

    def of(self, call):
        return self.page.get(f"import('/status/text.js').then(text => text.{call})")

    def test_what_is_not_seen_or_turns_text_around_is_shown_as_its_code(self):
        with self.gatehouse() as gatehouse:
            gatehouse.script.write_text("#!/bin/sh\nprintf 'a\\342\\200\\256b\\033[2J\\342\\201\\246c\\n'\nexit 3\n")
            self.assertEqual(gatehouse.app("recycle").returncode, 0)
            with self.page.showing(gatehouse):
                self.page.await_that("document.querySelector('#app-table pre').textContent === 'a\\\\u{202e}b\\\\u{1b}[2J\\\\u{2066}c'")
                self.assertEqual(self.of("plain('gr\u00fc\u00df \u05d0 \u200b\ud800')"), "grüß א \\u{200b}\\u{d800}")
                self.assertEqual(self.page.get(r"/[\p{Cf}\x00-\x08\x0e-\x1f\x7f-\x9f\u2028\u2029]/u.test(document.body.innerText)"), False)

    def test_one_is_not_two(self):
        with self.gatehouse() as gatehouse:
            with self.page.showing(gatehouse):
                self.assertEqual(self.of("plural(1, 'request')"), "1 request")
                self.assertEqual([self.of(f"plural({n}, 'request')") for n in (0, 2, 12345)], ["0 requests", "2 requests", "12 k requests"])
                self.assertEqual(self.page.get("document.getElementById('apps-count').textContent"), "1 app")
                self.assertEqual(self.page.get("document.getElementById('listeners-count').textContent"), "2 listeners")
                self.assertIn("1 worker ·" if gatehouse.status()["program"]["workers"] == 1 else "workers ·",
                              self.page.get("document.getElementById('summary').textContent"))

    def test_times_are_the_viewers_with_their_zone_and_their_age(self):
        with self.gatehouse(DEAD) as gatehouse:
            self.assertEqual(gatehouse.ask("/dead").status, 502)
            fault = harness.wait_until(lambda: gatehouse.status()["faults"], "the fault")[0]
            for zone, hours in (("Asia/Kolkata", 5.5), ("America/Phoenix", -7)):
                local = datetime.datetime.fromisoformat(fault["time"]) + datetime.timedelta(hours=hours)
                with self.page.showing(gatehouse, zone=zone):
                    shown = self.page.get("document.querySelector('#fault-table tbody time').textContent")
                    self.assertTrue(shown.endswith(f"{local:%H:%M:%S}"), (shown, zone))
                    self.assertRegex(self.page.get("document.querySelector('#fault-table .age').textContent"), r"^\d+ (s|min) ago$")
                    self.assertEqual(self.page.get("document.getElementById('when').textContent"),
                                     {"Asia/Kolkata": "Last at, GMT+5:30", "America/Phoenix": "Last at, MST"}[zone])
                    self.assertRegex(self.page.get("document.getElementById('in-force').textContent"), r"\d\d:\d\d:\d\d \S+ \(.* ago\)$")
                    self.assertNotIn("UTC", self.page.get(TEXT))

    def test_clock_times_in_sentences_are_of_the_last_day(self):
        with self.gatehouse() as gatehouse:
            with self.page.showing(gatehouse, zone="Asia/Kolkata"):
                now = "new Date('2026-01-31T20:00:00Z')"
                self.assertEqual(self.of(f"at_home('refused at 19:59:00 UTC', {now})"), "refused at 01:29:00 GMT+5:30")
                self.assertEqual(self.of(f"at_home('99:99:99 UTC', {now})"), "99:99:99 UTC")
                self.assertEqual(self.of(f"moment(new Date('2026-01-31T17:00:00Z'), {now})"), "2026-01-31 22:30:00 GMT+5:30 (3 h 0 min ago)")

    def test_without_scripts_it_says_where_the_same_is(self):
        with self.gatehouse() as gatehouse:
            with self.page.showing(gatehouse, scripts=False):
                self.assertEqual(self.page.get("[...document.querySelectorAll('noscript a')].map(link => link.getAttribute('href'))"),
                                 ["/status.txt", "/status.json"])
                self.assertIn("The live page needs its script", self.page.get(TEXT))
            text = harness.curl(f"http://127.0.0.1:{gatehouse.admin}/status.txt")
            self.assertEqual((text.status, text.fields["content-type"]), (200, "text/plain; charset=utf-8"))
            self.assertIn("req/s", text.body.decode())


if __name__ == "__main__":
    harness.main()
