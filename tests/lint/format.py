"""Every C++ file is as clang-format would write it."""

import tree


def check(t):
    def one(path):
        passed, output = tree.run(["clang-format", "--dry-run", "--Werror", str(path)], cwd=t.root)
        return [] if passed else [output.splitlines()[0] if output else f"{path}: clang-format failed"]

    return tree.in_parallel(one, t.files(".cc", ".h"))


if __name__ == "__main__":
    tree.main(check)
