"""Writes golden.json: what torchvision makes of anchors, codes, matches, losses
and final detections, for inputs that are a function of a seed."""
import json
import torch
from torchvision.models.detection import ssdlite320_mobilenet_v3_large
from torchvision.models.detection.anchor_utils import DefaultBoxGenerator
from torchvision.models.detection.image_list import ImageList

torch.manual_seed(1)
maps = [(20, 20), (10, 10), (5, 5), (3, 3), (2, 2), (1, 1)]
gen = DefaultBoxGenerator([[2, 3] for _ in range(6)], min_ratio=0.2, max_ratio=0.95)
anchors = gen(ImageList(torch.zeros(1, 3, 320, 320), [(320, 320)]), [torch.zeros(1, 1, h, w) for h, w in maps])[0]

classes, n = 5, anchors.shape[0]
model = ssdlite320_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=classes)
logits = (torch.randn(2, n, classes) * 2).mul(1e4).round().div(1e4)
codes = (torch.randn(2, n, 4) * 0.7).mul(1e4).round().div(1e4)
targets = [
    {"boxes": torch.tensor([[20., 30., 120., 200.], [200., 10., 300., 90.], [100., 100., 130., 125.]]), "labels": torch.tensor([1, 3, 4])},
    {"boxes": torch.tensor([[5., 5., 310., 300.]]), "labels": torch.tensor([2])},
]
matched = [model.proposal_matcher(__import__("torchvision").ops.boxes.box_iou(t["boxes"], anchors)) for t in targets]
# forced matches, as SSD.forward does through SSDMatcher
l, c = logits.clone().requires_grad_(), codes.clone().requires_grad_()
losses = model.compute_loss(targets, {"cls_logits": l, "bbox_regression": c}, [anchors, anchors], matched)
total = losses["bbox_regression"] + losses["classification"]
total.backward()
found = model.postprocess_detections({"cls_logits": logits, "bbox_regression": codes}, [anchors, anchors], [(320, 320)] * 2)
encoded = model.box_coder.encode_single(targets[0]["boxes"][:1].repeat(4, 1), anchors[:4])


def lst(t):
    return [round(float(v), 7) for v in t.flatten()]


json.dump({
    "anchors": len(anchors), "first": lst(anchors[:7]), "last": lst(anchors[-6:]), "sum": float(anchors.double().sum()),
    "logits": [round(float(v), 4) for v in logits.flatten()], "codes": [round(float(v), 4) for v in codes.flatten()],
    "encoded": lst(encoded),
    "matched": [[[int(i), int(m)] for i, m in enumerate(x) if m >= 0] for x in matched],
    "box_loss": float(losses["bbox_regression"].detach()), "class_loss": float(losses["classification"].detach()),
    "d_codes": [[int(i), round(float(c.grad.flatten()[i]), 8)] for i in c.grad.flatten().nonzero().flatten()],
    "d_logits_rms": float(l.grad.double().pow(2).mean().sqrt()), "d_logits_nonzero": int((l.grad != 0).sum()),
    "d_logits": [[int(i), round(float(l.grad.flatten()[i]), 8)] for i in l.grad.flatten().nonzero().flatten()[::7]],
    "found": [{"boxes": lst(f["boxes"]), "scores": lst(f["scores"]), "labels": [int(v) for v in f["labels"]]} for f in found],
}, open("golden.json", "w"))
