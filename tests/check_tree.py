#!/usr/bin/env python3
"""Holds the rules of docs/architecture.md that a compiler does not: who may include whom, how long files may be, nothing that
ties the sources to one machine.

    check_tree.py ROOT           checks the tree; prints each breach as file:line: what, and fails
    check_tree.py --self-test    checks that each rule finds what it is for
"""
import os
import re
import sys
import tempfile
from pathlib import Path

# Folder: what its files may include, as path prefixes from the root.
ROOMS = {
    "cpu": ["cpu/"],
    "codecache": ["codecache/"],
    "translate": ["translate/", "cpu/", "codecache/"],
    "devices": ["devices/", "cpu/"],
    "user": ["user/", "cpu/", "translate/engine.h"],
    "cli": ["cli/", "cpu/", "codecache/", "translate/", "devices/", "user/"],
    "roms": ["roms/"],
}
TOP_FOLDERS = {*ROOMS, "tests", "docs", "scripts", ".ci"}
WARN_LINES, MAX_LINES = 700, 1000
# Where the host's architecture may be asked for: executable memory, and the one file that picks a backend.
HOST_FILES = ("codecache/", "translate/backend.h", "translate/backend.c")
HOST_MACRO = re.compile(r"\b(__x86_64__|__amd64__|__i386__|__aarch64__|__arm__|__powerpc64__|__s390x__)\b")
CONDITION = re.compile(r"^\s*#\s*(if|ifdef|ifndef|elif)\b")
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"')
# Paths of somebody's own machine.
PRIVATE_PATH = re.compile(r"(?<![\w.$}/])/(home|root|Users|work|workspace|build)/\w")
SOURCES = {".c", ".h", ".def", ".S", ".inc"}
TEXT = SOURCES | {".py", ".sh", ".md", ".txt", ".json", ".1", ".bash", ""}
LENGTH_CHECKED = SOURCES - {".inc"} | {".py"}
MADE_FILES = {"decode_table.inc"}  # made by the build


def tree_files(root):
    """Files of the tree, without what builds leave in it."""
    for folder, folders, names in os.walk(root):
        at = Path(folder).relative_to(root)
        if at == Path("."):
            folders[:] = [f for f in folders if f in TOP_FOLDERS]
        folders[:] = [f for f in folders if f != "__pycache__"]
        for name in names:
            if name != ".git":  # a worktree's pointer
                yield at / name


def check_include(root, path, target):
    if path.parts[0] not in ROOMS or target in MADE_FILES:
        return None
    options = [(root / path.parent / target), root / target]
    found = next((Path(os.path.normpath(p)) for p in options if p.exists()), None)
    if found is None:
        return f"includes {target}, which is not in the tree"
    inside = found.relative_to(os.path.normpath(root)).as_posix()
    if any(inside == room or (room.endswith("/") and inside.startswith(room)) for room in ROOMS[path.parts[0]]):
        return None
    return f"{path.parts[0]}/ may not include {inside}"


def check_file(root, path):
    """Yields (line number, message) for each breach; a line number of 0 is about the whole file."""
    try:
        lines = (root / path).read_text().splitlines()
    except UnicodeDecodeError:
        return
    if path.suffix in LENGTH_CHECKED and len(lines) > MAX_LINES:
        yield 0, f"{len(lines)} lines; the limit is {MAX_LINES}"
    for number, line in enumerate(lines, 1):
        if path.suffix in SOURCES:
            include = INCLUDE.match(line)
            message = include and check_include(root, path, include.group(1))
            if message:
                yield number, message
            host_matters = path.parts[0] in ROOMS and path.parts[0] != "roms" and not str(path).startswith(HOST_FILES)
            if host_matters and CONDITION.match(line) and HOST_MACRO.search(line):
                yield number, "asks for the host's architecture outside codecache/ and the backend's choice"
        if path.suffix in TEXT and PRIVATE_PATH.search(line) and path.name != "check_tree.py":
            yield number, f"names a path of one machine: {line.strip()[:80]}"


def check_tree(root):
    breaches = []
    for path in sorted(tree_files(root)):
        if path.suffix not in TEXT:
            continue
        breaches += [f"{path}:{number}: {message}" for number, message in check_file(root, path)]
        if path.suffix in LENGTH_CHECKED:
            count = sum(1 for _ in open(root / path, errors="replace"))
            if WARN_LINES < count <= MAX_LINES:
                print(f"{path}: note: {count} lines; one purpose, or two?")
    return breaches


def self_test():
    cases = [  # file, content, part of the message or None
        ("cpu/a.c", '#include "../translate/engine.h"\n', "cpu/ may not include"),
        ("cpu/a.c", '#include "hart.h"\n', None),
        ("codecache/a.c", '#include "../cpu/hart.h"\n', "codecache/ may not include"),
        ("codecache/a.c", "#ifdef __aarch64__\n#endif\n", None),
        ("translate/x86_64/a.c", '#include "../../cpu/hart.h"\n#include "../engine.h"\n', None),
        ("translate/a.c", '#include "../user/linux_user.h"\n', "translate/ may not include"),
        ("translate/a.c", "#if defined(__x86_64__)\n#endif\n", "host's architecture"),
        ("user/a.c", '#include "../translate/engine.h"\n', None),
        ("user/a.c", '#include "../translate/private.h"\n', "user/ may not include"),
        ("user/a.c", '#include "nowhere.h"\n', "not in the tree"),
        ("cli/a.c", '#include "../codecache/codecache.h"\n', None),
        ("cpu/a.c", "int a;\n" * (MAX_LINES + 1), "the limit is"),
        ("docs/a.md", "see /" + "home/me/x\n", "path of one machine"),
        ("docs/a.md", "build/riv and $HOME/x\n", None),
    ]
    present = ["cpu/hart.h", "codecache/codecache.h", "translate/engine.h", "translate/private.h", "user/linux_user.h"]
    failures = 0
    for name, content, expected in cases:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            for path in [*present, name]:
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).touch()
            (root / name).write_text(content)
            breaches = check_tree(root)
        good = any(expected in b for b in breaches) if expected else not breaches
        if not good:
            failures += 1
            print(f"{name} with {content[:50]!r}: expected {expected}, found {breaches}")
    return failures


if sys.argv[1] == "--self-test":
    sys.exit(1 if self_test() else 0)
found = check_tree(Path(sys.argv[1]).resolve())
print("\n".join(found))
sys.exit(1 if found else 0)
