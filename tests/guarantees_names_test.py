#!/usr/bin/env python3
"""Every test that a page of docs/guarantees/ names as its proof exists, in the file that the page names.

A proof is a list item that begins with a link to the file and goes on with tests as `Suite.Name`. Each page has one at
least, and is listed in the folder's README.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs" / "guarantees"

problems = []


def tests_in(path):
    macro = r"^(?:TEST|TEST_F|TEST_P|TYPED_TEST|RC_GTEST_PROP|RC_GTEST_FIXTURE_PROP)\(\s*(\w+),\s*(\w+)"
    return {f"{suite}.{name}" for suite, name in re.findall(macro, path.read_text(), re.MULTILINE)}


def check_page(page):
    text = page.read_text()
    named = 0
    # An item goes on in lines that are indented.
    for item in re.findall(r"^- \[[^\]]+\]\([^)]+\):(?:.*\n)(?:  .*\n)*", text, re.MULTILINE):
        target = re.match(r"- \[[^\]]+\]\(([^)]+)\)", item).group(1)
        path = (page.parent / target).resolve()
        if not path.is_file():
            problems.append(f"{page.name}: {target} does not exist")
            continue
        known = tests_in(path)
        for test in re.findall(r"`([^`]+)`", item):
            named += 1
            if test not in known:
                problems.append(f"{page.name}: {target} has no test {test}; name the one that proves the promise now")
    if named == 0:
        problems.append(f"{page.name}: names no test; a promise without one is not a promise")


index = (PAGES / "README.md").read_text()
pages = sorted(page for page in PAGES.glob("*.md") if page.name != "README.md")
for page in pages:
    check_page(page)
    if f"({page.name})" not in index:
        problems.append(f"{page.name}: is not listed in docs/guarantees/README.md")

for problem in problems:
    print(problem)
print(f"guarantees: {len(pages)} pages, {len(problems)} problems")
sys.exit(1 if problems or not pages else 0)
