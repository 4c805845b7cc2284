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
# use. Sixteen epochs take about 50 minutes of one Zen 4 core. The results,
# OUT/detection-training.json and OUT/detection-training.md, hold what has ended.
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

train() { # run, set, way
  if [ -e "$1/summary.json" ]; then
    return
  elif [ -e "$1/last.safetensors" ]; then
    "$mixnet" train --resume "$1" --threads "${THREADS:-0}"
  else
    rm -rf "$1"
    # shellcheck disable=SC2086 # the arguments are words
    "$mixnet" train --task detect -o "$1" --epochs "$epochs" --threads "${THREADS:-0}" ${data[$2]} ${begin[$3]}
  fi
}

judge() { # run, and the one it is compared with
  if [ -e "$1/judged.json" ]; then return; fi
  "$mixnet" eval --model "$1" --coco "$1/coco" --per-class --json > "$1/judged.json.new"
  if [ "$1" != "$2" ]; then
    "$mixnet" eval --results "$1/coco/results.json" --against "$2/coco/results.json" --annotations "$1/coco/annotations.json" --json > "$1/difference.json"
  fi
  mv "$1/judged.json.new" "$1/judged.json"
}

for way in random person photo random-own; do
  for set in cards bccd pets; do
    train "$out/$set-$way" "$set" "$way"
    judge "$out/$set-$way" "$out/$set-random"
    python3 "$here/detectiontraining.py" "$out"
  done
done
