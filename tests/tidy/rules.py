"""The rules. Each takes the tree and yields (path, line, what is wrong); the docstring is the rule."""

import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

# ---- arrows: which rooms a room may include, beside itself. nodes and tests may include everything.
REPLICATED = ["messages", "supervision/runtime", "supervision/tree", "supervision/replication"]
ARROWS = {
    "messages": [],
    "actors/ingress/client": ["messages"],
    "supervision/runtime": ["messages"],
    "supervision/tree": ["messages", "supervision/runtime"],
    "supervision/replication": ["messages", "supervision/runtime", "supervision/tree"],
    "supervision/orchestrator": REPLICATED,
    "supervision/drills": ["messages"],
    "actors/orders": REPLICATED + ["actors/orders/shard"],
    "actors/orders/shard": REPLICATED + ["actors/orders", "actors/risk", "actors/routing"],
    "nodes": None,
    "tests": None,
}
for _room in ("ingress", "risk", "routing", "venues", "allocation", "telemetry", "agents"):
    ARROWS["actors/" + _room] = REPLICATED
ARROWS["actors/telemetry/detect"] = ["messages"]
ARROWS["actors/telemetry"] = REPLICATED + ["actors/telemetry/detect"]
ARROWS["actors/agents"] = REPLICATED + ["actors/telemetry/detect"]  # pure judgements of numbers, no state to share
ARROWS["actors/ingress"] = REPLICATED + ["actors/ingress/client"]  # both ends of one wire
# Shells that other rooms build on, so they may include them.
SHARED_SHELLS = ("supervisor_actor.hpp", "replica_actor.hpp")


def arrows(tree):
    """A room includes only the rooms that the map of rooms allows it."""
    for file in tree.cpp():
        allowed = ARROWS.get(file.room, [])
        if allowed is None:
            continue
        for number, name, _ in file.includes:
            target = tree.files.get(name)
            if target is None or target.room in ("", file.room):
                continue
            if target.room not in allowed:
                yield file.path, number, f"{file.room} may not include {target.room} ({name})"
            elif file.room == "actors/orders/shard" and target.room in ("actors/risk", "actors/routing") \
                    and target.layer not in ("", file.layer):
                yield file.path, number, f"the shard may include only pure cores of {target.room} ({name})"


def room_borders(tree):
    """Across rooms only headers without suffix are included, the shared shells, and the includer's own layer."""
    for file in tree.cpp():
        if file.room in ("nodes", "tests", ""):
            continue
        for number, name, _ in file.includes:
            target = tree.files.get(name)
            if target is None or target.room == file.room or not target.layer:
                continue
            if target.name in SHARED_SHELLS and file.layer == "actor":
                continue
            if target.layer == file.layer:
                continue
            yield file.path, number, f"{name} is the {target.layer} layer of another room"


def includes_from_root(tree):
    """Project headers are included by their path from the root, in quotes; all else in angle brackets."""
    for file in tree.cpp():
        for number, name, angled in file.includes:
            exists = name in tree.files
            generated = name.endswith((".capnp.h", ".pb.h"))
            if not angled and not exists and not generated:
                yield file.path, number, f'"{name}" is no file of the repository (paths start at the root)'
            if angled and exists:
                yield file.path, number, f"<{name}> is ours: use quotes"


# ---- layers: which library headers belong to which suffix.
POSIX = (r"(sys|netinet|arpa|net|linux|asm)/.*|(unistd|fcntl|poll|netdb|signal|pthread|sched|dirent|dlfcn|spawn|pwd|"
         r"grp|syslog|termios|ifaddrs|mqueue|semaphore|wait|libgen|ftw|glob)\.h")
