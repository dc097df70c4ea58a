"""A fresh root with a systemd of its own as the first process: the service as it really runs, sandbox and all."""

import contextlib
import os
import pathlib
import subprocess

import fresh_root
import harness

# Within a chroot there is no pivot_root: joining our own mount namespace anew leads to its true root.
ENTER = """
mount --make-rprivate / 2>/dev/null || true
ip link set lo up
exec nsenter --mount=/proc/self/ns/mnt sh -ec "$1" sh "$2"
"""
BOOT = """
mount --bind "$1" "$1"
cd "$1"
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
for folder in run tmp dev; do mount -t tmpfs tmpfs $folder; done
for device in null zero full random urandom tty; do touch dev/$device; mount --bind /dev/$device dev/$device; done
ln -s /proc/self/fd dev/fd
ln -s pts/ptmx dev/ptmx
mkdir dev/shm
mkdir -p former
pivot_root . former
umount -l /former
exec env -i PATH=/usr/sbin:/usr/bin container=test /usr/lib/systemd/systemd --system --show-status=0 --unit=gatehouse.service
"""


def prepare(root, **drop_in):
    """Nothing but the service is to start; its settings may be others."""
    (root / "etc/machine-id").write_text("0123456789abcdef0123456789abcdef\n")
    for wants in (*root.glob("usr/lib/systemd/system/sysinit.target.wants/*"), *root.glob("etc/systemd/system/*.wants/*")):
        wants.unlink()
    folder = root / "etc/systemd/system/gatehouse.service.d"
    folder.mkdir()
    (folder / "test.conf").write_text("[Service]\n" + "".join(f"{name}={value}\n" for name, value in drop_in.items()))


class Machine:
    def __init__(self, root, pid):
        self.root, self.pid = root, pid

    def run(self, *command):
        return subprocess.run(["nsenter", "-t", str(self.pid), "-m", "-p", "-n", "-i", "-u", "-C", "env", "-i",
                               "PATH=/usr/sbin:/usr/bin", *command], capture_output=True, text=True,
                              timeout=harness.PATIENCE, check=False)

    def property(self, name, unit="gatehouse.service"):
        return self.run("systemctl", "show", "--value", "-p", name, unit).stdout.strip()

    def curl(self, *arguments):
        """In its network; the program is ours."""
        return subprocess.run(["nsenter", "-t", str(self.pid), "-n", "curl", "-sS", "--max-time", "20", *arguments],
                              capture_output=True, text=True, timeout=harness.PATIENCE, check=False)

    def main_pid(self):
        """Of the service, as we see it."""
        for process in children(self.pid):
            if pathlib.Path(f"/proc/{process}/comm").read_text().strip() == "gatehouse":
                return process
        return None


def children(pid):
    try:
        return [int(word) for word in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


@contextlib.contextmanager
def boot(root):
    """Yields it once systemd answers; skips where the machine does not let us."""
    log = root.parent / "boot.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "unchanged", "--pid", "--net", "--ipc", "--uts", "--cgroup", "--fork",
             "--kill-child", "sh", "-ec", ENTER, "sh", BOOT, str(root)], stdout=output, stderr=output, stdin=subprocess.DEVNULL)
    machine = Machine(root, 0)

    def answers():
        if process.poll() is not None:
            return True
        machine.pid = (children(process.pid) or [0])[0]
        return machine.pid and machine.property("ActiveState") in ("active", "failed")

    try:
        harness.wait_until(answers, "systemd answers")
        yield machine if process.poll() is None else None
    finally:
        if machine.pid and process.poll() is None:
            os.kill(machine.pid, 9)
        process.wait(harness.PATIENCE)
        if "Failed" in log.read_text() or not machine.pid:
            print(log.read_text())
