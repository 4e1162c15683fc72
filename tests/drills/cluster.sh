# A venue and a guarded node of their own for one drill; sourced by scripts that set `bin`.
#   cluster_start NAME [NODE_BINARY]   state in build/drills/NAME (variable `state`)
#   cluster_load ARGUMENT...           runs holdfast-load; its result in $state/result.json
#   cluster_stop                       ends node and venue in order
#   field KEY                          one number of the result

cluster_start() {
  state=$PWD/build/drills/$1
  local node=${2:-$bin/holdfast-node}
  rm -rf "$state" && mkdir -p "$state/node"
  "$bin/holdfast-venue" --sender XSIM --port 0 --control 0 --ports-file "$state/venue.ports" \
    --record "$state/venue.jsonl" >"$state/venue.log" 2>&1 &
  venue_pid=$!
  for _ in $(seq 200); do [ -s "$state/venue.ports" ] && break || sleep 0.05; done
  [ -s "$state/venue.ports" ] || return 1
  export HOLDFAST_STATE_DIR=$state/node HOLDFAST_INGRESS_PORT=0 HOLDFAST_OPERATOR_PORT=0
  HOLDFAST_VENUE_PORTS="XSIM=$(sed -n 's/^fix=//p' "$state/venue.ports")"
  export HOLDFAST_VENUE_PORTS
  deploy/install token "$HOLDFAST_STATE_DIR/operator.token" >/dev/null || return 1
  # A drill kills more often than a guard should put up with.
  "$bin/holdfast-guard" --node-binary "$node" --config config --state-dir "$HOLDFAST_STATE_DIR" \
    --alarm-restarts 1000 --stable-after-ms 100 >"$state/guard.log" 2>&1 &
  guard_pid=$!
  for _ in $(seq 300); do "$bin/holdfast" health >/dev/null 2>&1 && return 0 || sleep 0.1; done
  tail -n 5 "$HOLDFAST_STATE_DIR/node.log" >&2
  cluster_stop
  return 1
}

cluster_load() {
  "$bin/holdfast-load" --state-dir "$HOLDFAST_STATE_DIR" --venue-record "$state/venue.jsonl" --json "$state/result.json" \
    --quiet "$@" >"$state/load.log" 2>&1
}

cluster_stop() {
  kill -TERM "$guard_pid" 2>/dev/null && wait "$guard_pid" 2>/dev/null
  kill -TERM "$venue_pid" 2>/dev/null && wait "$venue_pid" 2>/dev/null
  return 0
}

field() { sed -n "s/^  \"$1\": \([0-9]*\),*$/\1/p" "$state/result.json"; }
