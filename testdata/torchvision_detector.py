"""Writes state.safetensors-like .pth and golden.json of torchvision's SSDLite
from a seed, batch-norm statistics at random, for the test TestTorchvisionDetector:

    python detector.py DIR
"""
import json
import sys

import torch
from torchvision.models.detection import ssdlite320_mobilenet_v3_large

torch.manual_seed(3)
model = ssdlite320_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=91).eval()
with torch.no_grad():
    for name, p in model.named_parameters():
        if p.dim() == 4:  # keep signals alive through all layers
            fan = p[0].numel()
            p.normal_(0, (2 / fan) ** 0.5)
        elif name.endswith("weight"):
            p.uniform_(0.7, 1.3)
        else:
            p.normal_(0, 0.1)
    for m in model.modules():
        if isinstance(m, torch.nn.BatchNorm2d):
            m.running_mean.normal_(0, 0.2)
            m.running_var.uniform_(0.5, 1.5)
    # Heads are scaled so that boxes stay near their anchors and scores differ.
    x = torch.tensor([[[(7 * c + 3 * y + 5 * x) % 256 for x in range(320)] for y in range(320)] for c in range(3)]).float()
    x = (x * 2 / 255 - 1)[None]
    features = list(model.backbone(x).values())
    out = model.head(features)
    for part, key, scale in (("classification_head", "cls_logits", 2.5), ("regression_head", "bbox_regression", 0.7)):
        rms = out[key].pow(2).mean().sqrt()
        for level in getattr(model.head, part).module_list:
            level[1].weight.mul_(scale / rms)
            level[1].bias.mul_(scale / rms)
    features = list(model.backbone(x).values())
    out = model.head(features)
    from torchvision.models.detection.image_list import ImageList

    anchors = model.anchor_generator(ImageList(x, [(320, 320)]), features)
    boxes = model.box_coder.decode_single(out["bbox_regression"][0], anchors[0])
    found = model.postprocess_detections(out, anchors, [(320, 320)])[0]
torch.save(model.state_dict(), sys.argv[1] + "/ssdlite320_mobilenet_v3_large_coco-a79551df.pth")
json.dump(
    {
        "logits": out["cls_logits"][0, ::7, ::3].flatten().tolist(),
        "codes": out["bbox_regression"][0].flatten().tolist(),
        "boxes": boxes.flatten().tolist(),
        "scores": found["scores"].tolist(),
        "labels": found["labels"].tolist(),
        "found": found["boxes"].flatten().tolist(),
    },
    open(sys.argv[1] + "/golden.json", "w"),
)
