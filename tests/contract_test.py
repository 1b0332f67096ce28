#!/usr/bin/env python3
"""Crosses docs/openapi.yaml with the tables of routes: each operation has a route with the same scopes, and each route an
operation. Reads the tables from the source, so that a route cannot be in one and not in the other.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def operations(text):
    """(method, path) -> scopes, or None for an operation that asks for nothing."""
    found, path, method, block = {}, None, None, None
    for line in text.split("\npaths:\n", 1)[1].split("\ncomponents:\n", 1)[0].splitlines():
        if match := re.match(r"  (/\S*):$", line):
            path, method = match.group(1), None
        elif match := re.match(r"    (get|put|post|patch|delete):$", line):
            method = match.group(1)
            block = found.setdefault((method, path), {"open": False, "scopes": None})
        elif method and re.match(r"      security: \[\]", line):
            block["open"] = True
        elif method and (match := re.match(r"      x-scopes: \[(.*)\]", line)):
            block["scopes"] = re.findall(r"[a-z]+:[a-z]+", match.group(1))
    return found


def routes(text):
    """(method, path) -> the guard's words: `kOpen`, `Access::session`, `kSignedIn` or the scope's name."""
    table = text.split("kRoutes{", 1)[1].split("};", 1)[0]
    found = {}
    for entry in re.split(r"\{(?=Method::)", table)[1:]:
        method, path = re.match(r'Method::(\w+),\s*"([^"]+)"', entry).groups()
        scope = re.search(r"Scope::(\w+)", entry)
        guard = scope.group(1).replace("_", ":") if scope else re.search(r"kOpen|kSignedIn|Access::session", entry).group(0)
        found[(method.rstrip("_"), path)] = guard
    return found


described = operations((ROOT / "docs/openapi.yaml").read_text())
built = {}
for source in ("customer_api.cpp", "governance_api.cpp"):
    built |= routes((ROOT / "src/api" / source).read_text())

problems = []
for operation in sorted(described.keys() | built.keys()):
    name = f"{operation[0].upper()} {operation[1]}"
    if operation not in built:
        problems.append(f"{name}: is described in docs/openapi.yaml and has no route")
        continue
    if operation not in described:
        problems.append(f"{name}: has a route and is not described in docs/openapi.yaml")
        continue
    guard, said = built[operation], described[operation]
    if said["open"] != (guard == "kOpen"):
        problems.append(f"{name}: its guard and `security` of docs/openapi.yaml differ about who may come")
    expected = [guard] if ":" in guard and not guard.startswith("Access") else []
    if said["scopes"] != expected:
        problems.append(f"{name}: its route asks for {expected}, docs/openapi.yaml says {said['scopes']}")
for problem in problems:
    print(problem)
print(f"contract: {len(described)} operations, {len(built)} routes, {len(problems)} problems")
sys.exit(1 if problems else 0)
