"""Documents as programs: the fenced blocks of a Markdown file, which of them run, and fragments of TOML made whole.

tests/README.md tells writers what they need to know of it.
"""

import dataclasses
import pathlib
import re
import tomllib

SHELLS = ("sh", "bash", "shell", "console")
NO_RUN = re.compile(r"<!-- no-run: (\S.*?) -->", re.DOTALL)
DEFAULT_ADDRESS = "127.0.0.1:8080"
DEFAULT_ENDPOINT = "127.0.0.1:5000"
DEFAULT_CERTIFICATE = '{ certificate = "cert.pem", private_key = "key.pem" }'


class Mistake(Exception):
    """A document that does not keep to the convention."""


@dataclasses.dataclass
class Block:
    line: int                # of its fence, from 1
    language: str
    words: list              # what follows the language on the fence
    text: str
    reason: str = ""         # why it is not run
    output: str | None = None  # what it is said to print

    @property
    def is_command(self):
        return self.language in SHELLS

    @property
    def runs(self):
        return self.is_command and "no-run" not in self.words

    @property
    def file(self):
        """Where the reader is to put it, or ""."""
        named = [word for word in self.words if word != "no-run"]
        return named[0] if named and not self.is_command else ""


def blocks_of(path):
    """All blocks, in order; Mistake for those of which nobody can tell whether to run them."""
    found, lines, number = [], path.read_text().splitlines(), 0
    since = []  # the lines since the last block
    while number < len(lines):
        fence = re.fullmatch(r"( *)(```+)\s*(.*)", lines[number])
        if not fence:
            since.append(lines[number])
            if _begins_indented(lines, number):
                found.append(Block(number + 1, "sh", ["no-run"], lines[number].strip() + "\n", reason="indented code"))
            number += 1
            continue
        block = _block_at(path, lines, number, fence)
        number += block.text.count("\n") + 2
        _attach(path, block, found, since)
        since = []
    return found


def _block_at(path, lines, number, fence):
    indent, marks, info = fence.groups()
    end = next((i for i in range(number + 1, len(lines)) if lines[i].strip() == marks), None)
    if end is None:
        raise Mistake(f"{path}:{number + 1}: this block has no end")
    if not info:
        raise Mistake(f"{path}:{number + 1}: say what this block is: ```sh, ```toml, ```text, ...")
    text = "".join(line.removeprefix(indent) + "\n" for line in lines[number + 1:end])
    language, *words = info.split()
    return Block(number + 1, language, words, text)


def _attach(path, block, found, since):
    """Joins expected output to its command, and a reason to what is not run."""
    said = "\n".join(since).strip()
    if block.is_command and not block.runs:
        reasons = NO_RUN.findall(said)
        if not reasons or not said.endswith("-->"):
            raise Mistake(f"{path}:{block.line}: ```sh no-run needs <!-- no-run: REASON --> right before it")
        block.reason = reasons[-1]
    if block.language == "text" and not said and found and found[-1].runs:
        found[-1].output = block.text
    found.append(block)


def _begins_indented(lines, number):
    """The first line of a block without fences, which nobody runs; not the text of a list."""
    if not lines[number].startswith("    ") or (number and lines[number - 1].strip()):
        return False
    above = next((line for line in reversed(lines[:number]) if line and not line.startswith(" ")), "")
    return not re.match(r"([-*+]|\d+\.) ", above)


def difference(expected, printed):
    """The first expected line that was not printed, in order; "…" stands for anything, alone on a line for any lines."""
    rest = printed.splitlines()
    for line in expected.splitlines():
        if line.strip() in ("", "…"):
            continue
        pattern = re.compile(".*".join(map(re.escape, re.split(r"\s*…\s*", re.sub(r"\s+", " ", line.strip())))))
        place = next((i for i, each in enumerate(rest) if pattern.fullmatch(re.sub(r"\s+", " ", each.strip()))), None)
        if place is None:
            return line
        del rest[:place + 1]
    return None


