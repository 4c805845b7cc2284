#!/bin/sh
# Makes the environments of the servers that load.py compares with, in bench/serving/.venv or $MIXNET_SERVERS.
#
# Needs Python 3.11 or 3.12, Java for TorchServe, wrk and Go; bench/setup.sh is to have been run, whose torch and timm make
# the model. The load comes from wrk and vegeta.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
to=${MIXNET_SERVERS:-$here/.venv}
environment() {
	name=$1
	shift
	[ -x "$to/$name/bin/python" ] || "${PYTHON:-python3}" -m venv "$to/$name"
	"$to/$name/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
}
environment mlserver mlserver==1.7.1 uvloop==0.21.0 openvino==2026.4.1 pillow==12.0.0
environment litserve litserve==0.2.19 openvino==2026.4.1 pillow==12.0.0
environment torchserve torchserve==0.12.0 torch-model-archiver==0.12.0 psutil pyyaml 'setuptools<80' captum pynvml pillow==12.0.0
"${MIXNET_VENV:-$here/../.venv}/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))' >"$("$to/torchserve/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/torch.pth"
GOBIN=$to go install github.com/tsenart/vegeta/v12@v12.13.0
command -v wrk >/dev/null || { echo "wrk is missing: apt-get install wrk" >&2; exit 1; }
