"""COCO's evaluation of 5,000 images with a hundred detections each, by mixnet and by pycocotools, in turns.

    python bench/evaluator.py MIXNET OUT [ROUNDS]

Both read the same two files, made from a seed: 80 categories, 7 objects an image, three detections near each and others anywhere.
The files lie in the system's temporary folder and stay there. Each program runs as a process of its own with one thread; the least
times of the rounds go to OUT/evaluator.json. mixnet's includes the intervals of AP by a hundred resamples of the images,
pycocotools makes none.
"""
import json
import pathlib
import random
import resource
import subprocess
import sys
import tempfile
import time

import machine

IMAGES, OBJECTS, NEAR, OTHER, CATEGORIES = 5000, 7, 3, 79, 80
THEIRS = '''
import contextlib, io, sys
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
with contextlib.redirect_stdout(io.StringIO()):
    truths = COCO(sys.argv[1])
    e = COCOeval(truths, truths.loadRes(sys.argv[2]), 'bbox')
    e.evaluate()
    e.accumulate()
    e.summarize()
print(e.stats.tolist())
'''
KEYS = 'ap ap50 ap75 ap_small ap_medium ap_large ar1 ar10 ar100 ar_small ar_medium ar_large'.split()


def make(folder):
    """The files of annotations and of results, unless they are there."""
    annotations, results = folder / 'annotations.json', folder / 'results.json'
    if results.exists():
        return annotations, results
    folder.mkdir(exist_ok=True)
    rng = random.Random(0)
    truths, found = [], []
    for image in range(1, IMAGES + 1):
        for _ in range(OBJECTS):
            w, h, x, y = rng.uniform(8, 200), rng.uniform(8, 200), rng.uniform(0, 440), rng.uniform(0, 280)
            category = rng.randint(1, CATEGORIES)
            truths.append(dict(id=len(truths) + 1, image_id=image, category_id=category, bbox=[x, y, w, h], area=w * h, iscrowd=0))
            found += [dict(image_id=image, category_id=category, bbox=[x + rng.gauss(0, 8), y + rng.gauss(0, 8), w, h], score=round(rng.random(), 4))
                      for _ in range(NEAR)]
        found += [dict(image_id=image, category_id=rng.randint(1, CATEGORIES), bbox=[rng.uniform(0, 440), rng.uniform(0, 280), 50, 50],
                       score=round(rng.random() / 2, 4)) for _ in range(OTHER)]
    annotations.write_text(json.dumps(dict(images=[dict(id=i + 1, width=640, height=480, file_name=f'{i}.jpg') for i in range(IMAGES)], annotations=truths,
                                           categories=[dict(id=c + 1, name=f'c{c}') for c in range(CATEGORIES)])))
    results.write_text(json.dumps(found))
    return annotations, results


def run(argv):
    """Wall and processor seconds of a process, and what it prints."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    out = subprocess.run([str(x) for x in argv], check=True, stdout=subprocess.PIPE, text=True).stdout
    wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, out


def measure(mixnet, rounds):
    times = dict(mixnet=[], pycocotools=[])
    annotations, results = make(pathlib.Path(tempfile.gettempdir()) / f'mixnet-evaluator-{IMAGES}')
    for _ in range(rounds):
        wall, cpu, out = run([mixnet, 'eval', '--results', results, '--annotations', annotations, '--threads', '1', '--json'])
        ours = [json.loads(out)[k] for k in KEYS]
        times['mixnet'].append((wall, cpu))
        wall, cpu, out = run([sys.executable, '-c', THEIRS, annotations, results])
        theirs = json.loads(out)
        times['pycocotools'].append((wall, cpu))
    error = max(abs(a - b) for a, b in zip(ours, theirs))
    assert error < 1e-12, error
    best = {k: min(v) for k, v in times.items()}
    return dict(images=IMAGES, detections=IMAGES * (NEAR * OBJECTS + OTHER), threads=1, largest_difference=error, ap=ours[0],
                engines=[dict(engine=k, version=version(k, mixnet), seconds=round(w, 2), processor_seconds=round(c, 2)) for k, (w, c) in best.items()],
                ours_over_this=round(best['mixnet'][0] / best['pycocotools'][0], 3))


def version(engine, mixnet):
    if engine == 'mixnet':
        return subprocess.run([mixnet, '--version'], check=True, stdout=subprocess.PIPE, text=True).stdout.split()[-1]
    from importlib.metadata import version as of
    return of(engine)


def main():
    mixnet, out = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
    result = measure(mixnet, int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    out.mkdir(parents=True, exist_ok=True)
    (out / 'evaluator.json').write_text(json.dumps(dict(processor=machine.cpuinfo('model name'), simd=machine.simd(), **result), indent=1) + '\n')
    print(json.dumps(result, indent=1))


if __name__ == '__main__':
    main()
