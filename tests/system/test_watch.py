"""Watched files: what is changed on disk is served without a command, and what is broken on disk is not."""

import signal
import ssl
import unittest

import harness

SERVER = '[server]\nadmin = "127.0.0.1:{admin}"\nwatch = true\n'
ANSWERS = """
[[listeners]]
address = "127.0.0.1:{http}"
[[listeners]]
address = ":{port}"
[listeners.tls]
certificates = [{{ certificate = "{cert}", private_key = "{key}" }}]
ticket_key_files = ["{directory}/tickets"]
[[routes]]
respond = {{ status = 200, body = "VERSION" }}
"""


class Mounted(harness.Gatehouse):
    """Its configuration is where Kubernetes mounts a ConfigMap: behind two links, of which one is swapped."""

    def __init__(self, config):
        super().__init__(config)
        (self.directory / "tickets").write_bytes(bytes(range(80)))
        (self.directory / "tickets").chmod(0o600)
        self.versions = 0
        self.text = self.file.read_text()
        self.file.unlink()
        self.mount(self.text)
        self.file.symlink_to("..data/gatehouse.toml")

    def mount(self, text):
        self.versions += 1
        folder = self.directory / f"..version-{self.versions}"
        folder.mkdir()
        (folder / "gatehouse.toml").write_text(text)
        draft = self.directory / "..data_tmp"
        draft.symlink_to(folder.name)
        draft.rename(self.directory / "..data")

    def body(self):
        return harness.curl(f"http://127.0.0.1:{self.http}/").body

    def generation(self):
        return sum("is in force" in line for line in self.messages)


class Watch(unittest.TestCase):
    def setUp(self):
        self.gatehouse = self.enterContext(Mounted(SERVER + ANSWERS.replace("VERSION", "first")))

    def await_body(self, body):
        harness.wait_until(lambda: self.gatehouse.body() == body, f"the answer {body}")

    def test_a_swapped_config_map_is_in_force_without_a_command(self):
        self.assertEqual(self.gatehouse.body(), b"first")
        for version in ("second", "third"):
            self.gatehouse.mount(self.gatehouse.text.replace("first", version))
            self.await_body(version.encode())
        self.assertEqual(self.gatehouse.generation(), 2)
        self.gatehouse.mount(self.gatehouse.text.replace("watch = true", "watch = false"))
        self.await_body(b"first")
        self.gatehouse.mount(self.gatehouse.text)  # nobody looks any more
        self.gatehouse.process.send_signal(signal.SIGHUP)
        harness.wait_until(lambda: self.gatehouse.generation() == 4, "the reload that was asked for")

    def test_a_broken_file_changes_nothing_and_says_why_and_is_not_the_end(self):
        self.gatehouse.mount(self.gatehouse.text.replace("first", "second") + "nonsense = 1\n")
        self.gatehouse.await_message("the configuration of before stays in force")
        self.assertRegex(self.gatehouse.log(), r"gatehouse\.toml:\d+:1: .*nonsense")
        self.assertEqual(self.gatehouse.metric("^gatehouse_config_last_reload_success"), 0)
        self.assertEqual(self.gatehouse.body(), b"first")
        self.gatehouse.mount(self.gatehouse.text.replace("first", "second"))
        self.await_body(b"second")
        self.assertEqual(self.gatehouse.metric("^gatehouse_config_last_reload_success"), 1)

    def test_a_renewed_certificate_and_a_new_ticket_key_are_taken_too(self):
        def served():
            return ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(("localhost", self.gatehouse.port)))

        certificate, key = harness.make_certificate(self.gatehouse.directory, "renewed", "localhost")
        key.rename(self.gatehouse.key)
        certificate.rename(self.gatehouse.certificate)
        renewed = ssl.PEM_cert_to_DER_cert(self.gatehouse.certificate.read_text())
        harness.wait_until(lambda: served() == renewed, "the renewed certificate")
        before = self.gatehouse.generation()
        (self.gatehouse.directory / "tickets").write_bytes(bytes(reversed(range(80))))
        harness.wait_until(lambda: self.gatehouse.generation() > before, "a reload for the ticket key")
        (self.gatehouse.directory / "tickets").write_bytes(b"short")
        self.gatehouse.await_message(r"tickets holds 5 bytes")


class Included(harness.Gatehouse):
    """Its sites stand in files of a folder."""

    def __init__(self):
        super().__init__(SERVER + '[[listeners]]\naddress = "127.0.0.1:{http}"\n')
        self.file.write_text('include = ["sites/*.toml"]\n' + self.file.read_text())
        self.sites = self.directory / "sites"
        self.sites.mkdir()
        self.site("base", "/", "base")

    def site(self, name, path, body):
        (self.sites / f"{name}.toml").write_text(f'[[routes]]\npath = "{path}"\nrespond = {{ status = 200, body = "{body}" }}\n')

    def body(self, path):
        return harness.curl(f"http://127.0.0.1:{self.http}{path}").body


class WatchedFolder(unittest.TestCase):
    def test_sites_come_and_change_and_go_and_a_broken_one_is_awaited(self):
        with Included() as gatehouse:
            def await_body(path, body):
                harness.wait_until(lambda: gatehouse.body(path) == body, f"the answer {body}")

            self.assertEqual(gatehouse.body("/shop"), b"base")
            gatehouse.site("shop", "/shop", "shop")
            await_body("/shop", b"shop")
            gatehouse.site("shop", "/shop", "changed")
            await_body("/shop", b"changed")
            (gatehouse.sites / "blog.toml").write_text("[[routes]\n")
            gatehouse.await_message("the configuration of before stays in force")
            self.assertRegex(gatehouse.log(), r"sites/blog\.toml:1:\d+: ")
            self.assertEqual(gatehouse.body("/shop"), b"changed")
            gatehouse.site("blog", "/blog", "blog")
            await_body("/blog", b"blog")
            (gatehouse.sites / "shop.toml").unlink()
            await_body("/shop", b"base")


if __name__ == "__main__":
    harness.main()
