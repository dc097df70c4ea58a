"""Includes go only where proxy/ARCHITECTURE.md's table lets them: between our folders, and to third parties."""

import re

import tree

# folder: the folders of ours that it may include, besides itself. The deepest folder that matches a file counts.
# Each stands below all that it may include, so that no circle can be entered.
MAY_INCLUDE = {
    "common": [],
    "common/crypto": ["common"],
    "common/watch": ["common"],
    "config/policy": ["common"],
    "config": ["config/policy", "common/crypto", "common"],
    "config/reading": ["config", "config/policy", "common/crypto", "common"],
    "config/showing": ["config", "config/policy", "common"],
    "config/web_config": ["config", "config/policy", "common"],
    "proxy/http": ["config/policy", "common/crypto", "common"],
    "proxy/http/exchange": ["proxy/http", "config/policy", "common"],
    "proxy/http/conditional": ["proxy/http", "config/policy", "common"],
    "proxy/http/h1": ["proxy/http", "config/policy", "common"],
    "proxy/http/filters": ["proxy/http/h1", "proxy/http/exchange", "proxy/http", "config/policy", "common"],
    "proxy/system": ["common/crypto", "common"],
    "proxy/upstream": ["proxy/http/h1", "proxy/http/exchange", "proxy/http", "config/policy", "common/crypto", "common"],
    "proxy/frontend/tls": ["config/policy", "common/crypto", "common"],
    "proxy/frontend": ["proxy/frontend/tls", "proxy/http/exchange", "proxy/http", "common/crypto", "common"],
    "proxy/frontend/h1": ["proxy/frontend", "proxy/http/h1", "proxy/http/exchange", "proxy/http", "common"],
    "proxy/frontend/h2": ["proxy/frontend", "proxy/http/exchange", "proxy/http", "common"],
    "proxy/frontend/h3": ["proxy/frontend", "proxy/http/exchange", "proxy/http", "common/crypto", "common"],
    "proxy/frontend/quic": ["proxy/frontend/h3", "proxy/frontend", "proxy/frontend/tls", "proxy/http", "config/policy",
                            "common/crypto", "common"],
    "proxy/frontend/accept": ["proxy/frontend/h1", "proxy/frontend/h2", "proxy/frontend", "proxy/frontend/tls",
                              "proxy/http", "common/crypto", "common"],
    "proxy/observe": ["proxy/http/exchange", "proxy/http", "config/policy", "common"],
    "proxy/gates": ["proxy/http", "config/policy", "common/crypto", "common"],
    "proxy/files": ["proxy/http/conditional", "proxy/http/exchange", "proxy/http", "proxy/system", "config/policy", "common/crypto",
                    "common"],
    "proxy/cache": ["proxy/http/conditional", "proxy/http/exchange", "proxy/http", "config/policy", "common"],
    "proxy/forward": ["proxy/cache", "proxy/gates", "proxy/files", "proxy/upstream", "proxy/http/filters", "proxy/http/exchange", "proxy/http", "proxy/observe", "config/policy",
                      "common/crypto", "common"],
    "proxy/health": ["proxy/upstream", "proxy/http/exchange", "proxy/http", "config/policy", "common/crypto", "common"],
    "proxy/apps/files": ["proxy/system", "common/watch", "common"],
    "proxy/apps/process": ["proxy/system", "common/crypto", "common"],
    "proxy/apps": ["proxy/apps/process", "proxy/apps/files", "proxy/system", "config/policy", "common/crypto", "common/watch", "common"],
    "proxy/discovery": ["proxy/apps/process", "proxy/apps", "proxy/health", "proxy/observe", "proxy/upstream", "proxy/http", "proxy/system",
                        "config/policy", "common/crypto", "common"],
    "proxy/runtime": ["proxy/discovery", "proxy/apps", "proxy/cache", "proxy/forward", "proxy/files", "proxy/gates", "proxy/observe",
                      "proxy/frontend/accept", "proxy/frontend/quic", "proxy/frontend", "proxy/frontend/tls", "proxy/upstream", "proxy/http/exchange", "proxy/http",
                      "proxy/system", "config", "config/policy", "common/crypto", "common"],
    "proxy/admin": ["proxy/runtime", "proxy/discovery", "proxy/apps", "proxy/cache", "proxy/gates", "proxy/observe",
                    "proxy/frontend/accept", "proxy/frontend", "proxy/http/exchange", "proxy/http", "proxy/system", "common"],
    "proxy/server": ["proxy/admin", "proxy/runtime", "proxy/discovery", "proxy/apps/files", "proxy/apps/process", "proxy/apps",
                     "proxy/observe", "proxy/system", "config/reading", "config/showing", "config", "common/crypto", "common/watch", "common"],
    "proxy/explain": ["proxy/runtime", "proxy/discovery", "proxy/apps/files", "proxy/apps", "proxy/forward",
                      "proxy/gates", "proxy/observe", "proxy/frontend", "proxy/frontend/tls", "proxy/upstream", "proxy/http/h1",
                      "proxy/http/exchange", "proxy/http", "config", "config/policy", "common"],
    "proxy/doctor": ["proxy/discovery", "proxy/apps/process", "proxy/apps", "proxy/upstream", "proxy/http", "proxy/system", "config/reading",
                     "config", "common/crypto", "common"],
    "proxy/cli": ["proxy/server", "proxy/admin", "proxy/explain", "proxy/doctor", "proxy/system", "config/reading",
                  "config/showing", "config/web_config", "config", "common/crypto", "common"],
    "proxy": ["proxy/cli"],  # main.cc
    "tests": ["tests", "proxy", "proxy/cli", "proxy/doctor", "proxy/explain", "proxy/server", "proxy/admin",
              "proxy/runtime", "proxy/discovery", "proxy/apps", "proxy/apps/process", "proxy/apps/files", "proxy/health", "proxy/cache", "proxy/forward", "proxy/gates", "proxy/files",
              "proxy/observe", "proxy/frontend/accept", "proxy/frontend/quic", "proxy/frontend/h3",
              "proxy/frontend/h2", "proxy/frontend/h1", "proxy/frontend", "proxy/frontend/tls", "proxy/upstream",
              "proxy/system", "proxy/http/filters", "proxy/http/conditional", "proxy/http/h1", "proxy/http/exchange", "proxy/http", "config/reading", "config/showing", "config/web_config", "config",
              "config/policy", "common/crypto", "common/watch", "common"],
}

