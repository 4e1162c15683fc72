"""The repository as the rules see it: files, rooms, layers, includes, code without comments."""

import os
import re
import subprocess

# A room is a folder with its own place in the arrows; the longest match wins.
ROOMS = [
    "messages",
    "actors/ingress/client", "actors/ingress", "actors/orders/shard", "actors/orders", "actors/risk",
    "actors/routing", "actors/venues", "actors/allocation", "actors/telemetry/detect", "actors/telemetry",
    "actors/agents",
    "supervision/runtime", "supervision/tree", "supervision/replication", "supervision/orchestrator",
    "supervision/drills",
    "nodes", "tests", "config", "deploy",
]

# Files that are a layer's own wrapper around its library, whatever their name.
WRAPPERS = {"actors/venues/quickfix.hpp": "quickfix"}


def layers_of_build(root):
    """The layer suffixes, from the one place that defines them: the root CMakeLists.txt."""
    with open(os.path.join(root, "CMakeLists.txt"), encoding="utf-8") as file:
        found = re.search(r"set\(HOLDFAST_LAYERS ([^)]*)\)", file.read())
    return found.group(1).split()


class File:
    """One file: its text, and what its path says about it."""

    def __init__(self, root, path, layers):
        self.path = path
        self.absolute = os.path.join(root, path)
        self.folder, self.name = os.path.split(path)
        self.stem, self.extension = os.path.splitext(self.name)
        with open(self.absolute, "rb") as file:
            raw = file.read()
        self.binary = b"\0" in raw
        self.text = "" if self.binary else raw.decode("utf-8", errors="replace")
        self.lines = self.text.splitlines()
        self.executable = os.access(self.absolute, os.X_OK)
        self.is_cpp = self.extension in (".hpp", ".cpp")
        self.is_main = self.name == "main.cpp"
        self.room = next((r for r in sorted(ROOMS, key=len, reverse=True)
                          if path.startswith(r + "/")), "")
        self.layer = WRAPPERS.get(path, "")
        for layer in layers:
            if self.stem.endswith("_" + layer):
                self.layer = layer
        # (line number, included name, whether in angle brackets)
        self.includes = []
        if self.is_cpp:
            for number, line in enumerate(self.lines, 1):
                found = re.match(r'\s*#\s*include\s+([<"])([^>"]+)[>"]', line)
                if found:
                    self.includes.append((number, found.group(2), found.group(1) == "<"))
        self._code = None

    @property
    def in_tests(self):
        return self.room == "tests"

    @property
    def is_core(self):
        """Pure core: no layer suffix, and outside the rooms that are made of shells and composition."""
        return (self.is_cpp and not self.layer and not self.is_main
                and self.room not in ("tests", "supervision/runtime"))

    @property
    def code(self):
        """The lines with comments and the contents of strings blanked out."""
        if self._code is None:
            self._code = strip_cpp(self.text).splitlines()
        return self._code


def strip_cpp(text):
    """C++ source with comments and string contents replaced by spaces; line breaks stay."""
    pattern = re.compile(
        r'//[^\n]*|/\*.*?\*/|R"([^(\s]*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![0-9A-Fa-f])\'(?:\\.|[^\'\\\n])+\'',
        re.DOTALL)
    blank = lambda m: re.sub(r"[^\n]", " ", m.group(0))
    keep_includes = []
    for line in text.split("\n"):
        keep_includes.append(re.sub(r'^(\s*#\s*include\s+)"([^"]*)"', r"\1<\2>", line))
    return pattern.sub(blank, "\n".join(keep_includes))


class Tree:
    """All files of a repository or of a plain copy of one, by path."""

    def __init__(self, root):
        self.root = root
        self.layers = layers_of_build(root)
        self.files = {path: File(root, path, self.layers) for path in self._paths()}

    def _paths(self):
        if os.path.exists(os.path.join(self.root, ".git")):
            listed = subprocess.run(
                ["git", "-c", f"safe.directory={self.root}", "ls-files", "-z", "--cached", "--others",
                 "--exclude-standard"],
                cwd=self.root, check=True, capture_output=True).stdout.decode().split("\0")
            paths = [p for p in listed if p and os.path.isfile(os.path.join(self.root, p))]
        else:
            paths = []
            for folder, folders, names in os.walk(self.root):
                folders[:] = [f for f in folders if f not in ("build", ".git", ".cache", "__pycache__")]
                for name in names:
                    paths.append(os.path.relpath(os.path.join(folder, name), self.root))
        return sorted(set(paths))

    def cpp(self):
        return [f for f in self.files.values() if f.is_cpp]

    def closure(self, path, seen=None):
        """Every (file, line, include) reached from `path` through the repository's own headers."""
        seen = seen if seen is not None else set()
        if path in seen or path not in self.files:
            return
        seen.add(path)
        for number, name, _ in self.files[path].includes:
            yield path, number, name
            yield from self.closure(name, seen)
