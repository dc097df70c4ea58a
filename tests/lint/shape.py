"""At most four parameters, never two booleans among them, and at most twelve data members.

The members are counted of what has behaviour: a class, and a struct with a private part, a constructor, a destructor,
or a function that changes it. Any other struct is a list of values, each with its own name, and may be as long as they
are many. A C library decides about the parameters of what it calls: of what takes a void* of its user's, and of what stands
in a struct named ...Callbacks. Lines and nesting of functions are counted by clang-tidy; it does not count parameters
of constructors, of functions without a body here, and of lambdas."""

import re

import rules
import tree

PARAMETERS = 4
MEMBERS = 12

# (file, name): why it is left. What needs to stand here no longer is a problem, too.
LEFT = {
    ("proxy/http/exchange/exchange.h", "Exchange"): "the constructor of a refused request takes what the other one takes, and why",
    ("tests/support/h1_oracle_llhttp.h", "agrees"): "its booleans are the two things that llhttp has found out",
    ("tests/support/quic_case.h", "QuicCase"): "a fixture, whose members are the words that its tests are written in",
}

TOKEN = re.compile(r"\w+|::|->|&&|[^\s\w]")
PREPROCESSOR = re.compile(r"^[ \t]*#(?:\\\n|.)*", re.MULTILINE)
MACRO = re.compile(r"[A-Z][A-Z0-9_]+")
RECORD = ("class", "struct", "union")
ACCESS = ("public", "protected", "private")
NO_NAME = ("alignas", "decltype", "explicit", "noexcept", "requires", "static_assert")  # of a function, before a (
NO_MEMBER = ("constexpr", "friend", "static", "static_assert", "template", "typedef", "using")


def tokens_of(text):
    """The (token, line) of a source, without comments, literals and the preprocessor."""
    text = PREPROCESSOR.sub(lambda match: "\n" * match[0].count("\n"), rules.code_only(text))
    return [(token, number) for number, line in enumerate(text.splitlines(), 1) for token in TOKEN.findall(line)]


def counterpart(tokens, at):
    """Where the bracket at `at` is closed or, if it is a closing one, opened."""
    step = 1 if tokens[at] in "([{" else -1
    depth = 0
    for i in range(at, len(tokens) if step > 0 else -1, step):
        depth += (tokens[i] in ("(", "[", "{")) - (tokens[i] in (")", "]", "}"))
        if depth == 0:
            return i
    return len(tokens) - 1 if step > 0 else 0


def split(tokens):
    """tokens, cut at the commas that stand in no brackets."""
    parts, depth = [[]], 0
    for token in tokens:
        depth += (token in ("(", "[", "{", "<")) - (token in (")", "]", "}", ">"))
        if token == "," and depth == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    return [part for part in parts if part and part != ["void"]]


def list_of(head):
    """Where the list of parameters of a declaration opens; None if it declares no function."""
    i = angles = 0
    while i < len(head):
        before = head[i - 1] if i > 0 else ""
        if head[i] == "operator":
            first = i + 3 if head[i + 1:i + 3] == ["(", ")"] else i + 1
            return head.index("(", first) if "(" in head[first:] else None
        if head[i] == "=" and angles == 0:
            return None
        if head[i] == "(" and angles == 0 and re.match(r"\w", before) and before not in NO_NAME:
            return i
        angles += (head[i] == "<") - (head[i] == ">" and angles > 0)
        i = counterpart(head, i) + 1 if head[i] in ("(", "[") else i + 1
    return None


def record_of(head):
    """(class, struct or union, its name), if a { here would open one; else None."""
    while head and head[0] == "template":
        depth = 0
        for i, token in enumerate(head[1:], 1):
            depth += (token == "<") - (token == ">")
            if depth == 0:
                break
        head = head[i + 1:]
    if not head or head[0] not in RECORD or "=" in head:
        return None
    name = [token for token in re.split(r" (?:final|:|<)(?: |$)", " ".join(head))[0].split() if re.match(r"\w", token)]
    return head[0], name[-1] if len(name) > 1 else "(unnamed)"


def is_type(head):
    """Whether a declaration is of a type, and of no member that has it."""
    if head[0] == "enum":
        return "{}" not in head or head[-1] == "{}"
    return head[0] in RECORD and (head[-1] == "{}" or len(head) == 2)


class Scope:
    """What stands between braces, and the declaration in it that is being read."""

    def __init__(self, kind, line=0, record=("", "")):
        self.kind, self.line = kind, line  # namespace, record, function, or braces of any other kind
        self.key, self.name = record
        self.head, self.depth, self.start = [], 0, 0
        self.members, self.behaves = 0, self.key == "class"

    def reset(self):
        self.head, self.depth = [], 0


