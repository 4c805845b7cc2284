"""Reading a folder of JPEGs as training does (decode, random crop, resize to 224, flip, normalise), beside torchvision.

    python bench/peers.py load --data DIR       DIR/CLASS/*.jpg, nested folders allowed

Both use two decoding workers and batches of 32 and go through the folder several times; the figure is the median pass.
"""
import json
import os
import pathlib
import sys

import schedule
import worker

BATCH, SIZE = 32, 224


def torchvision(spec):
    import torch
    import torchvision as tv
    from torchvision.transforms import v2

    class Photos(torch.utils.data.Dataset):
        def __init__(self):
            self.files = sorted(str(p) for p in pathlib.Path(spec['data']).rglob('*.jpg'))
            self.prepare = v2.Compose([v2.RandomResizedCrop(SIZE, antialias=True), v2.RandomHorizontalFlip(), v2.PILToTensor(), v2.ToDtype(torch.float32, scale=True),
                                       v2.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))])

        def __len__(self):
            return len(self.files)

        def __getitem__(self, i):
            return self.prepare(tv.datasets.folder.pil_loader(self.files[i]))
    loader = torch.utils.data.DataLoader(Photos(), BATCH, shuffle=True, num_workers=spec['threads'], persistent_workers=True, drop_last=False)
    torch.set_num_threads(1)

    def run():
        return sum(len(b) for b in loader)
    return run, None, tv.__version__


def measure(a):
    count = sum(1 for _ in a.data.rglob('*.jpg'))
    if count == 0:
        raise SystemExit(f'{a.data}: no .jpg files; name a folder of photos with --data')
    threads = min(2, os.cpu_count())
    workers = [schedule.python_worker('torchvision', dict(data=str(a.data.resolve()), threads=threads), 'loading.py')]
    if a.mixnet:
        workers.insert(0, schedule.Worker('mixnet', [a.mixnet, 'bench', 'load', a.data.resolve(), '--size', SIZE, '--batch', BATCH, '--threads', threads, '--worker']))
    schedule.interleave(workers, max(3, a.rounds // 3), a.seconds)
    rows = []
    for w in workers:
        w.finish()
        rows.append(dict(w.summary(count), peak_rss_mb=w.peak_rss_mb))
        rows[-1]['cpu_ms_an_image'] = rows[-1]['cpu_ms'] / count
        print(w.name, f'{rows[-1]["images_per_s"]:.0f} images/s, {rows[-1]["cpu_ms_an_image"]:.2f} processor ms an image')
    return schedule.ratio(rows)


if __name__ == '__main__':
    with open(sys.argv[2]) as spec_file:
        worker.serve(torchvision, json.load(spec_file))
