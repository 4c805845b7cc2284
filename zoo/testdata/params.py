"""Writes params.json.gz beside this script: the multiply-adds at 224×224, and the parameter names and shapes in the order of
state_dict, of the networks of bench/golden/networks.py and timm's further EfficientNet-Lites (pip install torch torchvision timm).
"""
import functools, gzip, json, pathlib, sys
import torch, timm

here = pathlib.Path(__file__).resolve().parent
sys.path.append(str(here.parents[1] / 'bench' / 'golden'))
from networks import NETWORKS
from rule import count

LITES = [f'{tf}efficientnet_lite{i}' for i in range(1, 5) for tf in ('', 'tf_')]

out = {}
with torch.device('meta'):
    for name, make in NETWORKS.items() | {n: functools.partial(timm.create_model, n) for n in LITES}.items():
        model = make()
        shapes = [[k, list(v.shape)] for k, v in model.state_dict().items() if not k.endswith('num_batches_tracked')]
        out[name.replace('/', '_')] = dict(macs=count(model)[1], params=shapes)
path = here / 'params.json.gz'
path.write_bytes(gzip.compress(json.dumps(out, separators=(',', ':'), sort_keys=True).encode(), 9, mtime=0))
print(len(out), 'networks,', path.stat().st_size, 'bytes')
