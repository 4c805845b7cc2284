#!/usr/bin/env bash
# Three independent searches on CIFAR-10 at 8 million multiply-adds (within 3 %), in the space mixnet-small at 32 pixels, with
# the whole protocol: a random search of equal cost, which the three share; the best five trained again with three seeds;
# beside them five networks drawn at random and one made by hand (shared too), and the winner with kernels of 3, 5, 7 and
# with MixConv 3,5,7; test images opened once a search.
#
#   bench/search-cifar.sh DATA FOLDER
#
# It goes on where it was stopped, to the bit, also within a training. Reports: FOLDER/search-N.html; tables: search-N.txt.
#
# What it takes on two Zen 4 cores. Two workers of one thread train 905 images a second between them of a network of 9.9
# million multiply-adds at 32 pixels (one alone 520; two threads on one network 735), which makes 1,120 at 8 million, and
# 1,230 by the recipe's sizes, which begin at 24 pixels. 45,000 of the training images train: 37 seconds an epoch.
#
#   part                                             trainings  epochs  hours
#   3 searches, 60 networks each                           180     180    1.8
#   their random search, 60 networks                        60      60    0.6
#   the random search's best 5, 3 seeds                     15      60    0.6
#   5 drawn at random and 1 made by hand, 3 seeds           18      72    0.7
#   the best 5 of 3 searches, 3 seeds                       45     180    1.8
#   3 winners with 4 other choices of kernels, 3 seeds      36     144    1.5
#   held-out images after every training, test images                     0.3
#   in all                                                 354     696    7.3
#
# Other sizes by these variables, the same at every call:
#   TRIALS=60 EPOCHS=1 JUDGE_EPOCHS=4 TOP=5 SEEDS=3 IMAGES=N (all) STRATEGY=predictor RECIPE=FILE WORKERS=0 (one a core)
set -euo pipefail
data=$(realpath "$1") folder=$2
here=$(cd "$(dirname "$0")" && pwd)
recipe=$(realpath "${RECIPE:-$here/recipes/cifar.toml}")
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
mixnet=${MIXNET:-$folder/mixnet}
if [ ! -x "$mixnet" ]; then (cd "$here/.." && go build -o "$mixnet" ./cmd/mixnet); fi
cd "$folder"
for seed in 1 2 3; do
  name=search-$seed
  if [ ! -e "$name.db" ]; then
    random=own
    if [ "$seed" != 1 ]; then random=search-1; fi
    "$mixnet" search new "$name" --data "$data" ${IMAGES:+--images "$IMAGES"} --space mixnet-small --size 32 --min-macs 7.76M --max-macs 8.24M \
      --strategy "${STRATEGY:-predictor}" --trials "${TRIALS:-60}" --epochs "${EPOCHS:-1}" --seed "$seed" --random "$random" \
      --recipe "$recipe" --set eval_every=1000 \
      --top "${TOP:-5}" --seeds "${SEEDS:-3}" --judge-epochs "${JUDGE_EPOCHS:-4}" --handmade mixnet_cifar
  fi
  "$mixnet" search run "$name" --workers "${WORKERS:-0}"
  "$mixnet" search finish "$name" >"$name.txt"
done
cat search-?.txt
