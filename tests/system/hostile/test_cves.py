"""The tables that say which test holds what name tests and rows that exist: the known attacks in README.md, the threat model in
deploy/guides/hardening.md."""

import pathlib
import re
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
ROW = re.compile(r'^\| ((?:CVE-)?\d{4}-\d+)[^|]*\|[^|]*\| `([^`]+)` "([^"]+)" \|$', re.MULTILINE)
TESTS = re.compile(r'`([^`]+)` "([^"]+)"')


class Tables(unittest.TestCase):
    def assert_there_is(self, file, name):
        path = ROOT / file if "/" in file else HERE / file
        source = path.read_text(encoding="utf-8")
        quoted = [f'"{name}"', f"def {name}(", f", {name})", f"{name}:"]
        self.assertTrue(any(form in source for form in quoted), f"{file} has no {name}")

    def test_each_known_attack_is_covered_by_a_test_that_exists(self):
        text = (HERE / "README.md").read_text(encoding="utf-8")
        rows = ROW.findall(text)
        self.assertEqual(len(rows), len(re.findall(r"^\| (?:CVE-)?\d{4}-\d+", text, re.MULTILINE)), "rows of another form")
        self.assertGreater(len(rows), 30)
        for number, file, name in rows:
            with self.subTest(number):
                self.assert_there_is(file, name)

    def test_each_line_of_the_threat_model_is_held_by_tests_that_exist(self):
        text = (ROOT / "deploy" / "guides" / "hardening.md").read_text(encoding="utf-8")
        section = text.partition("\n## Threat model\n")[2].partition("\n## ")[0]
        rows = [line.strip("|").split(" | ") for line in section.splitlines() if line.startswith("| ")][1:]
        self.assertGreater(len(rows), 12)
        for *who, held in rows:
            with self.subTest(" | ".join(who)):
                self.assertEqual(len(who), 3)
                tests = TESTS.findall(held)
                self.assertEqual(", ".join(f'`{file}` "{name}"' for file, name in tests), held.strip())
                for file, name in tests:
                    self.assert_there_is(file, name)


if __name__ == "__main__":
    unittest.main(verbosity=2)
