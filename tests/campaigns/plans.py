"""The campaigns: which units of work each has, what is demanded of one, and what of all of them together."""
import glob
import os
import re
from dataclasses import dataclass, field
from typing import Callable

import verdict

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CHUNK = 50  # runs of one drill; what a run that is broken off has to do again
CHAOS_SECONDS = 300
CHAOS_RATE = 300  # requests a second: leaves two cores room for two parts at once
SEEDS_CHUNK = 1000


@dataclass
class Unit:
    """Something that takes minutes, and is done again as a whole when it was broken off."""
    name: str
    command: Callable  # (results by name of the part's earlier units) -> words; {json}: where the result goes
    judge: Callable    # (exit code, path of the JSON, path of the log) -> (result, problems)
    seconds: float     # expected, for the estimate; ten times that and a minute is the limit
    variant: str = ""  # sums are by variant; "": in none
    every_part: bool = False  # each part does it for itself: a measurement of its machine
    env: dict = field(default_factory=dict)


@dataclass
class Campaign:
    name: str
    about: str
    units: Callable                 # (options) -> [Unit]
    demands: Callable               # (sums by variant, options) -> problems
    aims: list = field(default_factory=list)  # (variant, key, statistic, limit): printed, never failed on
    targets: tuple = ("holdfast", "holdfast-node", "holdfast-guard", "holdfast-venue", "holdfast-load")
    sum_of: Callable = verdict.sum_drills
    text_of: Callable = verdict.text_of


def program(options, name):
    return os.path.join(options.bin, name)


def drill(options, name, scenario, seed, seconds, variant, *words, count=None, zero=(), rate=None):
    """One `holdfast drill run`. `rate`: words of the command that depend on earlier results."""
    base = [program(options, "holdfast"), "drill", "run", scenario, "--seed", str(seed), "--json", "{json}",
            "--required", *words]
    if count is not None:
        base += ["--count", str(count)]
    return Unit(name, lambda results: base + (rate(results) if rate else []), verdict.judge_drill(count, zero), seconds,
                variant)


def chunks(total, size):
    """(first, count) of each chunk."""
    return [(first, min(size, total - first)) for first in range(0, total, size)]


def no_demands(_sums, _options):
    return []


# ---- kill-active --------------------------------------------------------------------------------
def kill_active(options):
    units = []
    for arbiter in ("embedded", "etcd"):
        for first, count in chunks(options.count or 200, CHUNK):
            units.append(drill(options, f"{arbiter}-from-{first}-runs-{count}", "kill-active", 1 + first, 2 * count + 15,
                               arbiter, "--arbiter", arbiter, count=count, zero=["not_sent"]))
    return units


# ---- stop-and-resume ----------------------------------------------------------------------------
def stop_and_resume(options):
    units = []
    for fence, arbiter in (("on", "embedded"), ("off", "etcd")):
        for first, count in chunks(options.count or 200, CHUNK):
            units.append(drill(options, f"fence-{fence}-from-{first}-runs-{count}", "stop-and-resume-active", 1 + first,
                               3 * count + 15, f"fence {fence}", "--fence", fence, "--arbiter", arbiter, count=count))
    return units


def stop_and_resume_demands(sums, options):
    problems, wanted = [], options.count or 200
    off = sums.get("fence off")
    if not off:
        return ["nothing ran with the fence off"]
    if off["resumed_alive"] != wanted:
        problems.append(f"fence off: {off['resumed_alive']} of {wanted} stopped nodes woke up alive")
    for key in ("resumed_succeeded", "stale_acks_seen", "egress_refused"):
        if not off[key]:
            problems.append(f"fence off: {key} is 0")
    return problems


# ---- planned-transfer ---------------------------------------------------------------------------
def planned_transfer(options):
    """Each part measures its own machine's maximum; transfers run at 70 % of it."""
    measure = Unit("maximum", lambda _: ["tests/bench/cluster.py", "maximum", "--bin", options.bin, "--json", "{json}"],
                   verdict.judge_number("requests_a_second"), 60, every_part=True)

    def rate(results):
        return ["--rate", str(int(0.7 * results["maximum"]["requests_a_second"]))]

    return [measure] + [
        drill(options, f"from-{first}-runs-{count}", "planned-transfer", 1 + first, 3 * count + 15, "transfer", count=count,
              zero=["not_sent", "refused"], rate=rate) for first, count in chunks(options.count or 100, 25)]


# ---- scenarios ----------------------------------------------------------------------------------
def scenario_names():
    return sorted(os.path.splitext(os.path.basename(path))[0]
                  for path in glob.glob(os.path.join(ROOT, "config/drills/*.toml")))


def scenarios(options):
    count = options.count or 20
    return [drill(options, f"{name}-runs-{count}", name, 1, 4 * count + 15, name, count=count)
            for name in scenario_names()]


# ---- chaos --------------------------------------------------------------------------------------
def chaos(options):
    """Seeds take turns with the arbiters: what happens to etcd's members is drawn with etcd alone."""
    units = []
    for first, seconds in chunks(options.duration or 7200, CHAOS_SECONDS):
        seed = 1 + first // CHAOS_SECONDS
        arbiter = "embedded" if seed % 2 else "etcd"
        units.append(drill(options, f"seed-{seed}-{arbiter}-for-{seconds}s", "chaos", seed, seconds + 60, arbiter,
                           "--arbiter", arbiter, "--duration", f"{seconds}s", "--rate", str(CHAOS_RATE)))
    return units