def completed(text):
    """A fragment with what a file needs besides: a listener, a route, the upstreams and programs that it names."""
    tables = tomllib.loads(text)
    before = after = ""
    if not all(listener["tls"].get("certificates") for listener in _as_list(tables.get("listeners")) if "tls" in listener):
        text = text.replace("[listeners.tls]\n", f"[listeners.tls]\ncertificates = [{DEFAULT_CERTIFICATE}]\n")
    if isinstance(tables.get("listeners"), dict):
        before += f'[[listeners]]\naddress = "{DEFAULT_ADDRESS}"\n'
    if isinstance(tables.get("routes"), dict):
        before += '[[routes]]\nto = "app"\n'
    if "listeners" not in tables:
        after += f'[[listeners]]\naddress = "{DEFAULT_ADDRESS}"\n'
    defined = {**tables.get("upstreams", {}), **tables.get("apps", {})}
    if "routes" not in tables:
        after += "".join(f'[[routes]]\npath = "/{name}"\nto = "{name}"\n' for name in defined) or "[[routes]]\nrespond = {}\n"
    wanted = {route.get("to") for route in _as_list(tables.get("routes"))} | ({"app"} if "[[routes]]" in before else set())
    for name in sorted((wanted - {None} - set(defined)) | {n for n, keys in tables.get("upstreams", {}).items() if _bare(keys)}):
        after += f'[upstreams.{name}]\nendpoints = ["{DEFAULT_ENDPOINT}"]\n'
    for name in (name for name, keys in tables.get("apps", {}).items() if _bare(keys)):
        after += f'[apps.{name}]\ncommand = ["true"]\n'
    return f"{before}{text}\n{after}"


def _bare(keys):
    """Only tables below it are in the fragment, as with [upstreams.shop.health]."""
    return all(isinstance(value, dict) for value in keys.values())


def _as_list(value):
    return value if isinstance(value, list) else [value] if value else []


def files_named(text):
    """What a configuration expects on the machine: (certificate and key pairs, {other file: bytes}, directories, programs)."""
    tables = tomllib.loads(text)
    tls = [listener["tls"] for listener in _as_list(tables.get("listeners")) if "tls" in listener]
    pairs = [(each["certificate"], each["private_key"]) for table in tls for each in table.get("certificates", [])]
    pairs += [(table["client_ca"], f"{table['client_ca']}-key") for table in tls if table.get("client_ca")]
    for upstream in tables.get("upstreams", {}).values():
        ours = upstream.get("tls", {})
        pairs += [(ours["certificate"], ours["private_key"])] if ours.get("certificate") else []
        pairs += [(ours["ca"], f"{ours['ca']}-key")] if ours.get("ca") else []
    others = {name: 80 for table in tls for name in table.get("ticket_key_files", [])}
    if secret := tables.get("server", {}).get("secret_file"):
        others[secret] = 32
    apps = [app for app in tables.get("apps", {}).values() if isinstance(app, dict)]
    others |= {app["environment_file"]: 0 for app in apps if app.get("environment_file")}
    directories = [app["directory"] for app in apps if app.get("directory")]
    programs = [app["command"][0] for app in apps if app.get("command")]
    return pairs, others, directories, programs


def sign_in_files(text):
    """What `auth` of routes names: keytabs without a key, and users with one."""
    contents = {}
    for route in _as_list(tomllib.loads(text).get("routes")):
        auth = route.get("auth", {})
        contents |= {auth["keytab"]: b"\5\2"} if auth.get("keytab") else {}
        contents |= {auth["users"]: b"alice:$2y$05$" + b"a" * 53 + b"\n"} if auth.get("users") else {}
    return contents


def all_documents(root):
    """Those that tell users what to type."""
    found = [root / "README.md", *(root / "config").glob("*.md"), *(root / "tests").glob("*.md"),
             *(root / "deploy").rglob("*.md"), *(root / "dashboards").rglob("*.md")]
    return sorted(path for path in found if path.exists())


def name_of(path, root):
    return str(pathlib.Path(path).relative_to(root))
