"""Makes data/testdata/parquet: small Parquet files by pyarrow and polars, and what is in them.

    pip install pyarrow polars; python bench/golden/parquet_files.py [OUT]

index.json gives for every file the writer's options and, row by row, the CRC-32 of image.bytes (null for a null) and the label.
"""
import io
import json
import pathlib
import random
import shutil
import sys
import zlib

import polars
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = pathlib.Path(__file__).resolve().parents[2]


def table(rnd, rows, nulls=False, words=False, repeat=False, int32=False, label=0, parts=None):
    few = [rnd.randbytes(rnd.randint(0, 40)) for _ in range(5)]
    images, labels = [], []
    for i in range(rows):
        b = rnd.choice(few) if repeat else rnd.randbytes(rnd.randint(0, 60))
        images.append(None if nulls and rnd.random() < 0.2 else dict(bytes=b, path=f'{i}.jpg'))
        labels.append(rnd.choice(['cat', 'dog', 'owl']) if words else (i // 40) % 3)
    if label == -1:
        labels = [-1] * rows
    elif label is None:
        labels[5] = None
    kind = pa.string() if words else pa.int32() if int32 else pa.int64()
    image = pa.array(images, pa.struct([('bytes', pa.binary()), ('path', pa.string())]))
    extra = pa.array([[i, i + 1] for i in range(rows)], pa.list_(pa.float64()))
    t = pa.table(dict(boxes=extra, image=image, label=pa.array(labels, kind)))
    features = dict(image=dict(_type='Image'), label=dict(names=['airplane', 'bird', 'cat'], _type='ClassLabel'),
                    boxes=[dict(dtype='float64', _type='Value')])
    if parts:  # the last one has no labels
        split = [parts[i * len(parts) // rows] for i in range(rows)]
        labels = [-1 if s == parts[-1] else v for s, v in zip(split, labels)]
        t = t.set_column(2, 'label', pa.array(labels, kind)).append_column('split', pa.array(split))
    if not words:
        t = t.replace_schema_metadata({'huggingface': json.dumps(dict(info=dict(features=features)))})
    return t


def main():
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / 'data/testdata/parquet'
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    rnd = random.Random(1)
    files = [
        ('train-snappy', dict(rows=90), dict(compression='snappy')),
        ('train-plain', dict(rows=50), dict(compression='none', use_dictionary=False)),
        ('validation-gzip', dict(rows=40), dict(compression='gzip', use_dictionary=False)),
        ('test-groups', dict(rows=120), dict(compression='snappy', row_group_size=25, data_page_size=200, write_batch_size=4)),
        ('repeats', dict(rows=120, repeat=True), dict(compression='snappy', row_group_size=50, data_page_size=64, write_batch_size=8)),
        ('nulls', dict(rows=60, nulls=True), dict(compression='snappy', data_page_size=200, write_batch_size=4)),
        ('words', dict(rows=60, words=True), dict(compression='snappy')),
        ('v2', dict(rows=60, nulls=True), dict(compression='snappy', data_page_version='2.0', data_page_size=300, write_batch_size=4)),
        ('v2-plain', dict(rows=30, int32=True), dict(compression='none', data_page_version='2.0', use_dictionary=False)),
        ('fallback', dict(rows=80), dict(compression='snappy', dictionary_pagesize_limit=300, data_page_size=300, write_batch_size=8)),
        ('zstd', dict(rows=10), dict(compression='zstd')),
        ('lz4', dict(rows=60, repeat=True, nulls=True), dict(compression='lz4')),
        ('gzip-v2', dict(rows=60, nulls=True), dict(compression='gzip', data_page_version='2.0', data_page_size=300, write_batch_size=4)),
        ('polars', dict(rows=60, nulls=True, words=True), None),  # polars as it writes by default
        ('polars-groups', dict(rows=60, repeat=True), dict(compression='lz4', row_group_size=25)),
        ('unlabelled', dict(rows=20, label=-1), dict(compression='snappy')),
        ('one-null', dict(rows=20, label=None), dict(compression='snappy')),
        ('brotli', dict(rows=10), dict(compression='brotli')),  # not read
        ('split', dict(rows=120, parts=['train', 'train', 'dev', 'test']), dict(compression='snappy')),
    ]
    index = dict(pyarrow=pa.__version__, files=[])
    for name, content, how in files:
        t = table(rnd, **content)
        if name.startswith('polars'):
            polars.from_arrow(t).write_parquet(out / f'{name}.parquet', **(how or {}))
        else:
            pq.write_table(t, out / f'{name}.parquet', **how)
        rows = [dict(image=None if r['image'] is None else zlib.crc32(r['image']['bytes']), label=r['label']) for r in t.to_pylist()]
        index['files'].append(dict(file=f'{name}.parquet', how=how, rows=rows))
    text = json.dumps(index).replace('{"file"', '\n {"file"')
    (out / 'index.json').write_text(text + '\n')


if __name__ == '__main__':
    main()