LIBRARIES = [
    # headers, layers that may include them, further places, the name in the message
    (r"caf/.*", (), ("supervision/runtime/",), "CAF (only supervision/runtime)"),
    (r"quickfix/.*", (), ("actors/venues/quickfix.hpp",), "QuickFIX (only the wrapper actors/venues/quickfix.hpp)"),
    (r"actors/venues/quickfix\.hpp", ("quickfix",), (), "QuickFIX"),
    (r"rocksdb/.*", ("rocksdb",), (), "RocksDB"),
    (r"(capnp|kj)/.*|.*\.capnp\.h", ("capnp",), (), "Cap'n Proto"),
    (r"boost/beast.*", ("http",), (), "Boost.Beast"),
    (r"boost/asio.*", ("http", "asio"), (), "Boost.Asio"),
    (r"nlohmann/.*", ("http",), ("nodes/", "supervision/replication/protocol/record.cpp"), "nlohmann-json"),
    (r"rapidjson/.*", (), ("actors/agents/llm/json.hpp",), "RapidJSON (only actors/agents/llm/json.hpp)"),
    (r"toml\+\+/.*", ("toml",), (), "toml++"),
    (r"curl/.*", ("curl",), (), "libcurl"),
    (r"(grpc|grpcpp|google/protobuf)/.*|.*\.pb\.h", ("etcd",), (), "gRPC"),
    (r"CLI/.*", (), ("nodes/",), "CLI11 (only nodes)"),
    (r"(spdlog|fmt)/.*", ("actor", "rocksdb", "quickfix", "capnp", "http", "toml", "asio", "curl", "etcd", "linux"),
     ("nodes/",), "spdlog"),
    (r"zlib\.h", ("linux",), (), "zlib"),
    (r"jemalloc/.*", ("linux",), (), "jemalloc"),
    (r"openssl/.*", ("linux", "capnp", "http", "asio", "curl"), (), "OpenSSL"),
    (POSIX, ("linux", "rocksdb", "quickfix", "capnp", "http", "asio", "curl"),
     ("nodes/node/node_actor.cpp",),  # composition: it makes the node's random source
     "a system header"),
]
# Computation without state, time or I/O, and notes to the sanitizers: free for all.
PURE_LIBRARIES = re.compile(r"sanitizer/.*|xxhash\.h|boost/(intrusive|container|circular_buffer).*")


def _foreign(name, path, layer):
    """The message if a file at `path` with `layer` may not include the library header `name`, else None."""
    for pattern, layers, places, words in LIBRARIES:
        if re.fullmatch(pattern, name):
            if layer in layers or any(path.startswith(p) for p in places):
                return None
            suffixes = ", ".join("_" + l for l in layers)
            return f"{words}: <{name}> belongs in " + (f"a file with the suffix {suffixes}" if layers else "there")
    return None


C_HEADERS = re.compile(r"(std\w+|string|errno|limits|math|time|wchar|ctype|assert|inttypes|malloc)\.h")


def _is_known(name):
    return (re.fullmatch(r"[a-z_0-9]+", name) is not None or name.endswith((".capnp.h", ".pb.h"))
            or PURE_LIBRARIES.fullmatch(name) is not None or C_HEADERS.fullmatch(name) is not None
            or any(re.fullmatch(entry[0], name) for entry in LIBRARIES))


def layers(tree):
    """A library's headers are included only by files whose suffix names that layer."""
    for file in tree.cpp():
        if file.is_main or file.in_tests:
            continue
        for number, name, angled in file.includes:
            wrong = _foreign(name, file.path, file.layer)
            if wrong:
                yield file.path, number, wrong
            elif angled and not _is_known(name):
                yield file.path, number, f"<{name}> is a library that no layer is known to use: extend tests/tidy/rules.py"


IMPURE = {
    "chrono", "ctime", "iostream", "fstream", "filesystem", "thread", "mutex", "shared_mutex", "condition_variable",
    "future", "semaphore", "latch", "barrier", "stop_token", "time.h",
}
HEAVY = re.compile(r"(caf|quickfix|rocksdb|capnp|kj|toml\+\+|nlohmann|spdlog|grpc|grpcpp)/.*|boost/(asio|beast).*")
IMPURE_CODE = [
    (re.compile(r"\brandom_device\b"), "randomness is handed in"),
    (re.compile(r"\b(system|steady|high_resolution)_clock\b|\bclock_gettime\b|\bgettimeofday\b"), "`now` is handed in"),
    (re.compile(r"(?<![\w.:>])(time|rand|srand|getenv|system|fopen|printf|puts)\s*\("), "a core does no I/O and asks nobody"),
]


