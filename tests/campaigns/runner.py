"""Runs the units of a campaign's part, resumable, and adds parts up. It knows nothing of what a unit does."""
import argparse
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "bench"))
import report  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CLEAN, UNCLEAN, USAGE, UNREACHABLE, INTERRUPTED = 0, 1, 2, 3, 130
HEARTBEAT_SECONDS = 30


class Interrupted(Exception):
    pass


class Refused(Exception):
    """(exit code, words)"""


def say(text):
    print(text, flush=True)


def git(*words):
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Refused(UNREACHABLE, "git " + " ".join(words) + ": " + done.stderr.strip())
    return done.stdout.strip()


def current_commit():
    """The commit of the tree, with -dirty when something differs from it."""
    return git("rev-parse", "HEAD") + ("-dirty" if git("status", "--porcelain") else "")


def minutes(seconds):
    seconds = int(seconds + 0.5)
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}" if seconds >= 3600 \
        else f"{seconds // 60}:{seconds % 60:02d}"


def write_json(path, value):
    """Whole or not at all."""
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(value, file, indent=1, ensure_ascii=False)
        file.write("\n")
    os.replace(path + ".new", path)


def read_json(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError):
        return None


def units_of(campaign, options, part, parts):
    """Those of a part: every `parts`-th, and what each part does for itself."""
    shared = [u for u in campaign.units(options) if not u.every_part]
    own = [u for u in campaign.units(options) if u.every_part]
    return own + shared[part - 1::parts]


def part_path(out, name, part, parts):
    return os.path.join(out, f"{name}.part-{part}-of-{parts}.json")


# ---- one unit -----------------------------------------------------------------------------------
def end(process):
    """Ends a unit in order, then by force; its whole session, so that nothing is left behind."""
    for number, patience in ((signal.SIGINT, 60), (signal.SIGTERM, 10), (signal.SIGKILL, 10)):
        try:
            if number == signal.SIGKILL:
                os.killpg(process.pid, number)
            else:
                process.send_signal(number)
        except ProcessLookupError:
            return
        try:
            process.wait(patience)
            return
        except subprocess.TimeoutExpired:
            pass


def last_line(path):
    with open(path, "rb") as file:
        file.seek(max(os.path.getsize(path) - 400, 0))
        lines = file.read().decode("utf-8", "replace").strip().splitlines()
    return lines[-1].strip()[:110] if lines else ""


def run_unit(unit, results, base, left):
    """Runs it and returns its record; `left()` says how long all of it may still take."""
    json_path, log_path = base + ".result.json", base + ".log"
    for path in (json_path, log_path):
        if os.path.exists(path):
            os.remove(path)
    command = [word.replace("{json}", json_path) for word in unit.command(results)]
    limit = 10 * unit.seconds + 60
    started = time.time()
    timed_out = False
    with open(log_path, "wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                   env={**os.environ, **unit.env}, start_new_session=True)
        told = started
        try:
            while process.poll() is None:
                time.sleep(0.05)
                now = time.time()
                if now - told >= HEARTBEAT_SECONDS:
                    told = now
                    say(f"    {unit.name}: {minutes(now - started)} so far, about {minutes(left(now - started))} left; "
                        f"{last_line(log_path)}")
                if now - started > limit:
                    timed_out = True
                    end(process)
        except KeyboardInterrupt:
            say("  interrupted: ending the unit in order; it will be done again")
            end(process)
            raise Interrupted from None
    result, problems = unit.judge(process.returncode, json_path, log_path)
    if timed_out:
        problems = [f"ran into its limit of {limit:.0f} s"] + problems
    if os.path.exists(json_path):
        os.remove(json_path)
    return {"unit": unit.name, "command": command, "env": unit.env, "started": int(started),
            "seconds": round(time.time() - started, 1), "load_average": round(os.getloadavg()[0], 2),
            "clean": not problems, "problems": problems, "log": log_path, "result": result}


# ---- one part -----------------------------------------------------------------------------------
def fingerprint(options, units):
    """Of the programs that units run: a build in the middle would mix two versions."""
    found = {}
    for path in sorted(glob.glob(os.path.join(ROOT, options.bin, "*"))):
        if units and os.path.isfile(path) and os.path.basename(path).startswith(("holdfast", "libholdfast", "simulation_")):
            status = os.stat(path)
            found[os.path.basename(path)] = (status.st_size, status.st_mtime_ns)
    return found


def build(campaign, options):
    if options.no_build or not campaign.targets:
        return
    say("building")
    for words in (["cmake", "--preset", "release", "-Wno-dev"],
                  ["cmake", "--build", "--preset", "release", "--target", *campaign.targets]):
        done = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            raise Refused(UNREACHABLE, "it does not build:\n" + "\n".join(done.stdout.splitlines()[-20:]))


def run_part(campaign, options, commit_of=current_commit):
    part, parts = options.part
    commit = commit_of()
    if commit.endswith("-dirty") and not options.allow_dirty:
        raise Refused(USAGE, "the tree differs from its commit, so nobody could repeat this: commit first "
                             "(or --allow-dirty to try something; a sum refuses it)")
    units = units_of(campaign, options, part, parts)
    if not units:
        raise Refused(USAGE, f"there is nothing to do for part {part} of {parts}")
    out = os.path.abspath(options.out)
    folder = os.path.join(out, "units", commit[:12] + ("-dirty" if commit.endswith("-dirty") else ""), campaign.name)
    if options.resume == "none":
        shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder, exist_ok=True)
    final = part_path(out, campaign.name, part, parts)
    if os.path.exists(final):
        os.remove(final)
    build(campaign, options)
    programs = fingerprint(options, units)

    # Nobody can tell a dirty tree of before from that of now: then nothing is taken over.
    fresh = commit.endswith("-dirty")
    records = {}
    for unit in units:
        record = None if fresh else read_json(os.path.join(folder, unit.name + ".json"))
        if record and record.get("unit") == unit.name and record.get("commit") == commit:
            records[unit.name] = record
    resumed = len(records)
    say(f"{campaign.name}, part {part} of {parts}: {len(units)} units at {commit[:12]}"
        f"{'-dirty' if fresh else ''}" + (f", {resumed} of them done before" if resumed else ""))
    begun = time.time()

    def left(inside=0.0):
        """An estimate: what is expected of the rest, stretched as what was done has been."""
        expected = sum(u.seconds for u in units if u.name in records)
        taken = sum(r["seconds"] for r in records.values())
        stretch = taken / expected if expected else 1.0
        rest = sum(u.seconds for u in units if u.name not in records)
        return max(rest * stretch - inside, 0)

    for number, unit in enumerate(units, 1):
        if unit.name not in records:
            results = {name: record["result"] for name, record in records.items()}
            failed = [u.name for u in units if u.every_part and u.name in records and not records[u.name]["clean"]]
            if failed:
                record = {"unit": unit.name, "seconds": 0, "clean": False, "problems": [f"{failed[0]} failed"], "result": None}
            else:
                record = run_unit(unit, results, os.path.join(folder, unit.name), left)
            if commit_of() != commit or fingerprint(options, units) != programs:
                raise Refused(UNREACHABLE, f"tree or programs changed under {unit.name}: this unit does not count")
            record.update(commit=commit, variant=unit.variant, machine=report.machine())
            write_json(os.path.join(folder, unit.name + ".json"), record)
            records[unit.name] = record
            words = "clean" if record["clean"] else "NOT CLEAN: " + "; ".join(record["problems"])
            say(f"  [{number}/{len(units)}] {unit.name}: {words} ({minutes(record['seconds'])}); "
                f"{minutes(time.time() - begun)} so far, about {minutes(left())} left")
    ordered = [records[u.name] for u in units]
    clean = all(r["clean"] for r in ordered)
    write_json(final, {
        "campaign": campaign.name, "part": part, "parts": parts, "count": options.count, "duration": options.duration,
        "commit": commit, "machine": report.machine(), "seconds": round(sum(r["seconds"] for r in ordered), 1),
        "clean": clean, "units": ordered})
    say(f"part {part} of {parts} is {'clean' if clean else 'NOT CLEAN'}: {final}")
    for record in ordered:
        if not record["clean"]:
            say(f"  {record['unit']}: {'; '.join(record['problems'])}" +
                (f" (log: {record['log']})" if record.get("log") else ""))
    return CLEAN if clean else UNCLEAN


# ---- sum ----------------------------------------------------------------------------------------
def add_up(campaign, options, folder):
    """Adds the parts of `folder` up; every doubt makes it not clean."""
    problems, parts = [], {}
    paths = glob.glob(os.path.join(glob.escape(folder), "**", f"{campaign.name}.part-*-of-*.json"), recursive=True)
    for path in sorted(paths):
        found = read_json(path)
        name = re.fullmatch(re.escape(campaign.name) + r"\.part-(\d+)-of-(\d+)\.json", os.path.basename(path))
        if not found or not name or found.get("campaign") != campaign.name:
            problems.append(f"{path} is no part of {campaign.name}")
            continue
        if (found["part"], found["parts"]) != (int(name[1]), int(name[2])):
            problems.append(f"{path} holds part {found['part']} of {found['parts']}")
        if found["part"] in parts:
            problems.append(f"part {found['part']} is there more than once")
        parts[found["part"]] = found
    if not parts:
        raise Refused(UNCLEAN, f"no part of {campaign.name} in {folder}")
    for key, words in (("parts", "of different divisions"), ("commit", "of different commits"),
                       ("count", "with different --count"), ("duration", "with different --duration")):
        values = {str(found[key]) for found in parts.values()}
        if len(values) > 1:
            problems.append(f"parts {words}: {', '.join(sorted(values))}")
    first = next(iter(parts.values()))
    if first["commit"].endswith("-dirty"):
        problems.append("run with a tree that differed from its commit")
    missing = [str(n) for n in range(1, first["parts"] + 1) if n not in parts]
    if missing:
        problems.append(f"missing: part {', '.join(missing)} of {first['parts']}")
    options.count, options.duration = first["count"], first["duration"]
    by_variant, seen = {}, set()
    for number, found in sorted(parts.items()):
        wanted = [u.name for u in units_of(campaign, options, number, first["parts"])]
        have = {u["unit"] for u in found["units"]}
        for name in wanted:
            if name not in have:
                problems.append(f"part {number}: {name} is missing")
        for unit in found["units"]:
            if unit["unit"] not in wanted:
                problems.append(f"part {number}: {unit['unit']} is not its own")
            if unit.get("commit") != first["commit"]:
                problems.append(f"part {number}: {unit['unit']} ran at another commit")
            if not unit["clean"]:
                problems.append(f"part {number}: {unit['unit']}: {'; '.join(unit['problems'])}")
            seen.add(unit["unit"])
            if unit.get("variant") and unit.get("result"):
                by_variant.setdefault(unit["variant"], []).append(unit["result"])
    sums = {}
    for variant, results in by_variant.items():
        try:
            sums[variant] = campaign.sum_of(results)
        except (KeyError, TypeError, ValueError) as error:
            problems.append(f"{variant}: results that do not add up ({error!r})")
    problems += campaign.demands(sums, options)
    seconds = sum(found["seconds"] for found in parts.values())
    say(f"{campaign.name} at {first['commit'][:12]}: {len(seen)} units in {len(parts)} parts, {minutes(seconds)} in all")
    for variant, total in sums.items():
        for line in campaign.text_of(variant, total):
            say("  " + line)
    aims = []
    for variant, key, statistic, limit in campaign.aims:
        value = sums.get(variant, {}).get(key)
        value = value[statistic] if statistic and value else value
        if value is not None:
            text = f"{variant}: {key} {statistic or ''} {value}, at most {limit}".replace("  ", " ")
            aims.append({"aim": text, "met": value <= limit})
            say(f"  {'met    ' if value <= limit else 'not met'}  {text}")
    for problem in problems:
        say(f"  ! {problem}")
    say("CLEAN" if not problems else "NOT CLEAN")
    write_json(os.path.join(folder, campaign.name + ".json"), {
        "campaign": campaign.name, "clean": not problems, "problems": problems, "commit": first["commit"],
        "machines": [found["machine"] for _, found in sorted(parts.items())], "parts": first["parts"], "seconds": seconds,
        "count": first["count"], "duration": first["duration"], "sums": sums, "aims": aims})
    return CLEAN if not problems else UNCLEAN


# ---- command line -------------------------------------------------------------------------------
def part_of(text):
    found = re.fullmatch(r"([1-9]\d{0,3})/([1-9]\d{0,3})", text)
    if not found or int(found[1]) > int(found[2]):
        raise argparse.ArgumentTypeError(f"a part is i/n with i from 1 to n, as in 2/4, not '{text}'")
    return int(found[1]), int(found[2])


def duration_of(text):
    found = re.fullmatch(r"([1-9]\d{0,5})([smh])", text)
    if not found:
        raise argparse.ArgumentTypeError(f"a duration is 90s, 10m or 2h, not '{text}'")
    return int(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]]


