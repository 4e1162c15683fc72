"""What is demanded of a unit of a campaign, and what all units say together."""
import json
import math

ACCOUNTS = ["lost", "duplicated", "contradicted", "unknown"]
RESUMED = ["resumed_alive", "resumed_succeeded", "stale_acks_seen", "egress_refused"]
SPANS = ["detect_ms", "lead_ms", "logon_ms", "first_ack_ms", "pause_ms", "whole_ms"]


def judge_drill(count=None, zero=()):
    """A judge of `holdfast drill run --json`: clean, not skipped, `count` runs, and none of the keys of `zero`."""

    def judge(code, json_path, _log_path):
        try:
            with open(json_path, encoding="utf-8") as file:
                proof = json.load(file)
        except (OSError, ValueError):
            return None, [f"no proof (exit {code})"]
        problems = []
        if "skipped" in proof:
            problems.append("skipped: " + str(proof["skipped"]))
        elif not proof.get("clean"):
            problems.append("not clean: " + ("; ".join(proof.get("findings", [])) or "by its verdict"))
        if proof.get("interrupted"):
            problems.append("interrupted")
        if code != 0:
            problems.append(f"exit {code}")
        if count is not None and proof.get("runs") != count:
            problems.append(f"{proof.get('runs')} runs of {count}")
        for key in ACCOUNTS + list(zero):
            if proof.get(key) != 0:
                problems.append(f"{key} {proof.get(key)}")
        return proof, problems

    return judge


