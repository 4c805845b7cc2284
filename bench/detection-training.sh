#!/usr/bin/env bash
# Trains detectors on small sets of photos in three ways — from the detector of
# people, on the backbone of the photo classifier, and from random weights — and
# a small one on made pictures, and judges each on its test images. Runs that
# are there go on or are left alone.
#
#   bench/detection-training.sh MIXNET CARDS BCCD OUT [EPOCHS]
#
# CARDS is the folder of playing cards of EdjeElectronics' tutorial (Apache-2.0),
# BCCD Shenggan's blood cells (MIT). Results: OUT/*.json, one a run.
set -euo pipefail
mixnet=$1 cards=$2 bccd=$3 out=$4 epochs=${5:-40}
mkdir -p "$out"

train() { # name, arguments
  local run=$out/$1
  shift
  if [ -e "$run/summary.json" ]; then
    return
  elif [ -e "$run/last.safetensors" ]; then
    "$mixnet" train --resume "$run"
  else
    "$mixnet" train --task detect -o "$run" "$@"
  fi
}

for set in cards bccd; do
  train "$set-person" --data "${!set}" --weights person --epochs "$epochs"
  train "$set-photo" --data "${!set}" --weights photo --epochs "$epochs"
  train "$set-scratch" --data "${!set}" --model mobilenetv2_100_ssdlite300 --recipe detection --epochs "$epochs"
done
train garments

for run in "$out"/*/; do
  "$mixnet" eval --model "$run" --per-class --json > "${run%/}.json"
done
"$mixnet" runs --dir "$out"
