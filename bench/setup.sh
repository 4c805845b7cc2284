#!/bin/sh
# Makes the virtual environment that the scripts in bench/ run in, with every peer at the version pinned in requirements.txt.
#
#   bench/setup.sh                         -> bench/.venv
#   MIXNET_VENV=/some/dir bench/setup.sh
#   bench/setup.sh litert                  adds bench/.venv-litert (or $MIXNET_LITERT_VENV): the converter to LiteRT's format, whose
#                                          pins exclude the torch above; it borrows that torch, which works, and is used for export alone
#
# Needs Python 3.11 or later, a C++ compiler (torch.compile builds its kernels with it), and about 6 GB of disk: the torch
# package of the default index carries its accelerator libraries and cannot be imported without them. With an index that
# serves CPU builds of torch (set PIP_INDEX_URL) it is under 1 GB.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv=${MIXNET_VENV:-$here/.venv}

environment() { [ -x "$1/bin/python" ] || "${PYTHON:-python3}" -m venv "$1"; }
install() { python=$1/bin/python; shift; "$python" -m pip install --quiet --disable-pip-version-check "$@"; }

environment "$venv"
install "$venv" -r "$here/requirements.txt"
install "$venv" --no-deps -r "$here/requirements-nodeps.txt"
"$venv/bin/python" - <<'PY'
import torch, timm
with torch.inference_mode():
    n = timm.create_model('mixnet_s').eval()(torch.zeros(1, 3, 224, 224)).shape[1]
print(f'ready: torch {torch.__version__}, timm {timm.__version__}, mixnet_s gives {n} logits')
PY

if [ "${1:-}" = litert ]; then
	litert=${MIXNET_LITERT_VENV:-$here/.venv-litert}
	environment "$litert"
	"$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))' >"$("$litert/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/peers.pth"
	install "$litert" --no-deps -r "$here/requirements-litert.txt"
	"$litert/bin/python" -c 'import litert_torch' && echo "ready: LiteRT converter"
fi
