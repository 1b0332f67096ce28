#!/usr/bin/env python3
"""Runs every SDK script against a Terreno of its own, and counts what became durable.

    run.py PROGRAM        after `npm ci` in this folder
"""
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
SCRIPTS = [("server", ["analytics_node.mjs"]), ("browser", ["analytics_next.mjs"]), ("browser", ["analytics_next.mjs", "--batching"]),
           ("browser", ["analytics_next.mjs", "--cdn"])]


def one(program, kind, script):
    """What is wrong, or nothing."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="terreno-sdks-"))
    data = str(folder / "data")
    try:
        made = json.loads(subprocess.run([program, "init", "--data", data, "--kind", kind, "--json"], check=True, capture_output=True).stdout)
        key = json.loads(subprocess.run([program, "keys", "create", "--data", data, "--name", "SDKs", "--scope", "events:read", "--json"],
                                        check=True, capture_output=True).stdout)["key"]
        server = subprocess.Popen([program, "serve", "--data", data, "--listen", "127.0.0.1:0", "--json"], stdout=subprocess.PIPE, text=True)
        try:
            url = json.loads(server.stdout.readline())["url"]
            ran = subprocess.run(["node", *script, "--url", url, "--write-key", made["write_key"]], cwd=HERE, capture_output=True, text=True)
            if ran.returncode != 0:
                return f"the SDK is not content: {ran.stdout}{ran.stderr}"
            sent = {event["messageId"] for event in json.loads(ran.stdout.splitlines()[-1])["sent"]}
            request = urllib.request.Request(url + "/api/v1/events/live?limit=200", headers={"Authorization": "Bearer " + key})
            seen = set()
            # The 200 is for what is durable; applying, which this list tells of, follows by a moment.
            while not sent <= seen and server.poll() is None:
                with urllib.request.urlopen(request) as answer:
                    items = json.load(answer)["items"]
                refused = [item for item in items if item["state"] in ("quarantined", "rejected_key")]
                if refused:
                    return f"refused: {refused}"
                seen = {item.get("message_id") for item in items}
            return None if sent <= seen else "the server ended"
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()
    finally:
        shutil.rmtree(folder)


def main():
    program = str(pathlib.Path(sys.argv[1]).resolve())
    failures = 0
    for kind, script in SCRIPTS:
        wrong = one(program, kind, script)
        print(f"{'FAILED' if wrong else 'ok'}  {' '.join(script)}{': ' + wrong if wrong else ''}")
        failures += wrong is not None
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
