"""The rules of deploy/prometheus: valid, complete, and right about series that must and must not fire an alert."""

import pathlib
import re
import subprocess
import unittest

import yaml

import harness
import monitoring

PROMETHEUS = monitoring.SOURCE
SERIES = pathlib.Path(__file__).with_name("rules") / "alerts_test.yml"


def promtool(*arguments):
    return subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, check=False, timeout=240)


def alerts():
    groups = yaml.safe_load((PROMETHEUS / "rules" / "alerts.yml").read_text())["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


class RulesTest(unittest.TestCase):
    def passes(self, *arguments):
        done = promtool(*arguments)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_the_configuration_and_its_rules_are_valid(self):
        self.passes("check", "config", "--lint-fatal", PROMETHEUS / "prometheus.yml")
        self.passes("check", "rules", "--lint-fatal", *(PROMETHEUS / "rules").glob("*.yml"))

    def test_alerts_fire_on_their_series_and_on_no_others(self):
        self.passes("test", "rules", SERIES)

    def test_each_alert_has_series_that_fire_it_and_series_that_do_not(self):
        seen = {}
        for case in yaml.safe_load(SERIES.read_text())["tests"]:
            for expectation in case["promql_expr_test"]:
                name, state = re.fullmatch(r'ALERTS{alertname="(\w+)",alertstate="(\w+)"}', expectation["expr"]).groups()
                self.assertEqual(state, "firing")
                self.assertTrue(case["name"].startswith(name), case["name"])
                seen.setdefault(name, set()).add(bool(expectation["exp_samples"]))
        self.assertEqual(set(seen), set(alerts()))
        for name, outcomes in seen.items():
            self.assertEqual(outcomes, {True, False}, name)

    def test_each_alert_says_how_bad_it_is_what_is_wrong_and_what_to_do(self):
        commands = subprocess.run([harness.BINARY, "--help"], capture_output=True, text=True, check=True).stdout
        for name, rule in alerts().items():
            with self.subTest(name):
                self.assertIn(rule["labels"]["severity"], ("critical", "warning"))
                self.assertEqual(set(rule["annotations"]), {"summary", "description", "runbook"})
                runbook = rule["annotations"]["runbook"]
                self.assertRegex(runbook, "`[^`]+`", "a command to begin with")
                for command in re.findall("`gatehouse ([a-z]+)", runbook):
                    self.assertRegex(commands, rf"(?m)^ +{command}\b")


if __name__ == "__main__":
    monitoring.require()
    harness.main()
