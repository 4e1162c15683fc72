"""The failover of Redis under Sentinel: one master, two replicas, three sentinels, and a client that follows them.

Tuned as the manual allows: down-after-milliseconds and the periods that `SENTINEL DEBUG` offers as short as they run without
false alarms; a quorum of two; no persistence, diskless synchronization at once. A run is SIGKILL of the master, then the client's first write that
is acknowledged by another master, found by asking the sentinels.
"""
import os
import random
import signal
import socket
import subprocess
import time

from processes import NotUp, end, free_ports, wait_for

# The least without false alarms: after every change of master a sentinel pings the new one for the first time after a ping
# period, and its timer ticks every 50 to 100 ms. With 100, 200 and 300 ms (and pings as often) each failover set off others.
DOWN_AFTER_MS = 400
FAILOVER_TIMEOUT_MS = 1000
# What SENTINEL DEBUG offers besides the two above, in ms. In a failover a sentinel sends INFO once a second, whatever is set,
# and only INFO's answer tells it of the promotion: an INFO period close below a second lets the last one before be old, so
# that the next comes soon. A replica whose INFO is older than five ping periods is refused, so those can't be shorter.
DEBUG = {"INFO-PERIOD": 900, "PING-PERIOD": 240, "ASK-PERIOD": 20, "ELECTION-TIMEOUT": 300, "MIN-LINK-RECONNECT-PERIOD": 50}
SERVER = """port {port}
bind 127.0.0.1
dir {folder}
save ""
appendonly no
repl-diskless-sync yes
repl-diskless-sync-delay 0
repl-diskless-load swapdb
repl-ping-replica-period 1
repl-timeout 5
hz 500
protected-mode no
"""
SENTINEL = """port {port}
bind 127.0.0.1
dir {folder}
protected-mode no
sentinel monitor holdfast 127.0.0.1 {master} 2
sentinel down-after-milliseconds holdfast {down_after}
sentinel failover-timeout holdfast {failover_timeout}
sentinel parallel-syncs holdfast 2
"""


class Client:
    """A connection that speaks RESP; any failure is an OSError."""

    def __init__(self, port, patience=0.05):
        self.socket = socket.create_connection(("127.0.0.1", port), patience)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")

    def close(self):
        self.file.close()
        self.socket.close()

    def ask(self, *words):
        text = b"*%d\r\n" % len(words)
        for word in words:
            word = str(word).encode()
            text += b"$%d\r\n%s\r\n" % (len(word), word)
        self.socket.sendall(text)
        return self._answer()

    def _answer(self):
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("the connection ended")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            raise ConnectionError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self.file.read(int(rest) + 2)[:-2].decode()
        return None if rest == b"-1" else [self._answer() for _ in range(int(rest))]


def ask(port, *words):
    """One question over a connection of its own; None when it fails."""
    try:
        client = Client(port, 1)
        try:
            return client.ask(*words)
        finally:
            client.close()
    except OSError:
        return None


def pairs(flat):
    return dict(zip(flat[::2], flat[1::2]))


