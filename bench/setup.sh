#!/bin/sh
# Makes the virtual environment that the scripts in bench/ run in, with every peer at the version pinned in requirements.txt.
#
#   bench/setup.sh                  -> bench/.venv
#   MIXNET_VENV=/some/dir bench/setup.sh
#
# Needs Python 3.11 or later, a C++ compiler (torch.compile builds its kernels with it), and about 6 GB of disk: the torch
# package of the default index carries its accelerator libraries and cannot be imported without them. With an index that
# serves CPU builds of torch (set PIP_INDEX_URL) it is under 1 GB.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv=${MIXNET_VENV:-$here/.venv}
[ -x "$venv/bin/python" ] || "${PYTHON:-python3}" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt"
"$venv/bin/python" - <<'PY'
import torch, timm
with torch.inference_mode():
    n = timm.create_model('mixnet_s').eval()(torch.zeros(1, 3, 224, 224)).shape[1]
print(f'ready: torch {torch.__version__}, timm {timm.__version__}, mixnet_s gives {n} logits')
PY
