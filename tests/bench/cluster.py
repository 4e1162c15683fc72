#!/usr/bin/env python3
"""A cluster of guarded nodes and a simulated exchange for a measurement, on free ports in a folder of its own.

  tests/bench/cluster.py start --members N --venue-port PORT --state DIR   nodes only; until SIGTERM
  tests/bench/cluster.py maximum [--members N] [--json FILE]               how many requests a second it takes at most

`start` writes DIR/cluster.json once all members are in sync and one of them leads every group: `connect` (all order entry
addresses), `leader` and `standbys` (`name`, `pid`, `order_entry`).
"""
import argparse
import glob
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
UP_WITHIN = 30  # seconds


class NotUp(Exception):
    pass


def free_ports(count):
    """Below the range that the kernel takes from by itself, so that nobody gets a killed process's port."""
    found, sockets = [], []
    for port in random.sample(range(15000, 31000), 200):
        if len(found) == count:
            break
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            one.close()
            continue
        found.append(port)
        sockets.append(one)
    for one in sockets:
        one.close()
    return found


def wait_for(what, ready, process=None, within=UP_WITHIN):
    """What `ready` returns once that is true."""
    until = time.monotonic() + within
    while True:
        found = ready()
        if found:
            return found
        if process is not None and process.poll() is not None:
            raise NotUp(f"{what} ended with {process.returncode}")
        if time.monotonic() > until:
            raise NotUp(f"{what} did not come up within {within} s")
        time.sleep(0.02)


def end(processes):
    """In order, and what does not go by force."""
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Venue:
    def __init__(self, binaries, folder):
        ports = os.path.join(folder, "venue.ports")
        self.record = os.path.join(folder, "venue.jsonl")
        with open(os.path.join(folder, "venue.log"), "wb") as log:
            self.process = subprocess.Popen(
                [os.path.join(binaries, "holdfast-venue"), "--sender", "XSIM", "--port", "0", "--control", "0",
                 "--ports-file", ports, "--record", self.record], stdout=log, stderr=log)
        wait_for("the venue", lambda: os.path.exists(ports) and os.path.getsize(ports), self.process)
        with open(ports, encoding="utf-8") as file:
            self.port = int(re.search(r"^fix=(\d+)", file.read(), re.M)[1])


class Cluster:
    """`members` nodes, all in sync, from config/cluster/drill. Whoever makes one calls stop(), also when start() fails."""

    def __init__(self, binaries, folder, members):
        self.binaries, self.folder, self.guards = binaries, folder, []
        self.names = self._configure(members)

    def start(self, venue_port):
        for name in self.names:
            state = os.path.join(self.folder, name)
            os.makedirs(state, exist_ok=True)
            subprocess.run([os.path.join(ROOT, "deploy/install"), "token", os.path.join(state, "operator.token")],
                           check=True, stdout=subprocess.DEVNULL)
            with open(os.path.join(self.folder, f"guard-{name}.log"), "wb") as log:
                self.guards.append(subprocess.Popen(
                    [os.path.join(self.binaries, "holdfast-guard"), "--node-binary", os.path.join(self.binaries, "holdfast-node"),
                     "--config", os.path.join(self.folder, "config"), "--state-dir", state], stdout=log, stderr=log,
                    env={**os.environ, "HOLDFAST_NODE": name, "HOLDFAST_STATE_DIR": state,
                         "HOLDFAST_VENUE_PORTS": f"XSIM={venue_port}"}))
        wait_for("the set of all members", self.whole)

    def _configure(self, members):
        config = os.path.join(self.folder, "config")
        shutil.copytree(os.path.join(ROOT, "config/cluster/drill"), config)
        path = os.path.join(config, "cluster.toml")
        with open(path, encoding="utf-8") as file:
            head, *blocks = file.read().split("[[member]]")
        text = "[[member]]".join([head] + blocks[:members]).replace("build/drills/", self.folder + "/")
        used = sorted(set(re.findall(r"127\.0\.0\.1:\d+", text)))
        for address, port in zip(used, free_ports(len(used))):
            text = text.replace(f'"{address}"', f'"127.0.0.1:{port}"')
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return re.findall(r'^name = "(\S+)"', "".join(blocks[:members]), re.M)

    def ask(self, name, *words):
        done = subprocess.run([os.path.join(self.binaries, "holdfast"), "--json", "--state-dir",
                               os.path.join(self.folder, name), *words], capture_output=True, text=True, check=False)
        try:
            return json.loads(done.stdout) if done.returncode == 0 else None
        except ValueError:
            return None

    def groups(self):
        """The groups as the first node that answers sees them."""
        for name in self.names:
            answer = self.ask(name, "groups")
            if answer:
                return answer["groups"]
        return []

    def whole(self):
        groups = self.groups()
        return bool(groups) and all(len(g["in_sync"]) == len(self.names) and g.get("leader") for g in groups)

    def gather(self):
        """Has the first node lead everything, and returns when it does."""
        first = self.names[0]

        def led():
            groups = self.groups()
            for group in groups:
                if group["leader"] not in ("", first):
                    self.ask(group["leader"], "hand-over", group["name"], "--to", first, "--reason", "measurement")
            return self.whole() and all(g["leader"] == first for g in groups)

        wait_for(f"{first} as everyone's leader", led)

    def node(self, name):
        with open(os.path.join(self.folder, name, "order_entry.json"), encoding="utf-8") as file:
            entry = json.load(file)
        return {"name": name, "pid": entry["pid"], "order_entry": entry["ingress"]}

    def stop(self):
        end(self.guards)


