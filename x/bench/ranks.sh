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

# seconds STEPS COMMAND…: what the steps of an epoch took, without the start of
# the program and the evaluation: those of a longer run less those of a shorter.
steps() {
  local n=$1
  shift
  rm -rf "$dir/run"
  "$@" train --json --val-split 0 --set batch=256 --set accumulate=2 --max-steps "$n" -o "$dir/run" |
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
    few=$(steps 4 "${run[@]}")
    many=$(steps 20 "${run[@]}")
    python3 -c "print(f'turn $turn, $way: {16 * 256 / ($many - $few):.0f} images/s')"
  done
done
