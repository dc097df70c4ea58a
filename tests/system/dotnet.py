"""Real ASP.NET Core apps: those of dotnet/, and what `dotnet new` makes of a template, published once with the machine's SDK.

They are kept in the cache by what they are made of and by which SDK. Without an SDK, or without the packages that one needs,
published() skips the test that asks for it and says why.
"""

import contextlib
import fcntl
import functools
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import apps
import harness

SOURCES = harness.ROOT / "tests" / "system" / "dotnet"
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "gatehouse" / "dotnet-apps"
PROFILE = 'profile = "aspnetcore"'
UNREACHABLE = re.compile(r"error NU1(301|101|102|103):.*")  # no source answers, or none has the package

# Nothing of these commands stays behind, neither on disk nor as a process.
QUIET = {"DOTNET_CLI_TELEMETRY_OPTOUT": "1", "DOTNET_NOLOGO": "1", "DOTNET_GENERATE_ASPNET_CERTIFICATE": "false",
         "DOTNET_CLI_WORKLOAD_UPDATE_NOTIFY_DISABLE": "true", "DOTNET_CLI_USE_MSBUILD_SERVER": "0",
         "MSBUILDDISABLENODEREUSE": "1", "UseSharedCompilation": "false"}


@functools.cache
def sdk():
    """The version of the SDK; None without one."""
    if not shutil.which("dotnet"):
        return None
    done = subprocess.run(["dotnet", "--version"], capture_output=True, text=True, check=False, env={**os.environ, **QUIET})
    return done.stdout.strip() if done.returncode == 0 else None


def run(*arguments, directory):
    return subprocess.run(["dotnet", *map(str, arguments)], cwd=directory, capture_output=True, text=True, check=False,
                          timeout=280, env={**os.environ, **QUIET})


def must(*arguments, directory):
    done = run(*arguments, directory=directory)
    if done.returncode != 0:
        raise AssertionError(f"dotnet {' '.join(map(str, arguments))}:\n{done.stdout}{done.stderr}")


def restore(directory):
    done = run("restore", directory=directory)
    if done.returncode != 0 and (missing := UNREACHABLE.search(done.stdout + done.stderr)):
        raise unittest.SkipTest(f"packages from NuGet are not to be had: {missing[0][:200]}")
    if done.returncode != 0:
        raise AssertionError(f"dotnet restore:\n{done.stdout}{done.stderr}")


def key_of(name, template):
    sources = sorted(path for path in SOURCES.rglob("*") if path.is_file()) if not template else []
    digest = hashlib.sha256(json.dumps([name, template, sdk()]).encode())
    for path in sources:
        digest.update(str(path.relative_to(SOURCES)).encode() + b"\0" + path.read_bytes() + b"\0")
    return f"{name}-{digest.hexdigest()[:16]}"


@functools.cache
def published(name, *template):
    """The folder that `dotnet publish` wrote for dotnet/NAME, or for `dotnet new TEMPLATE... -o NAME`."""
    if not sdk():
        raise unittest.SkipTest("there is no .NET SDK on this machine")
    CACHE.mkdir(parents=True, exist_ok=True)
    target = CACHE / key_of(name, template)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            for old in CACHE.glob(f"{name}-*"):
                shutil.rmtree(old)
            with tempfile.TemporaryDirectory(dir=CACHE, prefix="building-") as place:
                build(pathlib.Path(place), name, template).rename(target)
    return target


def build(place, name, template):
    if template:
        must("new", *template, "-o", name, "--no-restore", directory=place)
    else:
        shutil.copytree(SOURCES, place, dirs_exist_ok=True, ignore=shutil.ignore_patterns("bin", "obj"))
    restore(place / name)
    must("publish", "--no-restore", "-o", place / "published", directory=place / name)
    return place / "published"


@contextlib.contextmanager
def copy_of(name, *template):
    """Its published folder, for a test that changes what is in there."""
    with tempfile.TemporaryDirectory(prefix="gatehouse-dotnet-", ignore_cleanup_errors=True) as place:
        yield shutil.copytree(published(name, *template), pathlib.Path(place) / name)


def app(name, assembly, *mode, keys=PROFILE, program="dotnet"):
    """The table of an app that runs a published assembly."""
    folder, _, file = str(assembly).rpartition("/")
    return (f'[apps.{name}]\ncommand = {json.dumps([program, file, *map(str, mode)])}\ndirectory = "{folder}"\n{keys}\n')


def hosted(assembly, *mode, keys=PROFILE, more=""):
    """The assembly behind all protocols, as the app `web`."""
    return harness.LISTENERS + '[[routes]]\nto = "web"\n' + app("web", assembly, *mode, keys=keys) + more


class Gatehouse(apps.Gatehouse):
    """What apps write to their home is thrown away with the rest."""

    def __init__(self, config, **keywords):
        super().__init__(config, **keywords)
        self.environment = {"HOME": str(self.directory), **self.environment}


def main():
    """As harness.main(), where there is an SDK."""
    if not sdk():
        print("skipped: there is no .NET SDK on this machine")
        raise SystemExit(77)
    harness.main()
