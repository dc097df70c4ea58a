"""How many instructions each byte of a peer's makes us do, parser by parser, and that twice as much never takes more than
twice as long: nobody can buy a lot of our time with little of theirs. Counted by callgrind, so that it is the same on every
machine and under any load.

usage: judge.py DRIVER [-v] [NAME...]     DRIVER is build/release/tests/cost/gatehouse_cost; NAME: these rows alone
"""

import dataclasses
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import typing

from table import ROWS

SIZE = 4000  # bytes; and four times as much
TIMES = 4
STEEPER = 1.5  # how much more a later byte may cost than an early one
SKIPPED = 77


@dataclasses.dataclass
class Played:
    """One row at one size."""
    row: typing.Any
    path: pathlib.Path
    size: int
    work: int = 0


def write_input(path, pieces):
    with open(path, "wb") as file:
        for stream, end, data in pieces:
            file.write(struct.pack("<III", stream, end, len(data)) + data)
    return sum(len(data) for _, _, data in pieces)


def count(driver, plays, folder):
    """Instructions of each play. The first of each player also makes what is there once, and is not counted."""
    players = list(dict.fromkeys(play.row.player for play in plays))
    warm = [next(play for play in plays if play.row.player == player) for player in players]
    command = ["valgrind", "--tool=callgrind", "--quiet", "--collect-atstart=no", f"--callgrind-out-file={folder}/counts", driver]
    for play in [*warm, *plays]:
        command += [play.row.player, str(play.path)]
    subprocess.run(command, check=True)
    for dump in folder.glob("counts.*"):
        text = dump.read_text()
        number = re.search(r"^desc: Trigger: Client Request: (\d+)$", text, re.MULTILINE)
        if number and int(number[1]) >= len(warm):
            plays[int(number[1]) - len(warm)].work = int(re.search(r"^(?:totals|summary): (\d+)", text, re.MULTILINE)[1])


def verdict(row, small, large):
    """(instructions per byte, per later byte, what is wrong or nothing)."""
    each = small.work / small.size
    later = (large.work - small.work) / (large.size - small.size)
    if small.work == 0 or large.work == 0:
        return each, later, "nothing was counted"
    if max(each, large.work / large.size) > row.most:
        return each, later, f"more than {row.most} a byte"
    if later > STEEPER * each:
        return each, later, "not linear"
    return each, later, ""


def main(driver, names):
    if shutil.which("valgrind") is None:
        return "there is no valgrind"
    rows = [row for row in ROWS if not names or row.name in names]
    wrong = 0
    with tempfile.TemporaryDirectory() as directory:
        folder = pathlib.Path(directory)
        plays = []
        for row in rows:
            for size in (row.size, TIMES * row.size):
                path = folder / f"input-{len(plays)}"
                plays.append(Played(row, path, write_input(path, row.make(size))))
        count(driver, plays, folder)
    for row, small, large in zip(rows, plays[::2], plays[1::2]):
        each, later, what = verdict(row, small, large)
        wrong += bool(what)
        print(f"{row.player:12} {row.name:60} {each:9.0f} {later:9.0f} {row.most:7}  {what}")
    print(f"{len(rows)} rows, {wrong} wrong")
    return wrong


if __name__ == "__main__":
    if len(sys.argv) < 2:
        print("skipped: built without valgrind's headers, gatehouse_cost is not there")
        sys.exit(SKIPPED)
    outcome = main(sys.argv[1], sys.argv[2:])
    if isinstance(outcome, str):
        print(f"skipped: {outcome}")
        sys.exit(SKIPPED)
    sys.exit(outcome != 0)
