"""Documents are true: their commands run as written, their TOML passes `gatehouse check`, their links lead somewhere."""

import contextlib
import pathlib
import re
import shutil
import sys
import tempfile
import unittest

import document_session
import documents
import harness

# Commands that cannot run in the test, and code without a fence, which does not: counted. The reason stands before each.
NO_RUN = {
    "README.md": 1,
    "deploy/README.md": 1,
    "deploy/docker.md": 4,
    "deploy/guides/certificates.md": 1,
    "deploy/guides/udp-buffers.md": 1,
    "deploy/prometheus/README.md": 1,
    "deploy/status.md": 1,
    "deploy/systemd.md": 5,
    "tests/README.md": 1,
}
# Programs that a document needs and that not every machine has.
NEEDS = {"deploy/guides/aspnetcore.md": "dotnet", "deploy/guides/windows-authentication.md": "krb5kdc"}
# Run by another test, which has what they need.
ELSEWHERE = {"deploy/guides/certificates.md": "test_certificates.py",
             "deploy/kubernetes/README.md": "test_kubernetes.py"}

WAY = document_session.way_in()
DOCUMENTS = documents.all_documents(harness.ROOT)


class Documents(unittest.TestCase):
    """A test for each document and verb is added below."""

    maxDiff = None

    def session(self, verb, document):
        code, said = document_session.start(WAY, verb, document)
        self.assertEqual(code, 0, said)

    def test_what_is_not_run_is_listed(self):
        counted = {}
        for path in DOCUMENTS:
            count = 0
            with contextlib.suppress(documents.Mistake):  # which has a test of its own
                count = sum(bool(block.reason) for block in documents.blocks_of(path))
            if count:
                counted[documents.name_of(path, harness.ROOT)] = count
        self.assertEqual(counted, NO_RUN)

    def test_links_lead_somewhere(self):
        for path in DOCUMENTS:
            for link in re.findall(r"\]\(([^)#\s]+)", path.read_text()):
                if not link.startswith(("http:", "https:")):
                    target = (path.parent / link).resolve()
                    self.assertTrue(target.exists(), f"{documents.name_of(path, harness.ROOT)}: {link}")

    def test_keys_in_running_text_exist(self):
        reference = (harness.ROOT / "config" / "reference.toml").read_text()
        known = set(re.findall(r"\b(\w+) = ", reference)) | set(re.findall(r"^\[+[\w.]*\b(\w+)\]", reference, re.MULTILINE))
        for path in DOCUMENTS:
            for key in re.findall(r"`([a-z_]+) = ", path.read_text()):
                self.assertIn(key, known, documents.name_of(path, harness.ROOT))

    def test_what_is_wrong_is_found(self):
        self.assertIsNone(documents.difference("a …\n…\nlast\n", "first\na b  c\n\n  last\n"))
        self.assertEqual(documents.difference("a\nb\n", "b\na\n"), "b")
        self.assertEqual(self.written("Text:\n\n    gatehouse run\n", documents.blocks_of)[0].reason, "indented code")
        for text in ("```\nuntagged\n```\n", "```sh no-run\nx\n```\n", "```sh\nno end\n"):
            with self.subTest(text), self.assertRaises(documents.Mistake):
                self.written(text, documents.blocks_of)
        for verb, good, bad in (("run", "```sh\nX=1; echo $X\n```\n```text\n1\n```\n", "```sh\nfalse\ntrue\n```\n"),
                                ("run", "```sh\ntrue &&\n  echo a\n```\n", "```sh\necho a\n```\n```text\nb\n```\n"),
                                ("check", "```toml\n[apps.a]\ncommand = [\"true\"]\n```\n", "```toml\n[apps.a]\ncomand = 1\n```\n")):
            with self.subTest(bad):
                self.written(good, lambda path, verb=verb: self.session(verb, path))
                code, said = self.written(bad, lambda path, verb=verb: document_session.start(WAY, verb, path))
                self.assertEqual(code, 1, said)

    @staticmethod
    def written(text, use):
        with tempfile.TemporaryDirectory(prefix="gatehouse-document-") as folder:
            path = pathlib.Path(folder) / "document.md"
            path.write_text(text)
            return use(path)


def add_tests():
    for path in DOCUMENTS:
        name = re.sub(r"\W+", "_", documents.name_of(path, harness.ROOT).removesuffix(".md"))
        try:
            blocks = documents.blocks_of(path)
        except documents.Mistake as mistake:
            setattr(Documents, f"test_form_of_{name}", lambda self, mistake=mistake: self.fail(mistake))
            continue
        if any(block.runs for block in blocks) and documents.name_of(path, harness.ROOT) not in ELSEWHERE:
            program = NEEDS.get(documents.name_of(path, harness.ROOT))
            run = unittest.skipIf(program and not shutil.which(program), f"there is no {program} here")
            setattr(Documents, f"test_run_{name}", run(lambda self, path=path: self.session("run", path)))
        if any(block.language == "toml" for block in blocks):
            setattr(Documents, f"test_check_{name}", lambda self, path=path: self.session("check", path))


if __name__ == "__main__":
    if WAY is None:
        print("this machine lets us make no namespaces")
        sys.exit(77)
    add_tests()
    harness.main()
