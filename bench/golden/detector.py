"""Makes zoo/testdata/golden/detect_torchvision_ssdlite320.json: what torchvision's SSDLite makes of an image.

    python bench/golden/detector.py [--out DIR]

Parameters follow rule.py; the last convolutions of the heads are then multiplied by powers of two, so that boxes stay near their
anchors and scores differ. A pixel of the input is (7 channel + 3 y + 5 x) mod 256, from -1 to 1. The file holds the raw heads of
every map, decoded boxes, the losses on three objects with their gradients, and the first detections. Computed in float64 from
float32 values.
"""
import argparse
import json
import pathlib

import torch
from torchvision.models.detection import ssdlite320_mobilenet_v3_large
from torchvision.models.detection.image_list import ImageList
from torchvision.ops import box_iou

import rule

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEADS = dict(classification_head=dict(key='cls_logits', rms=2.5), regression_head=dict(key='bbox_regression', rms=0.7))
OBJECTS = dict(boxes=[[20, 30, 120, 200], [200, 10, 300, 90], [100, 100, 130, 125]], labels=[1, 17, 90])
FOUND = 40


def scale(model, features):
    """Multiplies the heads' last convolutions; returns by what."""
    out = {}
    for name, h in HEADS.items():
        rms = getattr(model.head, name)(features).square().mean().sqrt()
        out[name] = 2.0 ** round(float(torch.log2(h['rms'] / rms)))
        for level in getattr(model.head, name).module_list:
            level[1].weight.mul_(out[name])
            level[1].bias.mul_(out[name])
    return out


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--out', type=pathlib.Path, default=ROOT / 'zoo/testdata/golden')
    a = p.parse_args()
    torch.set_num_threads(1)
    model = rule.fill(ssdlite320_mobilenet_v3_large(weights=None, weights_backbone=None)).eval().double()
    c, y, x = torch.meshgrid(torch.arange(3), torch.arange(320), torch.arange(320), indexing='ij')
    image = (((7 * c + 3 * y + 5 * x) % 256).float() * 2 / 255 - 1)[None].double()
    with torch.no_grad():
        features = list(model.backbone(image).values())
        scales = scale(model, features)
        heads = model.head(features)
        anchors = [b.double() for b in model.anchor_generator(ImageList(image, [(320, 320)]), features)]
        found = model.postprocess_detections(heads, anchors, [(320, 320)])[0]
    maps, start = [], 0
    for f in features:
        n = 6 * f.shape[2] * f.shape[3]
        maps.append(dict(size=list(f.shape[2:]), **{h['key']: rule.stat(heads[h['key']][0, start:start + n]) for h in HEADS.values()}))
        start += n
    targets = [dict(boxes=torch.tensor(OBJECTS['boxes'], dtype=torch.float64), labels=torch.tensor(OBJECTS['labels']))]
    raw = {k: v.detach().requires_grad_() for k, v in heads.items()}
    losses = model.compute_loss(targets, raw, anchors, [model.proposal_matcher(box_iou(targets[0]['boxes'], anchors[0]))])
    sum(losses.values()).backward()
    d_codes, d_logits = raw['bbox_regression'].grad.flatten(), raw['cls_logits'].grad.flatten()
    out = dict(
        model='torchvision/ssdlite320_mobilenet_v3_large', input=[1, 3, 320, 320], scales=scales, maps=maps,
        boxes=rule.stat(model.box_coder.decode_single(heads['bbox_regression'][0], anchors[0])),
        objects=OBJECTS, losses={k: rule.short(v.detach()) for k, v in losses.items()},
        d_codes=[[int(i), rule.short(d_codes[i])] for i in d_codes.nonzero().flatten()],
        d_logits=dict(nonzero=int((d_logits != 0).sum()), mean_abs=rule.short(d_logits.abs().mean()), rms=rule.short(d_logits.square().mean().sqrt())),
        detections=len(found['scores']),
        found=[dict(label=int(found['labels'][i]), score=rule.short(found['scores'][i]), box=[rule.short(v) for v in found['boxes'][i]]) for i in range(FOUND)])
    text = json.dumps(out, separators=(',', ':'))
    for key in ('"maps"', '"boxes"', '"objects"', '"d_codes"', '"found"'):
        text = text.replace(',' + key, ',\n' + key, 1)
    (a.out / 'detect_torchvision_ssdlite320.json').write_text(text + '\n')


if __name__ == '__main__':
    main()