def start(options):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    folder = os.path.abspath(options.state)
    os.makedirs(folder, exist_ok=True)
    cluster = None
    try:
        cluster = Cluster(options.bin, folder, options.members)
        cluster.start(options.venue_port)
        cluster.gather()
        nodes = [cluster.node(name) for name in cluster.names]
        path = os.path.join(folder, "cluster.json")
        with open(path + ".new", "w", encoding="utf-8") as file:
            json.dump({"connect": ",".join(n["order_entry"] for n in nodes), "leader": nodes[0], "standbys": nodes[1:]}, file)
        os.rename(path + ".new", path)
        while True:
            signal.pause()
    finally:
        if cluster:
            cluster.stop()


def maximum(options):
    """Requests a second with as many in flight as the flow's own bound allows, median of three."""
    measured = []
    for seed in range(1, 4):
        folder = tempfile.mkdtemp(prefix="holdfast-maximum.")
        venue = cluster = None
        try:
            venue = Venue(options.bin, folder)
            cluster = Cluster(options.bin, folder, options.members)
            cluster.start(venue.port)
            nodes = [cluster.node(name) for name in cluster.names]
            result = os.path.join(folder, "load.json")
            done = subprocess.run(
                [os.path.join(options.bin, "holdfast-load"), "--connect", ",".join(n["order_entry"] for n in nodes),
                 "--venue-record", venue.record, "--flow", f"synthetic:{seed}", "--orders", str(options.requests), "--rate", "0",
                 "--json", result, "--quiet"], stdout=subprocess.DEVNULL, stderr=sys.stderr, check=False, timeout=300)
            with open(result, encoding="utf-8") as file:
                found = json.load(file)
            if done.returncode != 0:
                raise NotUp(f"the flow left with {done.returncode}")
            measured.append(options.requests * 1000 / found["elapsed_ms"])
        finally:
            if cluster:
                cluster.stop()
            if venue:
                end([venue.process])
            shutil.rmtree(folder, ignore_errors=True)
    result = {"members": options.members, "requests_a_second": round(sorted(measured)[1]), "rounds": [round(m) for m in measured]}
    text = json.dumps(result)
    print(text)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            file.write(text + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     epilog="exit: 0 done, 2 usage, 3 something did not start")
    parser.add_argument("what", choices=["start", "maximum"])
    parser.add_argument("--members", type=int, choices=[2, 3], default=3)
    parser.add_argument("--venue-port", type=int, help="start: the exchange's FIX port")
    parser.add_argument("--state", help="start: a folder that may be filled")
    parser.add_argument("--requests", type=int, default=50000, help="maximum: requests in one round")
    parser.add_argument("--json", help="maximum: the result's file")
    parser.add_argument("--bin", default="build/release/bin", help="the programs (default: build/release/bin)")
    options = parser.parse_args()
    if options.what == "start" and not (options.state and options.venue_port):
        parser.error("start needs --state and --venue-port")
    options.bin = os.path.abspath(options.bin)
    try:
        start(options) if options.what == "start" else maximum(options)
    except NotUp as error:
        print(f"tests/bench/cluster.py: {error}", file=sys.stderr)
        for path in glob.glob(os.path.join(options.state or "/nonexistent", "*.log")):
            print(f"  its log: {path}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
