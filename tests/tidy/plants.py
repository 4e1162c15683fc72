"""The proof that each rule bites: violations planted one at a time in a copy of the tree.

A plant is (rule, path, text, part of the message). The copy holds the whole tree, so that a plant is found
among real files; a rule must report something about the planted path that it did not report before.
"""

import os
import shutil
import tempfile

from tree import Tree

HEADER = "// A planted header, long enough to open a file with.\n#pragma once\n"


def cpp(*lines):
    return "\n".join(lines) + "\n"


def header(*lines):
    return HEADER + "".join(line + "\n" for line in lines)


PLANTS = [
    ("arrows", "messages/planted.cpp", cpp('#include "supervision/runtime/actor.hpp"'), "messages may not include"),
    ("arrows", "actors/risk/planted.cpp", cpp('#include "actors/routing/planted_target.hpp"'),
     "may not include actors/routing"),
    ("arrows", "supervision/tree/planted.cpp", cpp('#include "supervision/replication/core.hpp"'),
     "may not include"),
    ("arrows", "supervision/replication/planted_actor.cpp", cpp('#include "nodes/planted_target.hpp"'),
     "may not include nodes"),
    ("arrows", "actors/ingress/client/planted_capnp.cpp", cpp('#include "supervision/runtime/actor.hpp"'),
     "may not include"),
    ("arrows", "actors/orders/planted.cpp", cpp('#include "actors/risk/planted_target.hpp"'),
     "may not include actors/risk"),
    ("arrows", "actors/orders/shard/planted.cpp", cpp('#include "actors/venues/planted_target.hpp"'),
     "may not include actors/venues"),
    ("room_borders", "actors/venues/planted_quickfix.cpp", cpp('#include "supervision/replication/planted_rocksdb.hpp"'),
     "another room"),
    ("includes_from_root", "actors/risk/planted.cpp", cpp('#include "planted.hpp"'), "no file of the repository"),
    ("includes_from_root", "actors/risk/planted.cpp", cpp("#include <messages/order.hpp>"), "use quotes"),
    ("layers", "supervision/tree/planted_actor.cpp", cpp("#include <caf/all.hpp>"), "CAF"),
    ("layers", "actors/venues/planted_quickfix.cpp", cpp("#include <quickfix/Session.h>"), "QuickFIX"),
    ("layers", "actors/venues/planted.cpp", cpp('#include "actors/venues/quickfix.hpp"'), "QuickFIX"),
    ("layers", "supervision/replication/planted_linux.cpp", cpp("#include <rocksdb/db.h>"), "RocksDB"),
    ("layers", "actors/ingress/planted_actor.cpp", cpp("#include <capnp/message.h>"), "Cap'n Proto"),
    ("layers", "messages/planted.cpp", cpp('#include "messages/schema/planted.capnp.h"'), "Cap'n Proto"),
    ("layers", "nodes/node/planted_asio.cpp", cpp("#include <boost/beast/core.hpp>"), "Beast"),
    ("layers", "actors/risk/planted_actor.cpp", cpp("#include <nlohmann/json.hpp>"), "nlohmann"),
    ("layers", "actors/risk/planted_linux.cpp", cpp("#include <toml++/toml.h>"), "toml++"),
    ("layers", "actors/risk/planted.cpp", cpp("#include <sys/socket.h>"), "system header"),
    ("layers", "actors/risk/planted_actor.cpp", cpp("#include <unistd.h>"), "system header"),
    ("layers", "actors/risk/planted_linux.cpp", cpp("#include <strange/library.h>"), "no layer is known"),
    ("pure_cores", "actors/risk/planted.cpp", cpp("#include <chrono>"), "<chrono>"),
    ("pure_cores", "actors/risk/planted.hpp", header("#include <iostream>"), "<iostream>"),
    ("pure_cores", "actors/risk/planted.cpp", cpp("int x = std::random_device{}();"), "random_device"),
    ("pure_cores", "actors/risk/planted.cpp", cpp("auto t = std::chrono::system_clock::now();"), "system_clock"),
    ("pure_cores", "actors/risk/planted.cpp", cpp("auto t = time(nullptr);"), "asks nobody"),
    ("pure_cores", "actors/risk/planted.cpp", cpp('#include "supervision/runtime/actor.hpp"'), "brings in <caf/"),
    ("pure_cores", "supervision/tree/planted.cpp", cpp('#include "supervision/tree/planted_target_actor.hpp"'),
     "the actor layer"),
    ("pure_cores", "nodes/node/planted.cpp", cpp('#include "nodes/settings/table_toml.hpp"'), "the toml layer"),
    ("no_floating_point", "actors/risk/planted.cpp", cpp("double exposure = 0;"), "floating point"),
    ("no_floating_point", "messages/planted.hpp", header("float price();"), "floating point"),
    ("names", "actors/risk/planted.h", cpp("int x;"), ".cpp and .hpp"),
    ("names", "actors/risk/PlantedFile.cpp", cpp("int x;"), "snake_case"),
    ("names", "actors/risk/planted_utils.cpp", cpp("int x;"), "says nothing"),
    ("names", "actors/risk/planted_posix.cpp", cpp("int x;"), "no layer has this suffix"),
    ("own_header_first", "messages/fixed_point.cpp", cpp("#include <string>", '#include "messages/fixed_point.hpp"'),
     "first include"),
    ("sizes", "actors/risk/planted.cpp", "int x;\n" * 601, "601 lines"),
    ("headers", "actors/risk/planted.hpp", "#pragma once\nint x();\n", "opens with a comment"),
    ("headers", "actors/risk/planted.hpp", "// A planted header, long enough to open a file.\nint x();\n",
     "#pragma once"),
    ("headers", "actors/risk/planted.hpp", header("using namespace std;"), "using namespace"),
    ("scripts", "deploy/planted", "#!/bin/sh\necho\n", "--help"),
    ("modes", "config/planted.toml", "#!/bin/sh\n", "not executable"),
    ("words", "deploy/planted.md", "See /wo" "rk/notes.\n", "path of one machine"),
    ("words", "deploy/planted.md", "As iss" "ue 12 says.\n", "stands alone"),
    ("words", "deploy/planted.md", "The mu" "st shows.\n", "stands alone"),
    ("words", "deploy/planted", "curl http://deb.deb" "ian.org/x\n", "registry"),
    ("words", "actors/risk/planted.cpp", "// TO" "DO: later\n", "loose end"),
    ("formatting", "actors/risk/planted.cpp", "int   x  ;\n", "clang-format"),
]
# Headers that plants include, so that the arrow and not a missing file is what is reported.
TARGETS = {
    "actors/routing/planted_target.hpp": header("int x();"),
    "actors/risk/planted_target.hpp": header("int x();"),
    "actors/venues/planted_target.hpp": header("int x();"),
    "nodes/planted_target.hpp": header("int x();"),
    "supervision/replication/planted_rocksdb.hpp": header("int x();"),
    "supervision/tree/planted_target_actor.hpp": header("int x();"),
}


