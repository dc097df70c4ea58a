"""The table of known attacks in README.md names tests and rows that exist."""

import pathlib
import re
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
ROW = re.compile(r'^\| ((?:CVE-)?\d{4}-\d+)[^|]*\|[^|]*\| `([^`]+)` "([^"]+)" \|$', re.MULTILINE)


class KnownAttacks(unittest.TestCase):
    def test_each_is_covered_by_a_test_that_exists(self):
        text = (HERE / "README.md").read_text(encoding="utf-8")
        rows = ROW.findall(text)
        self.assertEqual(len(rows), len(re.findall(r"^\| (?:CVE-)?\d{4}-\d+", text, re.MULTILINE)), "rows of another form")
        self.assertGreater(len(rows), 30)
        for number, file, name in rows:
            with self.subTest(number):
                path = ROOT / file if "/" in file else HERE / file
                source = path.read_text(encoding="utf-8")
                quoted = [f'"{name}"', f"def {name}(", f", {name})", f"{name}:"]
                self.assertTrue(any(form in source for form in quoted), f"{file} has no {name}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
