"""Shell scripts pass shellcheck, Python scripts compile."""

import ast
import pathlib

import tree

FOLDERS = ("dashboards", "deploy", "tests", ".ci", "proxy", "config")


def scripts(t, interpreter, suffix):
    for folder in FOLDERS:
        for path in sorted((t.root / folder).rglob("*")):
            if not path.is_file() or "__pycache__" in path.parts:
                continue
            with path.open("rb") as file:
                first = file.readline(80)
            if path.suffix == suffix or (first.startswith(b"#!") and interpreter in first):
                yield path.relative_to(t.root)


def check(t):
    def shell(path):
        passed, output = tree.run(["shellcheck", "--external-sources", "--format=gcc", str(path)], cwd=t.root)
        return [] if passed else output.splitlines()

    problems = tree.in_parallel(shell, list(scripts(t, b"sh", ".sh")))
    for path in scripts(t, b"python", ".py"):
        try:
            ast.parse(pathlib.Path(t.root / path).read_text(encoding="utf-8"), str(path))
        except SyntaxError as error:
            problems.append(f"{path}:{error.lineno}: {error.msg}")
    return problems


if __name__ == "__main__":
    tree.main(check)