def _write(root, path, text, executable=False):
    full = os.path.join(root, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(full, 0o755 if executable else 0o644)


def _crowded(root, reported):
    """The plant that is no single file: a folder with too many of them."""
    for i in range(33):
        _write(root, f"config/planted/file_{i}.toml", "")
    found = any(path == "config/planted" for path, _, _ in reported("sizes"))
    shutil.rmtree(os.path.join(root, "config/planted"))
    return found


def prove(root, chosen):
    """Plants every violation of the chosen rules; prints a verdict for each. Returns how many went unseen."""
    by_name = {rule.__name__: rule for rule in chosen}
    unseen = 0

    def verdict(name, what, seen):
        nonlocal unseen
        unseen += 0 if seen else 1
        print(f"PASS planted {name}: {what} is reported" if seen
              else f"FAIL planted {name}: {what} went unreported")

    with tempfile.TemporaryDirectory(prefix="holdfast-tidy-") as copy:
        for path, file in Tree(root).files.items():
            os.makedirs(os.path.join(copy, file.folder), exist_ok=True)
            shutil.copy2(file.absolute, os.path.join(copy, path))
        for path, text in TARGETS.items():
            _write(copy, path, text)

        def reported(name, only=None):
            tree = Tree(copy)
            if name == "formatting":  # the one slow rule: look at the planted file only
                tree.files = {p: f for p, f in tree.files.items() if p == only}
            return set(by_name[name](tree))

        before = {name: reported(name) for name in by_name}
        for name, path, text, message in PLANTS:
            if name not in by_name:
                continue
            full = os.path.join(copy, path)
            saved = open(full, encoding="utf-8").read() if os.path.exists(full) else None
            _write(copy, path, text, executable=(name == "scripts"))
            new = reported(name, path) - before[name]
            verdict(name, f"{path} ({message})", any(p == path and message in what for p, _, what in new))
            os.remove(full)
            if saved is not None:
                _write(copy, path, saved)
        if "sizes" in by_name:
            verdict("sizes", "a folder of 33 files", _crowded(copy, reported))
        for name in by_name:
            if name not in {plant[0] for plant in PLANTS}:
                verdict(name, "any violation of it (none is planted)", False)
    return unseen