class Reader:
    """Reads one file; `problems` are (line, name, what)."""

    def __init__(self, text):
        self.problems = []
        self._scopes = [Scope("namespace")]
        tokens = tokens_of(text)
        self._lambdas(tokens)
        for token, line in tokens:
            self._read(token, line)

    def _read(self, token, line):
        scope = self._scopes[-1]
        if not scope.head:
            scope.start = line
        if token == "{":
            self._open(scope, line)
        elif token == "}" and len(self._scopes) > 1:
            self._close()
        elif token == ";" and scope.depth == 0:
            self._end(scope)
        elif token == ":" and scope.kind == "record" and scope.head and scope.head[-1] in ACCESS:
            scope.behaves = scope.behaves or scope.head[-1] != "public"
            scope.reset()
        else:
            scope.depth += (token in ("(", "[")) - (token in (")", "]"))
            scope.head.append(token)

    def _open(self, scope, line):
        record = record_of(scope.head) if scope.depth == 0 else None
        opened = Scope("record", line, record) if record else Scope("braces")
        if scope.kind in ("namespace", "record") and scope.depth == 0 and not record:
            at = list_of(scope.head)
            if at is not None and self._is_body(scope.head[counterpart(scope.head, at) + 1:]):
                self._function(scope, at)
                opened.kind = "function"
            elif "namespace" in scope.head or scope.head == ["extern"]:
                opened.kind = "namespace"
        self._scopes.append(opened)

    @staticmethod
    def _is_body(after):
        """Whether { opens the function's body, rather than initializes a member or a variable."""
        return "=" not in after and (":" not in after or after[-1] in (")", "{}"))

    def _close(self):
        closed = self._scopes.pop()
        if closed.kind == "record" and closed.behaves and closed.members > MEMBERS:
            self.problems.append((closed.line, closed.name, f"{closed.members} data members, {MEMBERS} at most: "
                                                            "group them by idea"))
        scope = self._scopes[-1]
        if closed.kind in ("function", "namespace") or (
                closed.kind == "braces" and scope.kind in ("braces", "function") and scope.depth == 0):
            scope.reset()
        else:
            scope.head.append("{}")

    def _end(self, scope):
        head = scope.head
        at = list_of(head) if scope.kind in ("namespace", "record") and head else None
        if at is not None and head[0] not in ("using", "typedef"):
            self._function(scope, at)
        elif scope.kind == "record" and head and head[0] not in NO_MEMBER and not is_type(head):
            scope.members += len(split(head))
        scope.reset()

    def _function(self, scope, at):
        head, end = scope.head, counterpart(scope.head, at)
        after = head[end + 1:]
        name = "".join(head[head.index("operator"):at]) if "operator" in head[:at] else head[at - 1]
        if scope.kind == "record" and not {"static", "friend"} & set(head[:at]):
            scope.behaves = scope.behaves or not {"const", "default", "delete"} & set(after)
        # A definition outside its class has been seen inside; a macro's parameters are its library's.
        if "::" not in head[at - 2:at - 1] and not MACRO.fullmatch(name):
            self._parameters(scope.start, scope, name, head[at + 1:end])

    def _lambdas(self, tokens):
        words = [token for token, _ in tokens]
        for i in range(len(words) - 1):
            if words[i:i + 2] == ["]", "("]:
                at = counterpart(words, i)
                before = words[at - 1] if at > 0 else ""
                if before == "return" or not re.match(r"[\w)\]>]", before):
                    self._parameters(tokens[i][1], None, "lambda", words[i + 2:counterpart(words, i + 1)])

    def _parameters(self, line, scope, name, tokens):
        parts = split(tokens)
        of_c = "void *" in " ".join(tokens) or (scope and scope.name.endswith("Callbacks"))
        if len(parts) > PARAMETERS and not of_c:
            self.problems.append((line, name, f"{len(parts)} parameters, {PARAMETERS} at most: give it a struct"))
        if sum(part[0] == "bool" or part[:2] == ["const", "bool"] for part in parts) > 1:
            self.problems.append((line, name, "two booleans among the parameters: give it a struct, or an enum"))


def check(t):
    problems, unused = [], {entry for entry in LEFT if (t.root / entry[0]).exists()}
    for path in t.files(".cc", ".h"):
        for line, name, what in Reader(t.text(path)).problems:
            if (str(path), name) in LEFT:
                unused.discard((str(path), name))
            else:
                problems.append(f"{path}:{line}: {name}: {what}")
    return problems + [f"{path}: {name}: stands in LEFT of shape.py and need not" for path, name in sorted(unused)]


if __name__ == "__main__":
    tree.main(check)
