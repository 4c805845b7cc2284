#!/usr/bin/env bash
# Times steps of one process with two threads and of two ranks with one thread
# each, in turns: x/bench/ranks.sh [TURNS]. MPIRUN names the launcher, MIXNET_X
# a program that is built already.
set -euo pipefail
cd "$(dirname "$0")/.."
mpirun=${MPIRUN:-mpirun}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
program=${MIXNET_X:-$dir/mixnet-x}
[ -n "${MIXNET_X:-}" ] || go build -o "$program" ./cmd/mixnet-x
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_hwloc_base_binding_policy=none PRTE_MCA_hwloc_default_binding_policy=none

# images is what a step takes, in two parts.
images=64

# steps N COMMAND…: the seconds that N steps took, with the first one's start.
steps() {
  local n=$1
  shift
  rm -rf "$dir/run"
  "$@" train --json -m mixnet_s@size=96 --set batch=$images --set accumulate=2 --max-steps "$n" -o "$dir/run" |
    python3 -c 'import json, sys
for line in sys.stdin:
    e = json.loads(line)
    if "train_loss" in e: print(e["seconds"])' | tail -1
}

for turn in $(seq "${1:-3}"); do
  for way in one two; do
    case $way in
    one) run=("$program" -T 2) ;;
    two) run=("$mpirun" -n 2 "$program" -T 1) ;;
    esac
    few=$(steps 3 "${run[@]}")
    many=$(steps 13 "${run[@]}")
    python3 -c "print(f'turn $turn, $way: {10 * $images / ($many - $few):.1f} images/s')"
  done
done
