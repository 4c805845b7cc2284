"""Makes explain/testdata/cam.json: class activation maps by PyTorch.

    python bench/golden/cam.py [--out FILE]

Parameters and inputs follow rule.py. A map is what the paper defines: the classifier's weights of a class, applied to the input
of the network's global pooling at every position (Zhou et al. 2016, section 2); computed in float64 from float32 values.
The script fails unless a map's mean plus the bias is the logit."""
import argparse
import json
import pathlib

import torch

import rule
from networks import NETWORKS

ROOT = pathlib.Path(__file__).resolve().parents[2]
CASES = dict(mixnet_s=(96, 130), mobilenetv2_100=(97, 96), resnet18=(64, 96), tf_efficientnet_lite0=(96, 96))
CLASSES = (0, 305, 999)


def cam(name, h, w):
    model = rule.fill(NETWORKS[name]()).eval().double()
    seen = {}
    model.global_pool.register_forward_hook(lambda _m, i, _o: seen.__setitem__('map', i[0]))
    with torch.inference_mode():
        logits = model(rule.image(1, h, w).double())[0]
        features, classifier = seen['map'][0], model.get_classifier()
        maps = torch.einsum('kc,chw->khw', classifier.weight[list(CLASSES)], features)
    means = maps.mean((1, 2)) + classifier.bias[list(CLASSES)]
    assert torch.allclose(means, logits[list(CLASSES)], rtol=1e-9), (name, means, logits[list(CLASSES)])
    return dict(model=name, input=[1, 3, h, w], size=list(maps.shape[1:]), maps={str(k): [rule.short(v) for v in m.flatten()] for k, m in zip(CLASSES, maps)},
                logits=[rule.short(logits[k]) for k in CLASSES])


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--out', type=pathlib.Path, default=ROOT / 'explain/testdata/cam.json')
    a = p.parse_args()
    torch.set_num_threads(1)
    a.out.write_text('[\n' + ',\n'.join(json.dumps(cam(n, h, w), separators=(',', ':')) for n, (h, w) in CASES.items()) + '\n]\n')


if __name__ == '__main__':
    main()
