"""What no other tool looks at: sizes of files, headers' opening comments, and words that are not ours to use."""

import itertools
import re

import tree

LINES = 400
COMMENT = range(2, 11)
DRAWING = "//   "  # is no prose

# (what must not stand in code, where, why)
WORDS = [
    (r"\bdelete\s+this\b|\bshared_from_this\b|\bweak_from_this\b", ".*", "ownership is a tree"),
    (r"(?<!operator )\bnew\b(?!\s*\()", r"(common|config|proxy)/.*", "no new: make_unique, or a value"),
    (r"(?<!= )(?<!=)(?<!operator )\bdelete\b", r"(common|config|proxy)/.*", "no delete: unique_ptr with a deleter"),
    (r"\b(sleep_for|sleep_until|usleep|nanosleep)\b", r".*", "no sleeping: wait for what you wait for"),
    (r"\b(std::)?(weak_ptr)\b", r"(common|config|proxy)/.*", "registration is a member, not a weak_ptr"),
    (r"\bget_[a-z0-9_]+\s*\([^)]*\)\s*(const)?\s*(noexcept)?\s*[;{]", r"(common|config|proxy)/.*\.h",
     "getters have no get_"),
]


def code_only(text):
    """text with comments and literals blanked, its lines kept."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'', re.DOTALL)
    return pattern.sub(lambda match: "\n" * match[0].count("\n") or " ", text)


def problems_of_header(path, text):
    lines = text.splitlines()
    opening = list(itertools.takewhile(lambda line: line.startswith("//"), lines))
    prose = sum(line != "//" and not line.startswith(DRAWING) for line in opening)
    if prose not in COMMENT:
        yield f"{path}:1: opens with {prose} lines of comment; {COMMENT.start} to {COMMENT.stop - 1} are wanted"
    if "#pragma once" not in lines:
        yield f"{path}:1: has no #pragma once"


def problems_of_words(path, text):
    for number, line in enumerate(code_only(text).splitlines(), 1):
        for pattern, where, why in WORDS:
            if re.fullmatch(where, str(path)) and re.search(pattern, line):
                yield f"{path}:{number}: {why}"


def check(t):
    problems = []
    for path in t.files(".cc", ".h", ".py"):
        text = t.text(path)
        count = len(text.splitlines())
        if count > LINES:
            problems.append(f"{path}: {count} lines; split it by idea at {LINES}")
        if path.suffix == ".h":
            problems += problems_of_header(path, text)
        if path.suffix != ".py":
            problems += problems_of_words(path, text)
    return problems


if __name__ == "__main__":
    tree.main(check)
