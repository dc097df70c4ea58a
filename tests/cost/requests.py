"""requests.py PROGRAM: a plain request takes as many user instructions as tests/bench/instructions.json says, in thousands, and at most 3 % more.

They are counted one request at a time on one connection, so that two counts of one program are alike. Who makes requests
cheaper lowers the file: this prints what is to stand there.
"""

import json
import pathlib
import shutil
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "bench"))
SKIPPED = 77
ALLOWED = 1.03


class Requests(unittest.TestCase):
    def test_a_plain_request_costs_what_the_file_says(self):
        on_file = json.loads((ROOT / "tests" / "bench" / "instructions.json").read_text())
        with bench.ground() as (directory, ports):
            for protocol, expected in on_file.items():
                row = bench.instructions(protocol, connections=1, streams=1)
                counted = bench.measure(row, ["gatehouse"], directory, ports, 1)["gatehouse"]
                with self.subTest(protocol):
                    self.assertIsNotNone(counted, "no request was counted")
                    print(f"{protocol}: {counted:.1f} thousand instructions a request, {expected} on file", flush=True)
                    self.assertLessEqual(counted, expected * ALLOWED)


if __name__ == "__main__":
    missing = [program for program in ("valgrind", "nginx", "h2load", "ip") if not shutil.which(program)]
    if missing:
        print(f"skipped: no {', '.join(missing)} here")
        sys.exit(SKIPPED)
    import bench
    import peers
    bench.enter_namespace()
    peers.PROGRAM = pathlib.Path(sys.argv.pop(1))
    unittest.main(verbosity=2)
