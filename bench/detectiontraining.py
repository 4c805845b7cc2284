"""Gathers what detection-training.sh has measured: OUT/detection-training.json and .md.

    python bench/detectiontraining.py OUT
"""
import json
import pathlib
import sys

import chart
import machine

SETS = dict(cards='playing cards', bccd='blood cells', pets="pets' heads")
WAYS = dict(person='the detector of people', random='random weights', photo='the photo classifier', **{'random-own': 'random weights, recipe for them'})


def read(path):
    return json.loads(path.read_text()) if path.exists() else None


def gather(out):
    rows = []
    for name in SETS:
        for way in WAYS:
            run = out / f'{name}-{way}'
            judged, summary, compared = (read(run / f'{f}.json') for f in ('judged', 'summary', 'difference'))
            if judged is None:
                continue
            keys = ('network', 'images', 'objects', 'ap', 'ap50', 'ap75', 'ap_interval', 'ap50_interval', 'classes')
            rows.append(dict(set=name, begins_with=way, epochs=len((run / 'metrics.jsonl').read_text().splitlines()), seconds=summary['seconds'],
                             **{k: judged.get(k) for k in keys}, above_random=compared and compared['difference']))
    return rows


def points(v):
    return f'{100 * v:.1f}'


def table(rows):
    out = []
    for r in rows:
        d = r['above_random']
        out.append([SETS[r['set']], WAYS[r['begins_with']], r['network'], r['epochs'], points(r['ap']), f'{points(r["ap_interval"]["low"])} to {points(r["ap_interval"]["high"])}',
                    points(r['ap50']), f'{100 * d["ap"]:+.1f} ({100 * d["ap_interval"]["low"]:+.1f} to {100 * d["ap_interval"]["high"]:+.1f})' if d else '–'])
    return chart.markdown(['set', 'begins with', 'network', 'epochs', 'AP %', '95 %', 'AP50 %', 'AP less that from random weights, same recipe'], out)


def main():
    out = pathlib.Path(sys.argv[1])
    rows = gather(out)
    result = dict(processor=machine.cpuinfo('model name'), rows=rows)
    (out / 'detection-training.json').write_text(json.dumps(result, indent=1) + '\n')
    (out / 'detection-training.md').write_text(
        '# Detectors trained on small sets\n\nOn test images that nothing was chosen by, except that blood cells have validation images which chose the epoch. '
        'Intervals are of images drawn anew, of differences for both detectors together: one run each, so that they say nothing of other seeds. '
        '`bench/detection-training.sh` makes this.\n\n' + table(rows))


if __name__ == '__main__':
    main()