class Redis:
    name = "Redis Sentinel"

    def __init__(self, folder):
        self.folder, self.servers, self.sentinels = folder, {}, []
        ports = free_ports(6)
        self.server_ports, self.sentinel_ports = ports[:3], ports[3:]
        self.false_alarms = 0

    def _start(self, kind, port, text, *words):
        folder = os.path.join(self.folder, f"{kind}-{port}")
        os.makedirs(folder, exist_ok=True)
        config = os.path.join(folder, "redis.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(text.format(port=port, folder=folder, master=self.server_ports[0], down_after=DOWN_AFTER_MS,
                                   failover_timeout=FAILOVER_TIMEOUT_MS))
        with open(os.path.join(folder, "log"), "ab") as log:
            process = subprocess.Popen([f"redis-{kind}", config, *words], stdout=log, stderr=log)
        wait_for(f"redis-{kind} {port}", lambda: ask(port, "PING") == "PONG", process)
        return process

    def start(self):
        master = self.server_ports[0]
        for port in self.server_ports:
            words = [] if port == master else ["--replicaof", "127.0.0.1", str(master)]
            self.servers[port] = self._start("server", port, SERVER, *words)
        wait_for("two replicas", lambda: "connected_slaves:2" in (ask(master, "INFO", "replication") or ""))
        for port in self.sentinel_ports:
            self.sentinels.append(self._start("sentinel", port, SENTINEL))
            ask(port, "SENTINEL", "DEBUG", *[word for pair in DEBUG.items() for word in pair])
        self.wait_whole()

    def master_of(self, port):
        answer = ask(port, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", "holdfast")
        return int(answer[1]) if answer else None

    def epoch(self):
        """How many failovers there were, by the sentinels that know."""
        return max(int(pairs(ask(port, "SENTINEL", "MASTER", "holdfast") or []).get("config-epoch", 0))
                   for port in self.sentinel_ports)

    def why_not_whole(self):
        """"" when all sentinels agree on a master with two replicas that are up, and on each other."""
        masters = {self.master_of(port) for port in self.sentinel_ports}
        if len(masters) != 1 or None in masters:
            return f"the sentinels name {masters}"
        for port in self.sentinel_ports:
            master = pairs(ask(port, "SENTINEL", "MASTER", "holdfast") or [])
            if master.get("flags") != "master" or master.get("num-other-sentinels") != "2":
                return f"a sentinel says {master.get('flags')}, {master.get('num-other-sentinels')} others"
            replicas = [pairs(one) for one in ask(port, "SENTINEL", "REPLICAS", "holdfast") or []]
            if len(replicas) != 2 or any(one["flags"] != "slave" or one["master-link-status"] != "ok" for one in replicas):
                return f"replicas: {[(one['flags'], one['master-link-status']) for one in replicas]}"
            others = [pairs(one) for one in ask(port, "SENTINEL", "SENTINELS", "holdfast") or []]
            if any(one["flags"] != "sentinel" for one in others):
                return f"other sentinels: {[one['flags'] for one in others]}"
        return ""

    def wait_whole(self):
        """For half a second on end: what follows a failover shall not count into the next."""
        since, until = None, time.monotonic() + 60
        while True:
            why = self.why_not_whole()
            now = time.monotonic()
            since = (since or now) if not why else None
            if since and now - since > 0.5:
                return
            if now > until:
                raise NotUp("Redis is not whole: " + why)
            time.sleep(0.02)

    def write(self, master):
        """A connection to the master that took a write."""
        client = Client(master)
        try:
            if client.ask("ROLE")[0] != "master":  # as the manual demands of clients
                raise ConnectionError("not a master yet")
            client.ask("SET", "order", time.monotonic_ns())
            return client
        except OSError:
            client.close()
            raise

    def run(self):
        """Milliseconds from SIGKILL of the master to the first write that another one took."""
        master = self.master_of(self.sentinel_ports[0])
        client = self.write(master)
        asked = [Client(port, 1) for port in self.sentinel_ports]
        for _ in range(50):
            client.ask("SET", "order", time.monotonic_ns())
        killed = time.monotonic_ns()
        os.kill(self.servers[master].pid, signal.SIGKILL)
        timings = None
        while timings is None:
            if time.monotonic_ns() - killed > 30e9:
                raise NotUp("no new master within 30 s")
            for sentinel in asked:
                now = int(sentinel.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "holdfast")[1])
                if now == master:
                    continue
                try:
                    self.write(now).close()
                    timings = (time.monotonic_ns() - killed) / 1e6
                    break
                except OSError:
                    pass
            else:
                time.sleep(0.001)
        client.close()
        epoch = self.epoch()
        for sentinel in asked:
            sentinel.close()
        self.servers[master].wait()
        new = self.master_of(self.sentinel_ports[0])
        self.servers[master] = self._start("server", master, SERVER, "--replicaof", "127.0.0.1", str(new))
        self.wait_whole()
        self.false_alarms += self.epoch() - epoch
        time.sleep(random.random())
        return timings

    def stop(self):
        end(self.sentinels + list(self.servers.values()))

    @staticmethod
    def tuning():
        return {"down_after_ms": DOWN_AFTER_MS, "failover_timeout_ms": FAILOVER_TIMEOUT_MS, "quorum": 2, "sentinels": 3,
                "replicas": 2, **{key.lower(): value for key, value in DEBUG.items()}}
