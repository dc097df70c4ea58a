"""Every header compiles alone, with clang++ and our warnings as errors; g++ sees them all in the sources.

A header that a source includes before anything else is compiled alone there: by lint.tidy with clang++, by the build with
g++. Here are the others."""

import pathlib
import re

import tree


def flags_for(t):
    """The flags of the sources beside a header, or where there is none of any source."""
    by_folder, first = {}, ["-std=c++23", f"-I{t.root}"]
    for path, arguments in t.commands() if t.build else []:
        by_folder.setdefault(path.parent, tree.language_flags(arguments))
        first = tree.language_flags(arguments)
    return lambda header: by_folder.get(header.parent, first)


def come_first(t):
    """The headers that a source includes first; of the tests' sources, which lint.tidy leaves out, none."""
    for path, _ in t.commands() if t.build else []:
        first = tree.INCLUDE.search(t.text(path)) if path.parts[0] != "tests" else None
        if first and first[1] == '"':
            yield pathlib.Path(first[2])


def check(t):
    cache = tree.PassCache("headers")
    cache.add(tree.run(["clang++", "--version"])[1])
    flags_of = flags_for(t)

    def one(header):
        flags = flags_of(header)
        key = cache.key(t, header, flags)
        if cache.has(key):
            return []
        # Twice, so that a header without its guard is found too.
        program = f'#include "{header}"\n#include "{header}"\n'
        passed, output = tree.run(["clang++", "-fsyntax-only", "-x", "c++", *flags, *tree.WARNINGS, "-"],
                                  input=program, cwd=t.root)
        if passed:
            cache.put(key)
            return []
        errors = [line.replace(f"{t.root}/", "") for line in output.splitlines() if re.search(r": (fatal )?error: ", line)]
        return [f"{header}: does not compile alone: {(errors or [output])[0]}"]

    return tree.in_parallel(one, sorted(set(t.files(".h")) - set(come_first(t))))


if __name__ == "__main__":
    tree.main(check)
