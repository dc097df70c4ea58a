"""Every source passes clang-tidy with .clang-tidy, and clang with our warnings: the tree compiles under both
compilers. What passed before and has not changed since is not looked at again."""

import json
import tempfile

import tree


def check(t):
    cache = tree.PassCache("tidy")
    cache.add((t.root / ".clang-tidy").read_text(), tree.run(["clang-tidy", "--version"])[1])
    jobs = []
    for path, arguments in t.commands():
        flags = tree.language_flags(arguments)
        key = cache.key(t, path, flags)
        if not cache.has(key):
            jobs.append((path, flags, key))

    # A compilation database of our own: GCC's flags that clang does not know stay out.
    with tempfile.TemporaryDirectory() as folder:
        database = [{"directory": str(t.root), "file": str(t.root / path),
                     "arguments": ["clang++", *flags, *tree.WARNINGS, "-c", str(t.root / path)]}
                    for path, flags, _ in jobs]
        with open(f"{folder}/compile_commands.json", "w", encoding="utf-8") as file:
            json.dump(database, file)

        def one(job):
            path, _, key = job
            passed, output = tree.run(["clang-tidy", "--quiet", "-p", folder, str(t.root / path)], cwd=t.root)
            if passed:
                cache.put(key)
                return []
            lines = [line.replace(f"{t.root}/", "") for line in output.splitlines()
                     if ": error: " in line or ": warning: " in line]
            return lines or [f"{path}: clang-tidy failed: {output.strip()}"]

        return sorted(set(tree.in_parallel(one, jobs)))


if __name__ == "__main__":
    tree.main(check)
