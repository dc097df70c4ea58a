"""A Debian root with a few packages and nothing else, put together from what is installed here: files and dpkg's records
of them are copied, so that it takes seconds and no network. What a package needs and does not declare is missing in it.
"""

import pathlib
import re
import subprocess

FIELDS = ("Package", "Architecture", "Essential", "Depends", "Pre-Depends", "Provides", "db:Status-Status")
EXCLUDED = re.compile(r"/usr/share/(doc|man|info|locale|i18n|zoneinfo)/.+")


def installed():
    """{name: fields} of every package here, and {virtual name: provider}."""
    pattern = "\\t".join(f"${{{field}}}" for field in FIELDS) + "\\n"
    text = subprocess.run(["dpkg-query", "-W", f"-f={pattern}"], capture_output=True, text=True, check=True).stdout
    packages, providers = {}, {}
    for line in text.splitlines():
        values = dict(zip(FIELDS, line.split("\t"), strict=True))
        if values["db:Status-Status"] == "installed":
            packages[values["Package"]] = values
            for provided in names_in(values["Provides"]):
                providers.setdefault(provided[0], values["Package"])
    return packages, providers


def names_in(relation):
    """[[alternative, ...], ...] of a dependency field, without versions."""
    return [[re.split(r"[ (:]", one.strip())[0] for one in group.split("|")] for group in relation.split(",") if group.strip()]


def closure(wanted):
    packages, providers = installed()
    pending = [name for name, values in packages.items() if values["Essential"] == "yes"] + list(wanted)
    chosen = set()
    while pending:
        name = pending.pop()
        name = name if name in packages else providers.get(name)
        if name is None or name in chosen:
            continue
        chosen.add(name)
        for group in names_in(packages[name]["Depends"]) + names_in(packages[name]["Pre-Depends"]):
            here = [one for one in group if one in packages or one in providers]
            if not here:
                raise RuntimeError(f"{name} needs {group}, which is not installed here")
            pending.append(here[0])
    return sorted(chosen), packages


def make(root, wanted):
    """Makes it in `root`, an empty folder, with `wanted` and what they need; returns all its packages."""
    chosen, packages = closure(wanted)
    root = pathlib.Path(root)
    files = subprocess.run(["dpkg-query", "-L", *chosen], capture_output=True, text=True, check=True).stdout.splitlines()
    files = sorted({file for file in files if file.startswith("/") and file != "/." and not EXCLUDED.fullmatch(file)
                    and pathlib.Path(file).is_symlink() | pathlib.Path(file).exists()})
    copy(root, files)
    copy_records(root, chosen, packages)
    # What postinst scripts of essential packages would have made.
    for name in ("passwd", "group"):
        (root / "etc" / name).write_bytes(pathlib.Path(f"/usr/share/base-passwd/{name}.master").read_bytes())
    copy(root, [str(link) for link in pathlib.Path("/etc/alternatives").iterdir()
                if link.is_symlink() and (root / str(link.readlink())[1:]).exists()])
    for name in ("tmp", "var/tmp"):
        (root / name).mkdir(exist_ok=True)
        (root / name).chmod(0o1777)
    if not (root / "usr/bin/awk").exists():
        (root / "usr/bin/awk").symlink_to("mawk")
    subprocess.run(["ldconfig", "-r", root], check=True)
    return chosen


def copy(root, files):
    pack = subprocess.Popen(["tar", "--create", "--no-recursion", "--null", "--files-from=-", "--absolute-names"],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    unpack = subprocess.Popen(["tar", "--extract", "--directory", root, "--strip-components=0", "--transform=s,^/,,"],
                              stdin=pack.stdout)
    pack.stdout.close()
    pack.stdin.write("\0".join(files).encode())
    pack.stdin.close()
    if unpack.wait() != 0 or pack.wait() != 0:
        raise RuntimeError("files could not be copied")


def copy_records(root, chosen, packages):
    records = pathlib.Path("/var/lib/dpkg")
    names = set(chosen) | {f"{name}:{packages[name]['Architecture']}" for name in chosen}
    copy(root, [str(path) for path in (records / "info").iterdir() if path.stem in names or path.name == "format"]
         + [str(records), str(records / "info")])
    paragraphs = (records / "status").read_text().split("\n\n")
    kept = [text for text in paragraphs if (match := re.match(r"Package: (\S+)", text)) and match[1] in chosen]
    (root / "var/lib/dpkg/status").write_text("\n\n".join(kept) + "\n")
    for name in ("updates", "triggers", "alternatives"):
        (root / "var/lib/dpkg" / name).mkdir(exist_ok=True)
    (root / "var/lib/dpkg/available").touch()


def files_in(root):
    """Every path in it, but for what dpkg and the kernel keep there."""
    found = subprocess.run(["find", ".", "-path", "./proc", "-prune", "-o", "-path", "./var/lib/dpkg", "-prune", "-o",
                            "-path", "./dev", "-prune", "-o", "-print"], cwd=root, capture_output=True, text=True, check=True)
    return set(found.stdout.splitlines())


def inside(root, *command):
    """The command line that runs `command` in it, with processes, mounts and a network of its own."""
    enter = ('mount --make-rprivate / 2>/dev/null || true; mount -t proc proc "$0/proc"; mount --rbind /dev "$0/dev"; ip link set lo up; '
             'exec chroot "$0" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 "$@"')
    return ["unshare", "--mount", "--propagation", "unchanged", "--pid", "--net", "--fork", "--kill-child",
            "sh", "-ec", enter, str(root), *map(str, command)]