def pure_cores(tree):
    """A file without suffix includes only messages and other pure cores, no clock, I/O, thread or library."""
    for file in tree.cpp():
        if not file.is_core:
            continue
        at_home = file.room == "nodes"  # composition: clocks and I/O are made here, layers stay apart
        for number, name, _ in file.includes:
            target = tree.files.get(name)
            if target is not None and target.layer:
                yield file.path, number, f"a pure core includes the {target.layer} layer ({name})"
            if name in IMPURE and not at_home:
                yield file.path, number, f"a pure core includes <{name}>"
        if at_home:
            continue
        # CAF must not come in through a header of the runtime either.
        for path, number, name in tree.closure(file.path):
            if HEAVY.fullmatch(name) and path != file.path:
                yield file.path, 1, f"a pure core brings in <{name}> through {path}:{number}"
                break
        for number, line in enumerate(file.code, 1):
            for pattern, why in IMPURE_CODE:
                found = pattern.search(line)
                if found:
                    yield file.path, number, f"'{found.group(0).strip()}' in a pure core: {why}"


MONEY_ROOMS = ("messages/", "actors/orders/", "actors/risk/", "actors/routing/", "actors/venues/", "actors/allocation/")
FLOAT_ALLOWED = {}  # path: reason


def no_floating_point(tree):
    """No float or double where prices, quantities and limits are: messages, orders, risk, routing, venues."""
    for file in tree.cpp():
        if not file.path.startswith(MONEY_ROOMS) or file.path in FLOAT_ALLOWED:
            continue
        for number, line in enumerate(file.code, 1):
            if re.search(r"\b(float|double|stod|stof|strtod|atof)\b", line):
                yield file.path, number, "floating point near money"


# ---- names
VAGUE = re.compile(r"(^|_)(utils?|helpers?|common|misc)$")
# Names of libraries and of the system that are no suffix of ours: the layer's own suffix says it.
FOREIGN_SUFFIX = re.compile(r"_(caf|kj|beast|boost|posix|json|fix|openssl|epoll|spdlog|tomlplusplus|rpc|io|impl)$")


def names(tree):
    """Files are snake_case .cpp, .hpp, .capnp with a suffix out of the grammar, and their names say what they are."""
    for file in tree.files.values():
        if file.extension in (".h", ".cc", ".cxx", ".hh", ".c", ".hxx", ".ipp", ".inl"):
            yield file.path, 1, f"C++ files end in .cpp and .hpp, not {file.extension}"
        if file.extension not in (".cpp", ".hpp", ".capnp", ".py"):
            continue
        if not re.fullmatch(r"[a-z][a-z0-9_]*", file.stem):
            yield file.path, 1, "file names are snake_case"
        if VAGUE.search(file.stem):
            yield file.path, 1, "the name says nothing: what is it for?"
        if FOREIGN_SUFFIX.search(file.stem) and file.is_cpp and not file.in_tests:
            yield file.path, 1, f"no layer has this suffix; there are: {', '.join('_' + l for l in tree.layers)}"


def own_header_first(tree):
    """A .cpp includes its own header before anything else."""
    for file in tree.cpp():
        own = file.path[:-4] + ".hpp"
        first = file.includes[0][1] if file.includes else ""
        if file.extension == ".cpp" and own in tree.files and first != own:
            yield file.path, 1, f'the first include is not "{own}"'


# ---- form
LINES_MAX = 600
FILES_MAX = 32


