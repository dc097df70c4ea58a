"""Each gate is seen to fail on what it is for, and to pass what is right."""

import json
import os
import pathlib
import tempfile
import unittest
import unittest.mock

import format as format_gate
import headers
import includes
import rules
import scripts
import shape
import tidy
import tree

ROOT = pathlib.Path(__file__).resolve().parents[2]
OPENING = "// A header for the test of a gate.\n// Nobody owns it; it belongs to no thread.\n#pragma once\n\n"


class GateTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        for name in (".clang-format", ".clang-tidy"):
            (self.root / name).write_text((ROOT / name).read_text())
        previous = os.environ.get("XDG_CACHE_HOME")
        os.environ["XDG_CACHE_HOME"] = str(self.root / "cache")
        self.addCleanup(lambda: os.environ.pop("XDG_CACHE_HOME") if previous is None
                        else os.environ.update(XDG_CACHE_HOME=previous))

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def tree(self):
        """The tree, with a compile command for each of its sources."""
        commands = [{"directory": str(self.root), "file": str(file),
                     "command": f"/usr/bin/ccache /usr/bin/g++ -std=c++23 -I{self.root} -flto -o x.o -c {file}"}
                    for file in self.root.rglob("*.cc")]
        self.write("build/compile_commands.json", json.dumps(commands))
        return tree.Tree(self.root, self.root / "build")

    def expect(self, gate, *fragments):
        """The gate finds exactly as many problems as there are fragments, each containing its own."""
        problems = gate.check(self.tree())
        self.assertEqual(len(problems), len(fragments), problems)
        for problem, fragment in zip(problems, fragments):
            self.assertIn(fragment, problem)

    def test_format(self):
        self.write("common/good.cc", "struct Pair {\n  int first = 0;\n};\n")
        self.expect(format_gate)
        self.write("common/poor.cc", "int twice( int value )\n{ return 2*value; }\n")
        self.expect(format_gate, "common/poor.cc:1")

    def test_tidy_names_sizes_and_bugs(self):
        self.write("common/good.cc", "namespace gatehouse {\n\nint twice(int value) { return 2 * value; }\n\n}\n")
        self.expect(tidy)
        self.write("common/name.cc", "namespace gatehouse {\nint Twice(int value) { return 2 * value; }\n}\n")
        self.expect(tidy, "readability-identifier-naming")
        body = "  value = value * 3 + 1;\n" * 61
        self.write("common/name.cc", f"namespace gatehouse {{\nint longest(int value) {{\n{body}  return value;\n}}\n}}\n")
        self.expect(tidy, "readability-function-size")
        self.write("common/name.cc", "#include <string>\nnamespace gatehouse {\n"
                   "std::size_t size(std::string text) {\n  std::string moved = std::move(text);\n"
                   "  return moved.size() + text.size();\n}\n}\n")
        self.expect(tidy, "bugprone-use-after-move")

    def test_tidy_nesting(self):
        def nested(levels):
            return "".join(f"if (value > {level}) {{\n" for level in range(levels)) + "++value;\n" + "}\n" * levels

        text = "namespace gatehouse {{\nint deep(int value) {{\n{}  return value;\n}}\n}}\n"
        self.write("common/good.cc", text.format(nested(3)))
        self.expect(tidy)
        self.write("common/poor.cc", text.format(nested(4)))
        self.expect(tidy, "readability-function-size")

    def test_tidy_compiles_with_the_warnings_of_clang(self):
        self.write("common/poor.cc", "namespace gatehouse {\nint half(double value) { return value / 2; }\n}\n")
        self.expect(tidy, "clang-diagnostic")

    def test_tidy_looks_again_when_an_included_header_changed(self):
        self.write("common/a.h", OPENING + "inline int twice(int value) { return 2 * value; }\n")
        self.write("common/b.cc", '#include "common/a.h"\n')
        self.expect(tidy)
        self.write("common/a.h", OPENING + "inline int Twice(int value) { return 2 * value; }\n")
        self.expect(tidy, "common/a.h")

    def test_headers_alone(self):
        self.write("common/good.h", OPENING + "#include <string>\nstd::string name();\n")
        self.expect(headers)
        self.write("common/poor.h", OPENING + "std::string name();\n")
        self.expect(headers, "alone")
        self.write("common/poor.h", "struct Twice {};\n")
        self.expect(headers, "alone")
        self.write("common/poor.h", OPENING + "inline int half(double value) { return value; }\n")
        self.expect(headers, "alone")
        self.write("common/poor.cc", '#include <string>\n#include "common/poor.h"\n')
        self.expect(headers, "alone")
        self.write("tests/poor_test.cc", '#include "common/poor.h"\n')
        self.expect(headers, "alone")

    def test_tidy_looks_at_sources_alone_that_cannot_be_one_program(self):
        helper = "namespace gatehouse {\nnamespace {\nint same(int value) { return value; }\n}\n"
        for name in ("first", "second"):
            self.write(f"common/{name}.cc", helper + f"int {name}(int value) {{ return same(value); }}\n}}\n")
        self.expect(tidy)
        self.write("common/third.cc", helper + "int Third(int value) { return same(value); }\n}\n")
        self.expect(tidy, "common/third.cc")

    def test_includes_between_folders(self):
        for folder, target in (("common", "config/config.h"), ("proxy/http", "proxy/forward/redirect.h"),
                               ("proxy/frontend", "proxy/upstream/pool.h"), ("proxy/upstream", "proxy/frontend/x.h"),
                               ("proxy/forward", "config/config.h"), ("proxy/apps", "proxy/http/message.h"),
                               ("proxy/frontend", "proxy/frontend/h2/x.h"),
                               ("proxy/frontend/h3", "proxy/frontend/quic/x.h")):
            with self.subTest(folder=folder):
                self.write(f"{folder}/poor.h", f'#include "{target}"\n')
                self.expect(includes, f"{folder} may not include")
                (self.root / folder / "poor.h").unlink()
        self.write("proxy/runtime/good.h", '#include "config/config.h"\n#include "proxy/forward/redirect.h"\n')
        self.write("proxy/http/good.h", '#include "proxy/http/message.h"\n#include "common/buffer.h"\n')
        self.expect(includes)
        self.write("proxy/http/good.h", '#include "message.h"\n')
        self.expect(includes, "not a path from the root")

    def test_includes_in_a_circle(self):
        with unittest.mock.patch.dict(includes.MAY_INCLUDE, {"common": ["config"]}):
            self.expect(includes, "common may not include config")

    def test_includes_of_third_parties(self):
        self.write("common/event_loop.cc", "#include <event2/event.h>\n#include <sys/socket.h>\n#include <vector>\n")
        self.write("proxy/frontend/h2/h2_stream.h", "#include <nghttp2/nghttp2.h>\n")
        self.expect(includes)
        self.write("common/timer.cc", "#include <event2/event.h>\n")
        self.write("common/wheel.cc", "#include <uv.h>\n")
        self.write("proxy/frontend/h1/h1_connection.h", "#include <nghttp2/nghttp2.h>\n")
        self.write("proxy/http/message.cc", "#include <openssl/ssl.h>\n")
        self.expect(includes, "<event2/event.h>", "<uv.h>", "<nghttp2/nghttp2.h>", "<openssl/ssl.h>")

    def test_sizes(self):
        self.write("common/good.cc", "int x;\n" * 400)
        self.expect(rules)
        self.write("common/poor.cc", "int x;\n" * 401)
        self.expect(rules, "401 lines")

    def test_opening_comment_and_guard(self):
        self.write("common/good.h", OPENING)
        self.expect(rules)
        self.write("common/poor.h", "#pragma once\n")
        self.expect(rules, "0 lines of comment")
        self.write("common/poor.h", OPENING.replace("#pragma once", ""))
        self.expect(rules, "#pragma once")

    def test_words(self):
        good = 'struct A { A(const A&) = delete; };\n// new and delete this\nauto s = "new delete";\n'
        self.write("common/good.cc", good)
        self.expect(rules)
        self.write("common/poor.cc", "void f() { delete this; }\n")
        self.expect(rules, "ownership", "no delete")
        self.write("common/poor.cc", "int* f() {\n  return new int;\n}\n")
        self.expect(rules, "common/poor.cc:2: no new")
        self.write("common/poor.cc", "void f() { std::this_thread::sleep_for(x); }\n")
        self.expect(rules, "no sleeping")

    def shapes(self, text, *fragments):
        self.write("common/some.h", text)
        self.expect(shape, *fragments)

    def test_parameters(self):
        self.shapes("void f(int a, std::map<int, int> b, std::function<void(int, int)> c, int d = g(1, 2));\n")
        self.shapes("void f(int a, int b, int c, int d, int e);\n", "common/some.h:1: f: 5 parameters")
        self.shapes("\nclass A {\n  A(int a, int b, int c, int d, int e) : a_{a}, b_(b) {}\n};\n",
                    "some.h:3: A: 5 parameters")
        self.shapes("struct A {\n  virtual int operator()(int a, int b, int c, int d, int e) const = 0;\n};\n",
                    "operator(): 5 parameters")
        self.shapes("template <class T>\nT f(T a, T b, T c, T d, T e) {\n  return a;\n}\n", "5 parameters")
        self.shapes("int f() {\n  return g([](int a, int b, int c, int d, int e) { return a; });\n}\n",
                    "lambda: 5 parameters")
        self.shapes("const int kSum = f(1, 2, 3, 4, 5);\nint g() { return values[1](1, 2, 3, 4, 5); }\n")

    def test_parameters_that_a_library_in_c_decides(self):
        self.shapes("int on_data(session* s, int id, const char* bytes, int size, void* user) { return 0; }\n"
                    "struct QuicCallbacks {\n  static int on_key(SSL* ssl, int a, int b, int c, int d);\n};\n")
        self.shapes("struct Keys {\n  static int on_key(SSL* ssl, int a, int b, int c, int d);\n};\n",
                    "on_key: 5 parameters")

    def test_booleans(self):
        self.shapes("void f(bool a, int b);\nvoid g(std::function<bool(bool)> a, bool b);\n")
        self.shapes("void f(bool a, bool b);\n", "two booleans")
        self.shapes("void f(bool a, int b, const bool c = false);\n", "two booleans")
        self.shapes("auto f = [](bool a, bool b) { return a && b; };\n", "two booleans")

    def test_members(self):
        def fields(count):
            return "".join(f"  std::map<int, int> m{i}_{{1, 2}};\n" for i in range(count))

        extras = ("  static constexpr int kMost = 1;\n  using T = int;\n  friend class B;\n  enum class E { kA };\n"
                  "  struct S {\n    int s;\n  };\n  void f(int) const;\n")
        self.shapes("class A {\n" + fields(12) + extras + "};\n")
        self.shapes("class A {\n" + fields(12) + "  int a, b = 2;\n};\n", "common/some.h:1: A: 14 data members")
        self.shapes("class A {\n" + fields(12) + "  struct S {\n    int s;\n  } s_;\n};\n", "13 data members")
        self.shapes("void f() {\n  struct A {\n    ~A() {}\n" + fields(13) + "  };\n}\n",
                    "some.h:2: A: 13 data members")

    def test_members_of_a_list_of_values(self):
        values = "".join(f"  int m{i} = 0;\n" for i in range(13))
        self.shapes("struct A {\n  int sum() const;\n  static A make();\n  bool operator==(const A&) const = default;\n"
                    + values + "};\n")
        for behaviour in ("  A();\n", "  ~A();\n", "  void add(int value);\n", " private:\n"):
            with self.subTest(behaviour=behaviour):
                self.shapes("struct A {\n" + behaviour + values + "};\n", "13 data members")

    def test_what_is_left_has_to_be_needed(self):
        with unittest.mock.patch.dict(shape.LEFT, {("common/some.h", "f"): "for the test"}):
            self.shapes("void f(bool a, bool b);\n")
            self.shapes("void f(bool a);\n", "need not")

    def test_scripts(self):
        self.write("deploy/good", '#!/usr/bin/env bash\necho "$1"\n')
        self.write("tests/good.py", "print(1)\n")
        self.expect(scripts)
        self.write("deploy/poor", "#!/usr/bin/env bash\nrm -rf $1/x\n")
        self.write("tests/poor.py", "print(1\n")
        self.expect(scripts, "SC2086", "tests/poor.py:1")


if __name__ == "__main__":
    unittest.main()
