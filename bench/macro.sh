#!/bin/sh
# Trains three networks of NAS-Bench-Macro with its recipe and prints the best
# accuracy after any epoch, which is what the table has:
#
#   10110100  27.2 M multiply-adds  89.38 %
#   11110200  38.9 M                91.51 %
#   21220200  57.1 M                92.57 %
#
#   bench/macro.sh DATA FOLDER [FLAGS OF mixnet train]
#
# It goes on where it was stopped. On two Zen 4 cores an epoch takes about 1.5, 2
# and 3 minutes, all three together 6 hours. A shorter version, with the gaps
# between the networks less clear: --epochs 10, a fifth of that.
set -eu
data=$1 dir=$2
shift 2
cd "$(dirname "$0")/.."
go build -o "${TMPDIR:-/tmp}/mixnet-macro" ./cmd/mixnet
for key in 10110100 11110200 21220200; do
	run=$dir/$key
	if [ -e "$run/last.safetensors" ]; then
		"${TMPDIR:-/tmp}/mixnet-macro" train --resume "$run"
	else
		"${TMPDIR:-/tmp}/mixnet-macro" train --data "$data" --model "bench/networks/macro_$key.toml" --recipe bench/recipes/nas-bench-macro.toml -o "$run" "$@"
	fi
done
for key in 10110100 11110200 21220200; do
	python3 - "$dir/$key/metrics.jsonl" $key <<'PY'
import json, sys
rows = [json.loads(line) for line in open(sys.argv[1])]
best = max(rows, key=lambda r: r.get("top1", 0))
print(f"{sys.argv[2]}: {100 * best['top1']:.2f} % after epoch {best['epoch']} of {len(rows)}, {100 * rows[-1]['top1']:.2f} % after the last")
PY
done
