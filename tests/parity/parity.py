#!/usr/bin/env python3
"""Writes proxy/PARITY.md from what the tests say: which feature works over which protocol.

features.toml puts the rows of the scenario tables (tests/flow) under features, and other tests where a protocol has some
of its own. They are run, and each cell of the table is what came out. A feature without a passed test over a protocol is a
hole, and so are a row that failed and one that belongs to no feature. Where the configuration refuses a feature on a
protocol, features.toml says why and which test sees it refused; that test is run too.

    tests/parity/parity.py --flow PROGRAM --unit PROGRAM [--write]

Without --write it fails where proxy/PARITY.md is not what it would write."""

import argparse
import difflib
import fnmatch
import json
import pathlib
import subprocess
import sys
import tempfile
import tomllib

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
PAGE = ROOT / "proxy" / "PARITY.md"
PROTOCOLS = ("h1", "h2", "h3")
SUITE = "Scenarios/Flow"

OPENING = """# What works over which protocol

Written by `tests/parity/parity.py` from the results of the scenario tables (`tests/flow`); do not edit. A number is how many
scenarios and tests show it over that protocol, all passed.
"""


def outcomes(program, selection):
    """{suite.name: passed} of the tests that match."""
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder) / "report.json"
        done = subprocess.run([program, f"--gtest_filter={selection}", f"--gtest_output=json:{report}", "--gtest_brief=1"],
                              cwd=ROOT, capture_output=True, text=True, check=False)
        if not report.exists():
            sys.exit(f"{program} has made no report:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        suites = json.loads(report.read_text())["testsuites"]
    return {f"{suite['name']}.{test['name']}": test["result"] == "COMPLETED" and not test.get("failures")
            for suite in suites for test in suite["testsuite"]}


class Scenarios:
    """The rows, as they were played: {name: {protocol: passed}}, and which of them a feature has taken."""

    def __init__(self, program):
        self.rows = {}
        for name, passed in outcomes(program, f"{SUITE}.*").items():
            row, _, protocol = name.removeprefix(f"{SUITE}.").rpartition("/")
            self.rows.setdefault(row, {})[protocol] = passed
        self.untaken = set(self.rows)

    def take(self, patterns):
        """{protocol: (passed, failed)} of the rows that match one of them; patterns that match none."""
        counts, idle = {protocol: [0, 0] for protocol in PROTOCOLS}, []
        found = set()
        for pattern in patterns:
            matched = fnmatch.filter(self.rows, pattern)
            found |= set(matched)
            if not matched:
                idle.append(pattern)
        self.untaken -= found
        for row in found:
            for protocol, passed in self.rows[row].items():
                counts[protocol][0 if passed else 1] += 1
        return counts, idle


def counted(feature, protocol, others):
    """(passed, failed) of the tests that the feature names for the protocol."""
    results = [passed for pattern in feature.get("tests", {}).get(protocol, [])
               for passed in [others[name] for name in fnmatch.filter(others, pattern)] or [False]]
    return sum(results), len(results) - sum(results)


def page(areas, scenarios, others):
    """The text, and what is wrong with it. `others`: {test: passed}"""
    text, holes, notes = [OPENING], [], []
    for area in areas:
        text.append(f"\n## {area['name']}\n\n| feature | {' | '.join(PROTOCOLS)} |\n|---|{'---|' * len(PROTOCOLS)}\n")
        for feature in area["features"]:
            name, refused = feature["name"], feature.get("refused", {})
            counts, idle = scenarios.take(feature.get("scenarios", []))
            holes += [f"{name}: no scenario is called {pattern}" for pattern in idle]
            cells = []
            for protocol in PROTOCOLS:
                passed, failed = map(sum, zip(counts[protocol], counted(feature, protocol, others), strict=True))
                if failed:
                    holes.append(f"{name}, {protocol}: {failed} have failed, or are not there")
                if protocol in refused:
                    if not others.get(refused[protocol]["test"]):
                        holes.append(f"{name}, {protocol}: {refused[protocol]['test']} has not seen it refused")
                    notes.append(f"{name}, {protocol}: {refused[protocol]['why']}")
                    cells.append(f"refused [{len(notes)}]")
                elif passed:
                    cells.append(str(passed))
                else:
                    holes.append(f"{name}, {protocol}: no scenario shows it")
                    cells.append("**hole**")
            text.append(f"| {name} | {' | '.join(cells)} |\n")
    if notes:
        text.append("\n## Refused by the configuration\n\n" + "".join(f"{i}. {note}\n" for i, note in enumerate(notes, 1)))
    holes += [f"{row}: is a scenario of no feature" for row in sorted(scenarios.untaken)]
    return "".join(text), holes


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flow", required=True, help="the program of the flow tests")
    parser.add_argument("--unit", required=True, help="the program of the unit tests")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    areas = tomllib.loads((HERE / "features.toml").read_text())["areas"]
    features = [feature for area in areas for feature in area["features"]]
    tests = sorted({refusal["test"] for feature in features for refusal in feature.get("refused", {}).values()} |
                   {pattern for feature in features for patterns in feature.get("tests", {}).values() for pattern in patterns})
    others = {}
    if tests:
        others = outcomes(arguments.unit, ":".join(tests)) | outcomes(arguments.flow, ":".join(tests))
    text, problems = page(areas, Scenarios(arguments.flow), others)
    if arguments.write:
        PAGE.write_text(text)
    elif not PAGE.exists() or PAGE.read_text() != text:
        written = PAGE.read_text().splitlines() if PAGE.exists() else []
        problems += ["proxy/PARITY.md is not what the tests say (write it anew with --write):",
                     *difflib.unified_diff(written, text.splitlines(), "written", "true", lineterm="", n=0)]
    print("\n".join(problems) or f"{text.count(chr(10) + '| ') - len(areas)} features, no hole")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