def judge_seeds(first, count):
    """A judge of a simulation: it prints one JSON line of totals, with `seeds`, and fails on what it found."""

    def judge(code, _json_path, log_path):
        totals, failed = [], []
        with open(log_path, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.startswith("{"):
                    try:
                        found = json.loads(line)
                    except ValueError:
                        continue
                    if "seeds" in found:
                        totals.append(found)
                elif line.startswith("[  FAILED  ]"):
                    failed.append(line.strip())
        problems = [f"exit {code}"] if code != 0 else []
        problems += failed[:3]
        if len(totals) != 1:
            problems.append(f"{len(totals)} lines of totals, not one")
        elif totals[0]["seeds"] != count or totals[0].get("first_seed") != first:
            problems.append(f"{totals[0]['seeds']} seeds from {totals[0].get('first_seed')}, not {count} from {first}")
        for found in totals:
            for key in ("failed", "failures", "violations"):
                if found.get(key):
                    problems.append(f"{key}: {found[key]}")
        return (totals[0] if totals else None), problems

    return judge


def judge_number(key):
    """A judge of a measurement: exit 0 and a positive number `key` in its JSON."""

    def judge(code, json_path, _log_path):
        try:
            with open(json_path, encoding="utf-8") as file:
                result = json.load(file)
        except (OSError, ValueError):
            return None, [f"nothing measured (exit {code})"]
        problems = [f"exit {code}"] if code != 0 else []
        if not result.get(key, 0) > 0:
            problems.append(f"no {key}")
        return result, problems

    return judge


def judge_evaluation(code, json_path, _log_path):
    """A judge of `holdfast evaluate --json` of one group of cases: whole and safe. The aims are demanded of the sum, but
    after a model that means harm all that is demanded is demanded here."""
    try:
        with open(json_path, encoding="utf-8") as file:
            report = json.load(file)
    except (OSError, ValueError):
        return None, [f"no result (exit {code})"]
    problems = [] if code in (0, 1) else [f"exit {code}"]
    if report.get("interrupted"):
        problems.append("interrupted")
    for key in ("lost", "duplicated", "contradicted"):
        if report.get("flow", {}).get(key) != 0:
            problems.append(f"{key} {report.get('flow', {}).get(key)}")
    logs, verified = report["audit"]["logs"], report["audit"]["verified"]
    if not logs or logs != verified:
        problems.append(f"{verified} of {logs} audit logs are what was signed")
    if report["demands"] == "safety" and not report["clean"]:
        problems.append("not safe")
    return report, problems


# ---- sums ---------------------------------------------------------------------------------------
def distribution(values):
    """p50, p99 and max by rank: the smallest value that so many do not exceed."""
    if not values:
        return {"count": 0, "p50": None, "p99": None, "max": None}
    ranked = sorted(values)

    def at(share):
        return ranked[max(math.ceil(share * len(ranked)), 1) - 1]

    return {"count": len(ranked), "p50": at(0.5), "p99": at(0.99), "max": ranked[-1]}


def sum_drills(proofs):
    """One proof of several: accounts added up, spans over all steps."""
    total = {"runs": sum(p["runs"] for p in proofs), "rate": sorted({p["rate"] for p in proofs})}
    total["sent"] = sum(p.get("told", {}).get("sent", 0) for p in proofs)
    for key in ACCOUNTS + ["not_sent", "refused", *RESUMED]:
        total[key] = sum(p.get(key, 0) for p in proofs)
    for key in SPANS:
        total[key] = distribution([step[key] for p in proofs for step in p.get("steps", [])
                                   if step.get(key) is not None])
    total["counters"] = add([p.get("counters", {}) for p in proofs])
    memory = [bytes_ for p in proofs for bytes_ in p.get("memory_bytes", {}).values()]
    total["memory_mb_max"] = round(max(memory) / 1e6, 1) if memory else None
    return total


def add(objects):
    """Numbers added up key by key, objects in them too; `least_` and `most_` keys by their minimum and maximum."""
    total = {}
    for one in objects:
        for key, value in one.items():
            if isinstance(value, dict):
                total[key] = add([total.get(key, {}), value])
            elif isinstance(value, bool) or not isinstance(value, (int, float)):
                total.setdefault(key, value)
            elif key.startswith(("least_", "min_")):
                total[key] = min(total.get(key, value), value)
            elif key.startswith(("most_", "max_")):
                total[key] = max(total.get(key, value), value)
            else:
                total[key] = total.get(key, 0) + value
    return total


def text_of(name, total):
    """A drill's sum as lines for people."""
    lines = [f"{name}: {total['runs']} runs, {total['sent']} orders, " +
             ", ".join(f"{key} {total[key]}" for key in ACCOUNTS + ["not_sent", "refused"])]
    for key in SPANS:
        d = total[key]
        if d["count"]:
            lines.append(f"  {key:<14} p50 {d['p50']:>9.2f}  p99 {d['p99']:>9.2f}  max {d['max']:>9.2f}  of {d['count']}")
    if total["resumed_alive"]:
        lines.append("  " + ", ".join(f"{key} {total[key]}" for key in RESUMED))
    if total["memory_mb_max"] is not None:
        lines.append(f"  memory of a node, most: {total['memory_mb_max']} MB RssAnon less AnonHugePages")
    return lines


# ---- evaluations --------------------------------------------------------------------------------
def share(part, whole):
    return part / whole if whole else None


def sum_evaluations(reports):
    """The result table of several groups of cases, from their totals."""
    totals = [report["totals"] for report in reports]
    counts = add([{key: value for key, value in one.items() if not isinstance(value, list)} for one in totals])
    lists = {key: [value for one in totals for value in one[key]]
             for key in ("detections_ms", "sudden_detections_ms", "remediations_ms")}

    def precision(tally):
        return share(tally["found"], tally["found"] + tally["false_alarms"])

    def recall(tally):
        return share(tally["found"], tally["found"] + tally["missed"])

    table = {key: sum(report[key] for report in reports)
             for key in ("fault_cases", "control_cases", "skipped_cases", "actions_on_controls", "alarms_outside_cases")}
    table.update(
        demands=reports[0]["demands"], precision=precision(counts["cases"]), recall=recall(counts["cases"]),
        detection_ms_p50=distribution(lists["sudden_detections_ms"])["p50"],
        detection_latency_ms=distribution(lists["detections_ms"]),
        remediation_latency_ms=distribution(lists["remediations_ms"]),
        agent_throughput_per_s=min(report["agent_throughput_per_s"] or 0 for report in reports),
        domain_precision={name: precision(tally) for name, tally in counts["domains"].items()},
        domain_recall={name: recall(tally) for name, tally in counts["domains"].items()},
        remediation_success=share(counts["remedies_succeeded"], counts["remedies"]),
        rollback_frequency=share(counts["rolled_back"], counts["remedies"]),
        trace_completeness=share(counts["chains_whole"], counts["chains"]),
        policy_adherence=share(counts["steps_allowed"], counts["steps"]),
        time_sync_integrity=("synchronised" if all(report["time_sync_integrity"]["state"] == "synchronised"
                                                   for report in reports) else "unsynchronised"),
        order_p99_us=[report["order_latency_us"]["quiet"]["p99"] for report in reports],
        problems=[problem for report in reports for problem in report["problems"]], totals=counts)
    return table


def demands_of_evaluation(name, table):
    """What the aims lack. What nobody could measure is not met."""
    if table["demands"] == "safety":
        return []
    problems = [f"{name}: {key} is {table[key]}, not {least} or more"
                for key, least in (("precision", 0.95), ("recall", 0.95), ("remediation_success", 0.9),
                                   ("trace_completeness", 1), ("policy_adherence", 1))
                if table[key] is None or table[key] < least]
    if table["actions_on_controls"]:
        problems.append(f"{name}: {table['actions_on_controls']} actions on controls")
    return problems + [f"{name}: {problem}" for problem in table["problems"]]


def evaluation_text(name, table):
    plain = {key: value for key, value in table.items() if key not in ("totals", "problems")}
    return [f"{name}:"] + [f"  {key:<24} {json.dumps(value)}" for key, value in plain.items()]
