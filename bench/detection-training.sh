#!/usr/bin/env bash
# Trains detectors on small sets of photos in four ways. Three share a recipe
# and differ in the weights they begin with: those of the detector of people,
# random ones for the same network, and the backbone of the photo classifier, an
# EfficientNet-Lite0. The fourth begins with random weights too, with the recipe
# for them. Each is judged on the set's test images, and all of a set on the same
# resamples of those, so that differences between them have intervals as well.
# Runs that are there go on or are left alone: start it again after a stop.
#
#   bench/detection-training.sh MIXNET CARDS BCCD PETS OUT [EPOCHS]
#
# CARDS is the folder of playing cards of EdjeElectronics' tutorial (Apache-2.0),
# BCCD Shenggan's blood cells (MIT), PETS the folder "data" of a sample of the
# Oxford pets with the boxes of heads as COCO's. THREADS is how many cores to
# use. Sixteen epochs take about 45 minutes of one Zen 4 core. Results:
# OUT/detection.json and OUT/detection.md.
set -euo pipefail
mixnet=$1 cards=$2 bccd=$3 pets=$4 out=$5 epochs=${6:-16}
here=$(dirname "$(realpath "$0")")
mkdir -p "$out"

declare -A data=(
  [cards]="--data $cards"
  [bccd]="--data $bccd"
  [pets]="--data $pets/sample_annotations/coco --images $pets/samples_classification --val-split 0.25"
)
same="--recipe detection-finetune"
declare -A begin=(
  [person]="--weights person --model mobilenetv2_100_ssdlite224 $same"
  [random]="--model mobilenetv2_100_ssdlite224 $same"
  [photo]="--weights photo --model efficientnet_lite0_ssdlite224 $same"
  [random-own]="--model mobilenetv2_100_ssdlite224 --recipe detection"
)

for way in person random photo random-own; do
  for set in cards bccd pets; do
    run=$out/$set-$way
    if [ -e "$run/summary.json" ]; then
      continue
    elif [ -e "$run/last.safetensors" ]; then
      "$mixnet" train --resume "$run" --threads "${THREADS:-0}"
    else
      rm -rf "$run"
      # shellcheck disable=SC2086 # the arguments are words
      "$mixnet" train --task detect -o "$run" --epochs "$epochs" --threads "${THREADS:-0}" ${data[$set]} ${begin[$way]}
    fi
  done
done