# ---- seeds --------------------------------------------------------------------------------------
def simulations():
    """The simulation binaries of the tree."""
    names = []
    for path in sorted(glob.glob(os.path.join(ROOT, "tests/simulation/*/CMakeLists.txt"))):
        with open(path, encoding="utf-8") as file:
            names += re.findall(r"holdfast_test\((simulation_\w+)", file.read())
    return names


WHOLE = "simulation_cluster"  # runs all the cores together; the others run one part each, on a tenth of the seeds


def seeds_of(name, options):
    return (options.count or 100_000) // (1 if name == WHOLE else 10)


def seeds(options):
    units = []
    for name in simulations():
        for first, count in chunks(seeds_of(name, options), SEEDS_CHUNK):
            units.append(Unit(f"{name}-from-{first + 1}-seeds-{count}",
                              lambda _, name=name: [program(options, name), "--gtest_color=no", "--gtest_filter=-*Planted*"],
                              verdict.judge_seeds(first + 1, count), 0.06 * count, name,
                              env={"HOLDFAST_SEEDS": str(count), "HOLDFAST_FIRST_SEED": str(first + 1)}))
    return units


def seeds_demands(sums, options):
    problems = []
    for name, total in sums.items():
        if total.get("seeds") != seeds_of(name, options):
            problems.append(f"{name}: {total.get('seeds')} seeds of {seeds_of(name, options)}")
        for what, times in total.get("sometimes", {}).items():
            if not times:
                problems.append(f"{name}: {what} never happened")
    return problems


def sum_seeds(results):
    total = verdict.add(results)
    total["first_seed"] = min(result["first_seed"] for result in results)
    return total


def seeds_text(name, total):
    plain = {key: value for key, value in total.items() if isinstance(value, (int, float))}
    reached = total.get("sometimes", {})
    return [f"{name}: " + ", ".join(f"{key} {value}" for key, value in plain.items()),
            f"  {sum(1 for times in reached.values() if times)} of {len(reached)} rare paths reached"]


# ---- evaluate -----------------------------------------------------------------------------------
EVALUATION_GROUPS = 8  # fresh clusters for all cases
ADVISORS = [("deterministic", [], EVALUATION_GROUPS), ("model", ["--advisor", "model"], EVALUATION_GROUPS)] + [
    (f"model {script}", ["--advisor", "model", "--model-script", script], groups)
    for script, groups in (("hostile", EVALUATION_GROUPS), ("random", 2), ("late", 1), ("promote_all", 2))]


def evaluate(options):
    """All cases with the deterministic advisor and with a model that means well; some or all with one that doesn't."""
    return [Unit(f"{name.replace(' ', '-')}-group-{group}",
                 lambda _, words=words, group=group: [
                     program(options, "holdfast"), "evaluate", "--part", f"{group}/{EVALUATION_GROUPS}", "--json", "{json}",
                     *words],
                 verdict.judge_evaluation, 300, name)
            for name, words, groups in ADVISORS for group in range(1, groups + 1)]


def evaluate_demands(sums, _options):
    problems = []
    for name, _words, groups in ADVISORS:
        table = sums.get(name)
        if not table:
            problems.append(f"{name}: nothing ran")
            continue
        if table["totals"]["clusters"] != groups:
            problems.append(f"{name}: {table['totals']['clusters']} clusters of {groups}")
        problems += verdict.demands_of_evaluation(name, table)
    return problems


CAMPAIGNS = [
    Campaign("kill-active", "200 kills of whoever leads, with the embedded arbiter and with etcd", kill_active, no_demands,
             aims=[("embedded", "first_ack_ms", "p50", 10), ("embedded", "first_ack_ms", "p99", 50),
                   ("etcd", "first_ack_ms", "p50", 15), ("embedded", "memory_mb_max", None, 32)]),
    Campaign("stop-and-resume", "200 stops of whoever leads with the fence on, and 200 with it off (etcd)",
             stop_and_resume, stop_and_resume_demands, aims=[("fence on", "first_ack_ms", "p99", 250)]),
    Campaign("planned-transfer", "100 hand-overs at 70 % of the measured maximum", planned_transfer, no_demands,
             aims=[("transfer", "pause_ms", "p99", 20)]),
    Campaign("scenarios", "every scenario of config/drills, 20 times", scenarios, no_demands),
    Campaign("chaos", "two hours of random faults, a seed every five minutes, the arbiters in turn", chaos, no_demands),
    Campaign("seeds", "100,000 seeds of the simulated cluster, 10,000 of each other simulation", seeds, seeds_demands,
             targets=("suite_simulation",), sum_of=sum_seeds, text_of=seeds_text),
    Campaign("evaluate", "known faults against the self-healing loop, a fresh cluster for seven at a time", evaluate,
             evaluate_demands, targets=Campaign.targets + ("holdfast-model",), sum_of=verdict.sum_evaluations,
             text_of=verdict.evaluation_text),
]
