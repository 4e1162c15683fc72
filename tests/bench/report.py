"""What tests/bench/run measured, as one table and one JSON object: medians over rounds, ratios, aims."""
import argparse
import json
import os
import platform
import statistics
import sys

NAMES = {
    "plain_memory_one": "plain QuickFIX, MemoryStore, 1 in flight",
    "plain_file_one": "plain QuickFIX, FileStore, 1 in flight",
    "path_one_batch1": "order path, 1 in flight",
    "plain_memory_window": "plain QuickFIX, MemoryStore, 100 in flight",
    "plain_file_window": "plain QuickFIX, FileStore, 100 in flight",
    "path_window_batch1": "order path, 100 in flight, each submitted alone",
    "path_window_batch64": "order path, 100 in flight, batches of up to 64",
    "plain_memory_open": "plain QuickFIX, MemoryStore, open loop 5000/s",
    "plain_file_open": "plain QuickFIX, FileStore, open loop 5000/s",
    "path_open_batch64": "order path, open loop 5000/s, batches of up to 64",
    "replicated_one_batch1": "replicated, 1 in flight",
    "replicated_window_batch64": "replicated, 100 in flight, batches of up to 64",
    "replicated_open_batch64": "replicated, open loop 5000/s, batches of up to 64",
}
PROCESSES = ["client", "node", "standby", "venue"]
MEASURES = ["p50_us", "p99_us", "p999_us", "ops"] + [process + "_cpu_us" for process in PROCESSES]


def machine():
    model, cores = platform.machine(), os.cpu_count()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            model = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return {"cpu": model, "cores": cores, "kernel": platform.release(), "load_average": os.getloadavg()[0]}


def medians(runs):
    """name -> measure -> median over its rounds."""
    by_name = {}
    for run in runs:
        for process in PROCESSES[1:]:
            run[process + "_cpu_us"] = run[process + "_ticks"] * run["tick_us"] / run["sent"]
        by_name.setdefault(run["name"], []).append(run)
    return {
        name: {m: round(statistics.median(run[m] for run in same), 1) for m in MEASURES}
        for name, same in by_name.items()
    }


def ratio(a, b):
    return f"{a / b:.2f}" if b else "-"


def table(result):
    print(f"{'':<52}{'p50 µs':>9}{'p99 µs':>9}{'p99.9 µs':>10}{'orders/s':>10}{'p50 x':>7}"
          f"{'ops x':>7}   CPU µs an order: client, node (leader), standby, venue")
    for name, title in NAMES.items():
        if name not in result:
            continue
        row = result[name]
        mode = name.split("_")[2 if name.startswith("plain") else 1]
        base = result.get(f"plain_memory_{mode}")
        print(f"{title:<52}{row['p50_us']:>9.1f}{row['p99_us']:>9.1f}{row['p999_us']:>10.1f}{row['ops']:>10.0f}"
              f"{ratio(row['p50_us'], base['p50_us']) if base else '-':>7}"
              f"{ratio(row['ops'], base['ops']) if base else '-':>7}"
              "   " + ", ".join(f"{row[process + '_cpu_us']:.1f}" for process in PROCESSES))
    print("x: against plain QuickFIX with MemoryStore in the same mode")


def aims(result, studies):
    """(text, met) for every aim whose numbers are there."""
    found = []
    one, base = result.get("path_one_batch1"), result.get("plain_memory_one")
    if one and base:
        found.append((f"1 in flight: p50 {one['p50_us']} µs, within 2x of MemoryStore's {base['p50_us']} µs",
                      one["p50_us"] <= 2 * base["p50_us"]))
    window, file = result.get("path_window_batch64"), result.get("plain_file_window")
    if window and file:
        found.append((f"100 in flight: {window['ops']:.0f} orders/s, above FileStore's {file['ops']:.0f}",
                      window["ops"] > file["ops"]))
    alone, replicated = result.get("path_window_batch64"), result.get("replicated_window_batch64")
    if alone and replicated:
        text = (f"replicated, 100 in flight: {replicated['ops']:.0f} orders/s, at least 80 % of the {alone['ops']:.0f} of one "
                f"node alone ({100 * replicated['ops'] / alone['ops']:.0f} %)")
        if os.cpu_count() < 4:
            text += f"; meant for a standby with a core to spare, and here all share {os.cpu_count()}"
        found.append((text, replicated["ops"] >= 0.8 * alone["ops"]))
    recovery = studies.get("recovery")
    if recovery:
        found.append((f"recovery of {recovery['entries']:.0f} entries, {recovery['entries_replayed']:.0f} of them "
                      f"replayed: {recovery['open_and_recover_ms']:.0f} ms, under 500 ms",
                      recovery["open_and_recover_ms"] < 500))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", required=True, help="JSON lines, one a run")
    parser.add_argument("--parts", required=True, help="what bench-parts wrote; may be missing")
    parser.add_argument("--commit", required=True)
    parser.add_argument("--json", help="FILE, or - for stdout")
    options = parser.parse_args()
    with open(options.runs, encoding="utf-8") as lines:
        runs = [json.loads(line) for line in lines]
    parts = {}
    if os.path.exists(options.parts):
        with open(options.parts, encoding="utf-8") as file:
            parts = json.load(file)
    result = medians(runs)
    reached = aims(result, parts.get("studies", {}))
    if options.json != "-":
        print()
        if result:
            table(result)
        for text, met in reached:
            print(f"{'met    ' if met else 'not met'}  {text}")
    output = {"commit": options.commit, "machine": machine()}
    for key, name, measure in [
        ("plain_quickfix_memory_p50_us", "plain_memory_one", "p50_us"),
        ("plain_quickfix_memory_ops", "plain_memory_window", "ops"),
        ("plain_quickfix_file_p50_us", "plain_file_one", "p50_us"),
        ("plain_quickfix_file_ops", "plain_file_window", "ops"),
        ("order_path_p50_us", "path_one_batch1", "p50_us"),
        ("order_path_p99_us", "path_one_batch1", "p99_us"),
        ("order_path_p999_us", "path_one_batch1", "p999_us"),
        ("order_path_ops", "path_window_batch64", "ops"),
        ("order_path_ops_unbatched", "path_window_batch1", "ops"),
        ("order_path_open_p99_us", "path_open_batch64", "p99_us"),
        ("replicated_p50_us", "replicated_one_batch1", "p50_us"),
        ("replicated_p99_us", "replicated_one_batch1", "p99_us"),
        ("replicated_ops", "replicated_window_batch64", "ops"),
        ("replicated_open_p50_us", "replicated_open_batch64", "p50_us"),
    ]:
        if name in result:
            output[key] = result[name][measure]
    output["aims"] = [{"aim": text, "met": met} for text, met in reached]
    output["medians"] = result
    output["runs"] = runs
    output.update(parts)
    text = json.dumps(output, indent=2, ensure_ascii=False)
    if options.json == "-":
        print(text)
    elif options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            file.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
