"""Prints what pycocotools says of the sets gt0.json, dt0.json … in a folder."""
import contextlib, io, json, sys
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

out = []
for i in range(int(sys.argv[2])):
    with contextlib.redirect_stdout(io.StringIO()):
        gt = COCO(f"{sys.argv[1]}/gt{i}.json")
        e = COCOeval(gt, gt.loadRes(f"{sys.argv[1]}/dt{i}.json"), "bbox")
        e.evaluate()
        e.accumulate()
        e.summarize()
    out.append(list(e.stats))
json.dump(out, sys.stdout)
