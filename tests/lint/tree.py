"""What the gates share: the files of the tree, compile commands, a cache of passes, and running over two cores."""

import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import time

CODE_FOLDERS = ("common", "config", "proxy", "tests")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Wnon-virtual-dtor",
            "-Wno-missing-field-initializers", "-Werror"]


class Tree:
    """A checkout (root), the build directory that was configured for it, and a folder whose sources are left out."""

    def __init__(self, root, build=None, without=None):
        self.root = pathlib.Path(root).resolve()
        self.build = pathlib.Path(build).resolve() if build else None
        self.without = self.root / without if without else None
        self._closures = {}

    def files(self, *suffixes):
        """Paths of our C++ files, relative to the root, sorted."""
        found = []
        for folder in CODE_FOLDERS:
            for path in (self.root / folder).rglob("*"):
                if path.suffix in suffixes and path.is_file():
                    found.append(path.relative_to(self.root))
        return sorted(found)

    def text(self, path):
        return (self.root / path).read_text(encoding="utf-8")

    def closure(self, path):
        """path and every file of ours that it includes, directly or not, sorted."""
        seen, waiting = {str(path)}, [str(path)]
        while waiting:
            for name in self._includes_of(waiting.pop()):
                if name not in seen:
                    seen.add(name)
                    waiting.append(name)
        return sorted(seen)

    def _includes_of(self, name):
        if name not in self._closures:
            file = self.locate(name)
            text = file.read_text(encoding="utf-8") if file else ""
            self._closures[name] = [m[1] for m in INCLUDE.findall(text) if self.locate(m[1])]
        return self._closures[name]

    def locate(self, name):
        for folder in [self.root] + ([self.build / "generated"] if self.build else []):
            if (folder / name).is_file():
                return folder / name
        return None

    def commands(self):
        """The compile commands of our sources: [(path relative to the root, arguments without the launcher)]."""
        result = []
        for entry in json.loads((self.build / "compile_commands.json").read_text()):
            path = pathlib.Path(entry["directory"], entry["file"]).resolve()
            if not path.is_relative_to(self.root) or path.is_relative_to(self.build):
                continue
            if self.without and path.is_relative_to(self.without):
                continue
            arguments = shlex.split(entry["command"])
            if os.path.basename(arguments[0]) == "ccache":
                arguments = arguments[1:]
            result.append((path.relative_to(self.root), arguments))
        return sorted(result)


def language_flags(arguments):
    """Of a compile command, what a front end needs to read the same program: definitions, folders, standard."""
    kept, take_next = [], False
    for argument in arguments[1:]:
        if take_next:
            kept.append(argument)
            take_next = False
        elif argument in ("-I", "-isystem", "-D"):
            kept.append(argument)
            take_next = True
        elif re.match(r"-(I|isystem|std=|D(?!_FORTIFY_SOURCE))", argument):
            kept.append(argument)
    return kept


class PassCache:
    """Remembers what passed, so that a gate looks only at what changed. A key covers everything that the outcome
    depends on: the file and all it includes of ours, the flags, the tool, and the installed packages."""

    def __init__(self, gate):
        home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        self.folder = pathlib.Path(home, "gatehouse-lint", gate)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.common = hashlib.sha256()
        for path in ("/var/lib/dpkg/status",):
            if os.path.exists(path):
                self.common.update(pathlib.Path(path).read_bytes())
        self._forget_old()

    def add(self, *values):
        for value in values:
            self.common.update(repr(value).encode())

    def key(self, tree, path, flags):
        digest = self.common.copy()
        digest.update(repr([flag.replace(str(tree.root), "ROOT") for flag in flags]).encode())
        for name in tree.closure(path):
            digest.update(name.encode())
            digest.update((tree.locate(name)).read_bytes())
        return digest.hexdigest()

    def has(self, key):
        file = self.folder / key
        if not file.exists():
            return False
        os.utime(file)
        return True

    def put(self, key):
        (self.folder / key).touch()

    def _forget_old(self):
        limit = time.time() - 30 * 86400
        for file in self.folder.iterdir():
            if file.stat().st_mtime < limit:
                file.unlink(missing_ok=True)


def run(command, **options):
    """Runs a tool; returns (passed, what it printed)."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)
    return done.returncode == 0, done.stdout


def in_parallel(function, items):
    """Every problem that function(item) returns, in the order of the items."""
    workers = os.cpu_count() or 1
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        return [problem for problems in pool.map(function, items) for problem in problems]


def main(check):
    """The command line of every gate: prints the problems, one a line, and exits 1 if there is any. Gates that have much to
    look at take minutes of all cores, so they take what others leave."""
    os.nice(19)
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", default=pathlib.Path(__file__).resolve().parents[2])
    parser.add_argument("--build", help="a configured build directory")
    parser.add_argument("--without", help="a folder whose sources are left out")
    arguments = parser.parse_args()
    problems = check(Tree(arguments.root, arguments.build, arguments.without))
    for problem in problems:
        print(problem)
    print(f"{len(problems)} problems" if problems else "no problem")
    sys.exit(1 if problems else 0)
