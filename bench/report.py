#!/usr/bin/env python3
"""Gathers what the benchmarks beside the code measured into one table and build/bench/results.json.

Usage: report.py RESULTS_FOLDER RESULTS_JSON

Each row names a benchmark's file and run, the budget it has to meet, and the run of the same file that shows the limit:
what the machine gives to the same work without ours. Rows whose benchmark did not run are left out and named.
"""

import json
import pathlib
import sys

# name, file, run, unit, budget, better, run of the limit (or None; `file:run` where it is another file's).
# A run `NAME#COUNTER` is read from that counter. Otherwise a unit that ends with "/s" is read from items_per_second, and
# another from the time (in its own unit).
ROWS = [
    ("durable intake, batches of 100, 64 under way", "adapters_store_bench", "DurableIntake/64", "events/s", 800e3,
     "higher", "Limit_WriteAndSync64KiB/16"),
    ("engine pipeline with the toy machine", "adapters_store_bench", "ToyPipeline/100000", "records/s", 250e3,
     "higher", "DurableIntake/64"),
    ("replay", "adapters_store_bench", "Replay", "records/s", 600e3, "higher", None),
    ("parse and encode, batch of 100", "events_bench", "parse_and_encode_batch_of_100", "events/s", 800e3, "higher",
     "limit_validate_batch_of_100"),
    ("parse, one event", "events_bench", "parse_single", "events/s", None, "higher", "limit_validate_batch_of_100"),
    ("Liquid, page with 10 variables", "content_bench", "RenderPage", "renders/s", 500e3, "higher", "SegmentsByHand"),
    ("identity, merge in a component of 150", "identity_bench", "merge_two_halves/150", "us", 50, "lower", None),
    ("identity, separate in a component of 150", "identity_bench", "separate_two_halves/150", "us", 50, "lower", None),
    ("MIME", "channels_bench", "BuildMime", "messages/s", None, "higher", None),
    ("DKIM, Ed25519", "channels_bench", "Sign/rsa:0/ed25519:1", "signatures/s", None, "higher",
     "BareSignature/ed25519:1"),
    ("SMTP pool, 10 KB", "adapters_smtp_bench", "TenKilobytes/connections:16", "messages/s", 60e3, "higher", None),
    ("pipeline, HTTP to applied, batches of 100", "server_system_bench", "Pipeline", "events/s", 250e3, "higher",
     "adapters_store_bench:DurableIntake/64"),
    ("the same, CPU seconds per million", "server_system_bench", "Pipeline#cpu_s_per_million", "s", None, "lower", None),
    ("pipeline, one event a request", "server_system_bench", "PipelineSingles", "events/s", None, "higher", None),
    ("event to letter, 200/s, p50", "server_system_bench", "EventToMail/200#p50_ms", "ms", 0.9, "lower",
     "Limit_ThreeSyncsAndASignature#p50_ms"),
    ("event to letter, 200/s, p99", "server_system_bench", "EventToMail/200#p99_ms", "ms", 1.7, "lower",
     "Limit_ThreeSyncsAndASignature#p99_ms"),
    ("event to letter, 1,000/s, p50", "server_system_bench", "EventToMail/1000#p50_ms", "ms", 1.5, "lower",
     "Limit_ThreeSyncsAndASignature#p50_ms"),
    ("event to letter, 1,000/s, p99", "server_system_bench", "EventToMail/1000#p99_ms", "ms", 10, "lower",
     "Limit_ThreeSyncsAndASignature#p99_ms"),
    ("sign-up to welcome, 100/s, p50", "server_system_bench", "SignUpToMail/100#p50_ms", "ms", None, "lower",
     "Limit_ThreeSyncsAndASignature#p50_ms"),
    ("letters with decision, RSA-2048 signed", "server_system_bench", "MailsWithDecision", "letters/s", 3500, "higher",
     "Limit_Signatures"),
]


def read_runs(path: pathlib.Path) -> dict[str, dict]:
    """By name without the settings that the library appends, such as `/real_time`."""
    runs = {}
    for run in json.loads(path.read_text())["benchmarks"]:
        if run.get("run_type", "iteration") != "iteration" or run.get("error_occurred"):
            continue
        parts = run["name"].split("/")
        settings = ("real_time", "manual_time", "iterations:", "threads:")
        name = "/".join(part for part in parts if not part.startswith(settings))
        runs[name] = run
    return runs


def value_of(run: dict, unit: str, counter: str) -> float:
    if counter:
        return run[counter]
    if unit.endswith("/s"):
        if "items_per_second" in run:
            return run["items_per_second"]
        return 1 / (run["cpu_time"] * {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1}[run["time_unit"]])
    if run["time_unit"] != unit:
        raise SystemExit(f"report.py: {run['name']} is measured in {run['time_unit']}, its row says {unit}")
    return run["cpu_time"]


def text(number: float | None) -> str:
    if number is None:
        return "-"
    return f"{number:,.0f}" if number >= 1000 else f"{number:,.1f}"


def main() -> None:
    folder, target = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    files = {path.stem: read_runs(path) for path in folder.glob("*.json")}
    results, absent = [], []
    def find(file: str, name: str, unit: str) -> float | None:
        run_name, _, counter = name.partition("#")
        run = files.get(file, {}).get(run_name)
        return None if run is None else value_of(run, unit, counter)

    for name, file, run_name, unit, budget, better, limit_name in ROWS:
        value = find(file, run_name, unit)
        if value is None:
            absent.append(f"{name} ({file}: {run_name})")
            continue
        limit_file, _, limit_run = (limit_name or "").rpartition(":")
        results.append({"name": name, "value": value, "unit": unit, "budget": budget, "better": better,
                        "limit": find(limit_file or file, limit_run, unit) if limit_run else None})
    target.write_text(json.dumps(results, indent=2) + "\n")

    print(f"{'what':48}{'measured':>14}{'budget':>12}{'limit':>14}  unit")
    for row in results:
        is_met = row["budget"] is None or (row["value"] >= row["budget"]) == (row["better"] == "higher")
        print(f"{row['name']:48}{text(row['value']):>14}{text(row['budget']):>12}{text(row['limit']):>14}  {row['unit']}"
              f"{'' if is_met else '  NOT MET'}")
    for name in absent:
        print(f"not measured: {name}")


main()