def sizes(tree):
    """A file has at most 600 lines, a folder at most 32 files."""
    counts = {}
    for file in tree.files.values():
        if file.is_cpp or file.extension in (".py", ".capnp") or file.text.startswith("#!"):
            if len(file.lines) > LINES_MAX:
                yield file.path, LINES_MAX + 1, f"{len(file.lines)} lines, at most {LINES_MAX}: is it still one idea?"
        counts.setdefault(file.folder, []).append(file.path)
    for folder, paths in sorted(counts.items()):
        if len(paths) > FILES_MAX and "/corpus/" not in folder + "/":
            yield folder, 0, f"{len(paths)} files, at most {FILES_MAX}: split the folder"


def headers(tree):
    """A header opens with a comment that says what it is for, and has #pragma once."""
    for file in tree.cpp():
        if file.extension != ".hpp":
            continue
        if not file.lines or not file.lines[0].startswith("//") or len(file.lines[0]) < 20:
            yield file.path, 1, "a header opens with a comment: what it is for, the idea, what it does not do"
        if "#pragma once" not in file.lines:
            yield file.path, 1, "#pragma once is missing"
        for number, line in enumerate(file.code, 1):
            if re.match(r"using namespace ", line):
                yield file.path, number, "`using namespace` in a header"


def scripts(tree):
    """A script that people start answers --help."""
    for file in tree.files.values():
        if file.executable and file.text.startswith("#!") and not re.search("--help|argparse", file.text):
            yield file.path, 1, "a script answers --help"


def modes(tree):
    """What starts with #! is executable, and nothing else is."""
    for file in tree.files.values():
        if file.text.startswith("#!") != file.executable:
            yield file.path, 1, "is executable but no script" if file.executable else "a script that is not executable"


# Written with classes of one letter so that this file does not break its own rule.
FORBIDDEN = [
    (re.compile(r"/w[o]rk/|/f[a]rm/|/r[o]ot/|\.p[y]env|/home/\w+/|/Users/\w+/"), "a path of one machine"),
    (re.compile(r"m[u]st.show|cl[o]sing note|d[e]sign\.md|f[a]rm-|\bi[s]sues? #?\d+", re.IGNORECASE),
     "speaks of how the work is organised; the product stands alone"),
    (re.compile(r"(?<!\w)\.\./sh[a]red"), "a folder outside the repository"),
    (re.compile(r"https?://[^\s\"'<>]*(debian\.org|npmjs|pypi|docker\.io|ghcr\.io|artifact|registry|mirror|proxy)"),
     "a registry's host: packages come through deploy/install"),
]
LOOSE = re.compile(r"\b(T[O]DO|F[I]XME|X[X]X|H[A]CK|n[o]t implemented|pl[a]ceholder|st[u]b)\b", re.IGNORECASE)


def words(tree):
    """Nothing committed names a machine's paths, a registry or how the work is organised; no loose ends."""
    for file in tree.files.values():
        if file.path.startswith(".ci/"):
            continue
        for number, line in enumerate(file.lines, 1):
            for pattern, why in FORBIDDEN:
                found = pattern.search(line)
                if found:
                    yield file.path, number, f"'{found.group(0)}': {why}"
            found = LOOSE.search(line)
            if found and file.extension != ".md":
                yield file.path, number, f"'{found.group(0)}': a loose end"


def formatting(tree):
    """C++ is formatted by the repository's .clang-format."""
    paths = [f.path for f in tree.cpp()]
    size = max(1, (len(paths) + 3) // 4)
    chunks = [paths[i:i + size] for i in range(0, len(paths), size)]

    def check(chunk):
        return subprocess.run(["clang-format", "--dry-run", *chunk], cwd=tree.root, capture_output=True,
                              text=True).stderr

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        seen = set()
        for output in pool.map(check, chunks):
            for found in re.finditer(r"^([^:\n]+):(\d+):\d+: (?:warning|error): (.*)$", output, re.MULTILINE):
                if found.group(1) not in seen:  # the first place in a file is enough
                    seen.add(found.group(1))
                    yield found.group(1), int(found.group(2)), "run clang-format -i on it"


RULES = [arrows, room_borders, includes_from_root, layers, pure_cores, no_floating_point, names, own_header_first,
         sizes, headers, scripts, modes, words, formatting]