# header: the files that may include it, besides the tests.
THIRD_PARTY = {
    r"event2/": r"common/(event_loop|io_watcher)[^/]*",
    r"openssl/": r"common/crypto/[^/]*|proxy/frontend/(quic|tls)/[^/]*",
    r"crypt\.h": r"common/crypto/password_hash[^/]*",
    r"gssapi/": r"proxy/gates/kerberos_acceptor[^/]*",
    r"(spdlog|fmt)/": r"common/log[^/]*",
    r"toml\+\+/": r"config/reading/[^/]*",
    r"pugixml\.hpp": r"config/web_config/[^/]*",
    r"ares\.h": r"proxy/discovery/resolver[^/]*",
    r"nghttp2/": r"proxy/frontend/h2/[^/]*",
    r"ngtcp2/": r"proxy/frontend/quic/[^/]*|proxy/frontend/(tls/)?quic_parameters\.cc",
    r"nghttp3/": r"proxy/frontend/h3/[^/]*",
    r"prometheus/": r"proxy/observe/[^/]*",
    r"nlohmann/": r"proxy/admin/status_[^/]*|proxy/(explain|doctor)/[^/]*_json[^/]*",
    r"CLI/": r"proxy/cli/[^/]*",
    r"llhttp\.h|(gtest|gmock|benchmark|valgrind)/": r"tests/.*",
}

# The C++ library, the C library, Linux and the compiler's own.
SYSTEM = re.compile(r"[a-z_]+"
                    r"|(sys|netinet|net|arpa|linux|sanitizer)/[a-z0-9_]+\.h"
                    r"|(dirent|dlfcn|endian|fcntl|fnmatch|getopt|glob|grp|ifaddrs|immintrin|limits|locale|malloc|netdb|poll"
                    r"|pthread|pwd|sched|signal|spawn|stdlib|syslog|termios|time|unistd|wait)\.h")


def folder_of(path):
    """The folder of the table that a path, or an include, belongs to."""
    parts = str(path).split("/")
    for length in (3, 2, 1):
        name = "/".join(parts[:length])
        if len(parts) > length and name in MAY_INCLUDE:
            return name
    return None


def problem_of_own(path, target):
    home, other = folder_of(path), folder_of(target)
    if other is None:
        return f'"{target}" is not a path from the root of the tree'
    if other == home or other in MAY_INCLUDE.get(home, []):
        return None
    return f"{home} may not include {other} ({target})"


def problem_of_third_party(path, target):
    for header, users in THIRD_PARTY.items():
        if re.match(header, target):
            if re.fullmatch(users, str(path)) or str(path).startswith("tests/"):
                return None
            return f"<{target}> belongs to {users} only"
    if SYSTEM.fullmatch(target):
        return None
    return f"<{target}> is a library that no folder has"


def problems_of_table():
    above = set()
    for folder, others in MAY_INCLUDE.items():
        for other in others:
            if other != folder and other not in above:
                yield f"{folder} may not include {other}, which stands below it in the table"
        above.add(folder)


def check(t):
    problems = list(problems_of_table())
    for path in t.files(".cc", ".h"):
        for number, line in enumerate(t.text(path).splitlines(), 1):
            match = tree.INCLUDE.match(line)
            if match:
                find = problem_of_own if match[1] == '"' else problem_of_third_party
                problem = find(path, match[2])
                if problem:
                    problems.append(f"{path}:{number}: {problem}")
    return problems


if __name__ == "__main__":
    tree.main(check)
