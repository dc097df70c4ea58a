"""Every header compiles alone, with clang++ and our warnings as errors; g++ sees them all in the sources."""

import re

import tree


def flags_for(t):
    """The flags of the sources beside a header, or where there is none of any source."""
    by_folder, first = {}, ["-std=c++23", f"-I{t.root}"]
    for path, arguments in t.commands() if t.build else []:
        by_folder.setdefault(path.parent, tree.language_flags(arguments))
        first = tree.language_flags(arguments)
    return lambda path: by_folder.get(path.parent, first)


def check(t):
    cache = tree.PassCache("headers")
    cache.add(tree.run(["clang++", "--version"])[1])
    flags_of = flags_for(t)

    def one(path):
        flags = flags_of(path)
        key = cache.key(t, path, flags)
        if cache.has(key):
            return []
        # Twice, so that a header without its guard is found too.
        program = f'#include "{path}"\n#include "{path}"\n'
        passed, output = tree.run(["clang++", "-fsyntax-only", "-x", "c++", *flags, *tree.WARNINGS, "-"],
                                  input=program, cwd=t.root)
        if passed:
            cache.put(key)
            return []
        errors = [line.replace(f"{t.root}/", "") for line in output.splitlines() if re.search(r": (fatal )?error: ", line)]
        return [f"{path}: does not compile alone: {(errors or [output])[0]}"]

    return tree.in_parallel(one, t.files(".h"))


if __name__ == "__main__":
    tree.main(check)
