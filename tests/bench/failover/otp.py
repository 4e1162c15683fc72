"""The failover of a name under Erlang/OTP's `global`: two nodes that serve it, and one that calls it.

Tuned as the manual allows: net_ticktime at its least of one second (it matters to a hang alone: a killed node's connection
ends at once), one scheduler a node that does not wait busily (three nodes share few cores), TCP_NODELAY on
all connections.
A run is SIGKILL of the node that has the name, then the client's first call that the other one answers.
"""
import os
import random
import shutil
import signal
import subprocess
import time

from processes import NotUp, end, free_ports, wait_for

HERE = os.path.dirname(os.path.abspath(__file__))
TUNING = ["-kernel", "net_ticktime", "1", "-kernel", "inet_dist_use_interface", "{127,0,0,1}",
          "-kernel", "inet_dist_connect_options", "[{nodelay,true}]", "-kernel", "inet_dist_listen_options", "[{nodelay,true}]",
          "+sbwt", "none", "+sbwtdcpu", "none", "+sbwtdio", "none", "+S", "1:1"]


class Erlang:
    name = "Erlang/OTP global"

    def __init__(self, folder):
        self.folder, self.nodes, self.seen = folder, {}, 0
        # A port mapper of our own, which listens on loopback alone.
        self.environment = {**os.environ, "ERL_EPMD_PORT": str(free_ports(1)[0]), "ERL_EPMD_ADDRESS": "127.0.0.1",
                            "HOME": folder}
        self.cookie = f"{random.getrandbits(64):x}"
        self.epmd = None

    def _log(self, name):
        return os.path.join(self.folder, name + ".log")

    def _lines(self, name):
        try:
            with open(self._log(name), encoding="utf-8", errors="replace") as file:
                return file.read().split("\n")[:-1]
        except OSError:
            return []

    def _start(self, name, role, peers):
        with open(self._log(name), "wb") as log:
            self.nodes[name] = subprocess.Popen(
                ["erl", "-noinput", "-name", f"{name}@127.0.0.1", "-setcookie", self.cookie, "-start_epmd", "false", *TUNING,
                 "-pa", self.folder, "-run", "failover", role, ",".join(f"{peer}@127.0.0.1" for peer in peers)],
                cwd=self.folder, env=self.environment, stdout=log, stderr=log)
        wait_for(f"the Erlang node {name}", lambda: "ready" in self._lines(name), self.nodes[name])

    def start(self):
        shutil.copy(os.path.join(HERE, "failover.erl"), self.folder)
        subprocess.run(["erlc", "failover.erl"], cwd=self.folder, env=self.environment, check=True, stdout=subprocess.DEVNULL)
        self.epmd = subprocess.Popen(["epmd"], env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for("epmd", lambda: subprocess.run(["epmd", "-names"], env=self.environment, capture_output=True,
                                                check=False).returncode == 0, self.epmd)
        self._start("one", "serve", [])
        self._start("two", "serve", ["one"])
        self._start("client", "client", ["one", "two"])
        wait_for("the first answer", self.answers)

    def answers(self):
        """(node, begun, answered) whenever another node answered."""
        return [(line.split()[0].split("@")[0], int(line.split()[1]), int(line.split()[2]))
                for line in self._lines("client") if "@" in line and len(line.split()) == 3]

    def run(self):
        """Milliseconds from SIGKILL of the node that has the name to the first call that another one answered."""
        before = self.answers()
        active = before[-1][0]
        time.sleep(0.2 + random.random() * 0.2)
        killed = time.time_ns()
        os.kill(self.nodes[active].pid, signal.SIGKILL)
        after = wait_for("the other node's answer", lambda: self.answers()[len(before):])
        if after[0][0] == active or after[0][2] < killed:
            raise NotUp(f"answers in the wrong order: {after}")
        self.nodes[active].wait()
        self._start(active, "serve", [name for name in self.nodes if name != active])
        time.sleep(0.5)
        return (after[0][2] - killed) / 1e6

    def stop(self):
        end(list(self.nodes.values()) + ([self.epmd] if self.epmd else []))

    @staticmethod
    def tuning():
        return {"net_ticktime_s": 1, "schedulers": 1, "scheduler_busy_wait": "none", "nodelay": True, "nodes": 3}
