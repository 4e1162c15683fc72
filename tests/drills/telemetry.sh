# What a real node measures while orders flow, and what it makes of hostile samples; sourced by run.

# telemetry_judge FILE...: what is wrong with the views taken during the flow, in words; nothing when all is well.
telemetry_judge() {
  python3 - "$@" <<'PY'
import json, sys
views = [json.load(open(f)) for f in sys.argv[1:]]
seen = {}
for view in views:
    for s in view["series"]:
        for at, value in s.get("points", [[0, s["value"]]]):
            seen.setdefault(s["metric"], []).append(value)
wrong = []
# What every host tells, and what every node has.
for metric in ("system.cpu.utilization", "process.memory.usage", "process.cpu.utilization", "clock.bound",
               "clock.step", "loop.late", "system.filesystem.free", "process.network.socket_queue",
               "journal.write.duration", "order.rate", "order.reject_ratio", "venue.rtt", "order.latency",
               "queue.saturation", "actor.mailbox.depth", "http.requests"):
    if metric not in seen:
        wrong.append("no " + metric)
for metric in ("system.cpu.utilization", "process.memory.usage", "order.rate", "venue.rtt", "order.latency"):
    if metric in seen and max(seen[metric]) <= 0:
        wrong.append(metric + " is never above zero")
counts = views[-1]["counts"]
if counts["impossible"]:
    wrong.append("%d impossible readings of our own" % counts["impossible"])
if counts["lost"]:
    wrong.append("%d samples lost" % counts["lost"])
print("; ".join(wrong))
print("%d us of CPU an interval, %d series" % (counts["busy_us_mean"], counts["series"]), file=sys.stderr)
PY
}

# telemetry_hostile URL TOKEN: sends what outsiders send, honest and not; what was answered wrongly, in words.
telemetry_hostile() {
  python3 - "$@" <<'PY'
import json, sys, time, urllib.error, urllib.request
url, token = sys.argv[1:]
def post(path, body):
    request = urllib.request.Request(url + path, data=body, headers={"Authorization": "Bearer " + token})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)
    except (urllib.error.URLError, ConnectionError) as error:
        return 0, {"error": str(error)}  # refused while it was still being sent
def metric(name, points):
    return json.dumps({"resourceMetrics": [{"scopeMetrics": [{"metrics": [
        {"name": name, "gauge": {"dataPoints": points}}]}]}]}).encode()
now = time.time_ns()
def point(value, at=now, instance=""):
    return dict({"timeUnixNano": str(at), "attributes": [
        {"key": "holdfast.instance", "value": {"stringValue": instance}}] if instance else []}, **value)
wrong = []
def expect(what, got, status, text=None):
    if got[0] != status or (text and text not in json.dumps(got[1])):
        wrong.append("%s: %s %s" % (what, got[0], json.dumps(got[1])[:200]))
expect("honest", post("/v1/metrics", metric("feed.gaps", [point({"asInt": "5"}, instance="A")])), 200)
expect("repeated", post("/v1/metrics", metric("feed.gaps", [point({"asInt": "5"}, instance="A")])), 200, "duplicate 1")
expect("unknown", post("/v1/metrics", metric("made.up", [point({"asInt": "5"})])), 200, "unknown_metric 1")
expect("not a number", post("/v1/metrics", metric("feed.gaps", [point({"asDouble": "NaN"})])), 200, "not_finite 1")
expect("stale", post("/v1/metrics", metric("feed.age", [point({"asInt": "5"}, now - 3600 * 10**9)])), 200, "stale 1")
expect("early", post("/v1/metrics", metric("feed.age", [point({"asInt": "5"}, now + 3600 * 10**9)])), 200, "from_future 1")
expect("impossible", post("/v1/metrics", metric("order.fill_ratio", [point({"asInt": "-5"})])), 200, "out_of_range 1")
expect("forged", post("/v1/metrics", metric("system.cpu.utilization", [point({"asInt": "5"}, now + 10**9)])), 200, "foreign 1")
expect("no request", post("/v1/metrics", b"[" * 50000), 400)
expect("no message", post("/v1/telemetry", b"\xff" * 64), 400)
huge = post("/v1/metrics", b" " * (2 << 20))
if huge[0] not in (413, 0):
    wrong.append("huge: %s" % huge[0])
flood = metric("feed.gaps", [point({"asInt": "1"}, now + i, "flood") for i in range(6000)])
answers = [post("/v1/metrics", flood) for _ in range(4)]
if not any("flooding" in json.dumps(a[1]) or a[0] == 429 for a in answers):
    wrong.append("flooding was not refused")
print("; ".join(wrong))
PY
}

drill_telemetry() {
  local problems="" pid url cost
  cluster_start telemetry || { echo "FAIL telemetry: the cluster did not start" && failed=1 && return; }
  cluster_load --flow synthetic:5 --orders 4000 --rate 1000 &
  pid=$!
  sleep 2
  local domain views=()
  for domain in cpu network io execution http; do
    "$bin/holdfast" --json get "/v1/telemetry?domain=$domain&points=100" >"$state/$domain.json" || problems+="no $domain; "
    views+=("$state/$domain.json")
  done
  wait $pid || problems+="the flow was not clean; "
  "$bin/holdfast" --json get /v1/telemetry >"$state/all.json" || problems+="no telemetry; "
  problems+=$(telemetry_judge "${views[@]}" "$state/all.json" 2>"$state/cost")
  url=$(sed -n 's/.*"url": *"\([^"]*\)".*/\1/p' "$HOLDFAST_STATE_DIR/operator.json")
  problems+=$(telemetry_hostile "$url" "$(awk '{print $3; exit}' "$HOLDFAST_STATE_DIR/operator.token")")
  "$bin/holdfast" telemetry >/dev/null || problems+="no table; "
  # Whatever was sent, orders flow.
  cluster_load --flow synthetic:6 --ids T --orders 500 --rate 1000 || problems+="no clean flow afterwards; "
  cluster_stop
  if [ -n "$problems" ]; then
    echo "FAIL telemetry: $problems(see $state)"
    failed=1
    return
  fi
  cost=$(cat "$state/cost")
  echo "PASS telemetry: every domain measured while orders flowed, hostile samples refused by cause, $cost"
  [ $keep -eq 1 ] || rm -rf "$state"
}
