#!/usr/bin/env python3
"""Runs the browser tests against a program, with what they need: Node, Chromium, and their packages.

    run.py PROGRAM

What is missing here is no fault of the program: then the tests are skipped aloud (exit code 77). Where CI is set they
must run, so there it is a failure.
"""
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
SKIPPED = 77


def missing(what, remedy):
    in_ci = bool(os.environ.get("CI"))
    print(f"{'FAILED' if in_ci else 'SKIPPED'}: the browser tests need {what}; {remedy}", flush=True)
    sys.exit(1 if in_ci else SKIPPED)


def main():
    node_folder = HERE.parents[1] / "build/tools/node/bin"
    environment = dict(os.environ, TERRENO=str(pathlib.Path(sys.argv[1]).resolve()))
    environment["PATH"] = f"{node_folder}{os.pathsep}{environment.get('PATH', '')}"
    chromium = environment.get("CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        missing("chromium", "tools/setup.sh test installs it, or set CHROMIUM to the path of one")
    environment["CHROMIUM"] = chromium
    npm, npx = (shutil.which(name, path=environment["PATH"]) for name in ("npm", "npx"))
    if npm is None or npx is None:
        missing("npm", "tools/setup.sh test installs it")
    # npm's own mark of what it has installed.
    installed, wanted = HERE / "node_modules/.package-lock.json", HERE / "package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < wanted.stat().st_mtime:
        if subprocess.run([npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=HERE, env=environment).returncode != 0:
            missing("their packages", "run `npm ci` in tests/browser when the registry answers")
        # An unchanged tree keeps its old date, which would install it again at each run.
        installed.touch()
    sys.exit(subprocess.run([npx, "playwright", "test"], cwd=HERE, env=environment).returncode)


if __name__ == "__main__":
    main()
