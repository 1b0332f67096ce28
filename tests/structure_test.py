#!/usr/bin/env python3
"""Reads the source and refuses what breaks the architecture (DESIGN, section 4).

Arrows: includes between folders go only where ARROWS allows, and from outside a business folder only to its facade.
Files: every source file is named in its folder's CMakeLists.txt. Purity: business code reads no clock, opens no file,
starts no thread.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SRC = ROOT / "src"

# Along the way of an event: each folder may include those before it.
WAY = ["events", "identity", "consent", "profiles", "segments", "learning", "content", "contact", "journeys", "channels",
       "oversight", "insight"]
BUSINESS = set(WAY) | {"governance"}
LOW = {"base", "engine"}

ARROWS = {
    "base": set(),
    "engine": {"base"},
    "adapters": {"base", "engine"},
    "governance": {"base", "engine", "events"},
    "flow": LOW | BUSINESS,
    "api": LOW | BUSINESS | {"flow"},
    "server": LOW | BUSINESS | {"flow", "api", "adapters"},
}
for index, folder in enumerate(WAY):
    ARROWS[folder] = LOW | set(WAY[:index])

# Besides `folder/folder.h`: further headers that are part of a folder's facade. Keep it short; each says why.
FACADES = {
    # The way in from bytes and the vocabulary of records are two contracts with different readers.
    "events": {"events.h", "record.h"},
    # Liquid is a language with readers of its own, `terreno render` among them.
    "content": {"content.h", "liquid.h"},
    # What travels (bytes) and how a send is claimed are two contracts.
    "channels": {"channels.h", "sending.h"},
}

IMPURE = {
    r"std::this_thread|std::thread|std::jthread|std::async": "starts a thread",
    r"system_clock::now|steady_clock::now|\btime\(nullptr\)|gettimeofday|clock_gettime": "reads a clock",
    r"std::(i|o)?fstream|\bfopen\(|::open\(": "opens a file",
    r"std::random_device|\brand\(\)": "draws a random number",
}

problems = []


def folder_of(path):
    return path.relative_to(SRC).parts[0]


def is_test(path):
    return bool(re.search(r"_(test|bench|fuzz)\.cpp$", path.name)) or path.name.endswith("_testing.h")


for path in sorted(SRC.rglob("*")):
    if path.suffix not in (".h", ".cpp"):
        continue
    folder = folder_of(path)
    text = path.read_text()
    where = path.relative_to(ROOT)
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'#include "([^"]+)"', line)
        if match:
            parts = match.group(1).split("/")
            target = parts[0]
            if not (SRC / match.group(1)).exists():
                if target in ARROWS:
                    problems.append(f"{where}:{number}: includes {match.group(1)}, which does not exist")
                continue
            if target != folder:
                if target not in ARROWS.get(folder, set()) and not is_test(path):
                    problems.append(f"{where}:{number}: {folder}/ may not include {target}/ (see the arrows in ARCHITECTURE.md)")
                helps_a_test = is_test(path) and parts[-1].endswith("_testing.h")
                if target in BUSINESS and not helps_a_test and "/".join(parts[1:]) not in FACADES.get(target, {f"{target}.h"}):
                    problems.append(f"{where}:{number}: includes a private header of {target}/; use its facade {target}/{target}.h")
        if folder in BUSINESS and not is_test(path):
            for pattern, what in IMPURE.items():
                if re.search(pattern, line.split("//")[0]):
                    problems.append(f"{where}:{number}: business code {what}; take it as a parameter")
    lists = [p / "CMakeLists.txt" for p in [path.parent, *path.parent.parents] if (p / "CMakeLists.txt").exists() and SRC in [p, *p.parents]]
    if path.suffix == ".cpp" and not any(path.name in l.read_text() for l in lists):
        problems.append(f"{where}: is in no CMakeLists.txt, so it is never built")

for folder in sorted(p for p in SRC.iterdir() if p.is_dir()):
    if any(folder.rglob("*.cpp")) and not (folder / "README.md").exists():
        problems.append(f"{folder.relative_to(ROOT)}: has no README.md of a few lines")

for problem in problems:
    print(problem)
print(f"structure: {len(problems)} problems")
sys.exit(1 if problems else 0)