def count_of(text):
    if not re.fullmatch(r"[1-9]\d{0,6}", text):
        raise argparse.ArgumentTypeError(f"a count is a number from 1 to 9999999, not '{text}'")
    return int(text)


def main(words, campaigns, commit_of=current_commit):
    parser = argparse.ArgumentParser(
        prog="tests/campaigns/run", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Runs what takes longer than five minutes, in units of some minutes each. What was done at the same\n"
                    "commit is not done again: a campaign that was broken off goes on where it was.\n\n"
                    "  list\n" + "\n".join(f"  {c.name:<18}{c.about}" for c in campaigns),
        epilog="exit: 0 clean, 1 not clean or something missing, 2 usage, 3 can't run, 130 interrupted")
    parser.add_argument("name", metavar="NAME", help="a campaign, or `list`")
    parser.add_argument("--part", type=part_of, default=(1, 1), metavar="I/N",
                        help="only this part, for several machines or hours (default: 1/1)")
    parser.add_argument("--out", default=os.path.join(ROOT, "build/campaigns"), metavar="DIR",
                        help="state and results (default: build/campaigns)")
    parser.add_argument("--count", type=count_of, metavar="N", help="so many runs or seeds instead of the campaign's own")
    parser.add_argument("--duration", type=duration_of, metavar="TIME", help="chaos: for so long in all its parts (default: 2h)")
    parser.add_argument("--resume", choices=["default", "none"], default="default",
                        help="default: go on where it was at this commit; none: forget that and begin again")
    parser.add_argument("--sum", metavar="DIR", help="add up the parts in DIR, and judge")
    parser.add_argument("--bin", default="build/release/bin", metavar="DIR", help="the programs (default: build/release/bin)")
    parser.add_argument("--no-build", action="store_true", help="take the programs as they are")
    parser.add_argument("--allow-dirty", action="store_true", help="run with a tree that differs from its commit")
    options = parser.parse_args(words)
    if options.name == "list":
        for c in campaigns:
            units = [u for u in c.units(options)]
            say(f"{c.name:<18}{c.about} ({len(units)} units, about {minutes(sum(u.seconds for u in units))})")
        return CLEAN
    by_name = {c.name: c for c in campaigns}
    if options.name not in by_name:
        say(f"tests/campaigns/run: no campaign '{options.name}'; there are: {', '.join(by_name)}")
        return USAGE
    if options.duration and options.name != "chaos":
        say("tests/campaigns/run: --duration is chaos's; the others take --count")
        return USAGE
    campaign = by_name[options.name]
    try:
        if options.sum:
            return add_up(campaign, options, options.sum)
        code = run_part(campaign, options, commit_of)
        if options.part == (1, 1):  # then this is all of it
            code = max(code, add_up(campaign, options, options.out))
        return code
    except Refused as refused:
        say(f"tests/campaigns/run: {refused.args[1]}")
        return refused.args[0]
    except Interrupted:
        return INTERRUPTED
