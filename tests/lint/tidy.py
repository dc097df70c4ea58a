"""Every source passes clang-tidy with .clang-tidy, and clang with our warnings. What passed before and has not changed
since is not looked at again.

Most of clang-tidy's work is on the headers of libraries: the sources of a folder are looked at as one program, which
includes them all. Where they cannot be one (two of them have a helper of one name), each is looked at alone."""

import itertools
import json
import pathlib
import tempfile

import tree

# Enough to share the headers, and few enough that two cores end at about the same time.
MOST_OF_GROUP = 16


def groups_of(jobs):
    """The jobs (path, flags, key) of a folder together, but none with others of its folder that have other flags."""
    def place(job):
        return job[0].parent, job[1]

    for _, together in itertools.groupby(sorted(jobs, key=place), key=place):
        yield from itertools.batched(together, MOST_OF_GROUP)


def check(t):
    cache = tree.PassCache("tidy")
    cache.add((t.root / ".clang-tidy").read_text(), tree.run(["clang-tidy", "--version"])[1])
    jobs = []
    for path, arguments in t.commands():
        flags = tree.language_flags(arguments)
        key = cache.key(t, path, flags)
        if not cache.has(key):
            jobs.append((path, flags, key))

    def tidy(paths, flags):
        """Whether clang-tidy finds nothing in these sources of one folder, and its report."""
        # A compilation database of our own: GCC's flags that clang does not know stay out.
        with tempfile.TemporaryDirectory() as folder:
            program = pathlib.Path(folder, "sources.cc")
            program.write_text("".join(f'#include "{t.root / path}"  // NOLINT\n' for path in paths))
            source = str(program if len(paths) > 1 else t.root / paths[0])
            command = ["clang++", *flags, *tree.WARNINGS, "-c", source]
            database = [{"directory": str(t.root), "file": source, "arguments": command}]
            pathlib.Path(folder, "compile_commands.json").write_text(json.dumps(database))
            return tree.run(["clang-tidy", "--quiet", "-p", folder, f"--config-file={t.root}/.clang-tidy",
                             "--header-filter=(common|config|proxy|tests)/.*\\.(h|cc)$", source], cwd=t.root)

    def look_at(group):
        paths, flags = [path for path, _, _ in group], group[0][1]
        passed, output = tidy(paths, flags)
        if passed:
            for _, _, key in group:
                cache.put(key)
            return []
        if len(group) > 1:
            return [problem for job in group for problem in look_at([job])]
        lines = [line.replace(f"{t.root}/", "") for line in output.splitlines()
                 if ": error: " in line or ": warning: " in line]
        return lines or [f"{paths[0]}: clang-tidy failed: {output.strip()}"]

    return sorted(set(tree.in_parallel(look_at, list(groups_of(jobs)))))


if __name__ == "__main__":
    tree.main(check)
