"""Tables (markdown) and charts (SVG) of the results stored by peers.py."""
import json
import math

NAMES = dict(mixnet='mixnet', openvino='OpenVINO', onnxruntime='ONNX Runtime', ncnn='ncnn', mnn='MNN', litert='LiteRT (XNNPACK)',
             torch_compile='PyTorch compile', torch_channels_last='PyTorch channels_last', torch_eager='PyTorch', torchvision='torchvision')


def name(engine):
    return NAMES.get(engine, engine)


def title(case):
    return f'{case["network"]}, batch {case["batch"]}, {case["threads"]} thread{"s" if case["threads"] > 1 else ""}' + (
        f', {case["size"]} px' if case.get('size', 224) != 224 else '')


def best(case):
    """The fastest engine that is not ours."""
    return min((r for r in case['rows'] if r['engine'] != 'mixnet'), key=lambda r: r['median_ms'], default=None)


def case_line(case):
    cells = '  '.join(f'{r["engine"]} {r["median_ms"]:.2f} (cpu {r["cpu_ms"]:.2f})' for r in sorted(case['rows'], key=lambda r: r['median_ms']))
    b = best(case)
    return f'{title(case)}: {cells}' + (f'  | ours / {b["engine"]} {b["ours_over_this"]:.2f}' if b and b.get('ours_over_this') else '')


def markdown(headers, rows):
    line = '| ' + ' | '.join(headers) + ' |\n|' + '|'.join('---' if i == 0 else '--:' for i in range(len(headers))) + '|\n'
    return line + ''.join('| ' + ' | '.join(str(c) for c in r) + ' |\n' for r in rows)


def about(result):
    m = result['machine']
    return (f'{m["processor"]} ({m["family"]}), {m["cores"]} cores, {m["simd"]}, L2 {m["l2"]}, L3 {m["l3"]}; a core reaches '
            f'{m["sgemm_gflops_per_core"]:g} GFLOP/s in a matrix product. {m["date"]}. {result["rounds"]} rounds of turns of {result["seconds"]:g} s.\n\n')


def overview(cases, unit='ms', digits=2):
    """One row a case, one column an engine: medians, and our part of the best other."""
    engines = [e for e in NAMES if any(r['engine'] == e for c in cases for r in c['rows'])]
    rows = []
    for c in cases:
        by = {r['engine']: r for r in c['rows']}
        b = best(c)
        ratio = f'{b["ours_over_this"]:.2f} × {name(b["engine"])}' if b and b.get('ours_over_this') else '–'
        value = (lambda r: r['median_ms']) if unit == 'ms' else (lambda r: r['images_per_s'])
        rows.append([title(c)] + [f'{value(by[e]):.{digits}f}' if e in by else '–' for e in engines] + [ratio])
    return markdown([f'median {unit}'] + [name(e) for e in engines] + ['ours / best other'], rows)


def details(case):
    rows = [[name(r['engine']), f'{r["median_ms"]:.2f}', f'{r["min_ms"]:.2f}', f'{r["p5_ms"]:.2f}–{r["p95_ms"]:.2f}', f'{r["cpu_ms"]:.2f}', r['calls'], f'{r["images_per_s"]:.1f}',
             f'{r["peak_rss_mb"]:.0f}', f'{r["start_ms"]:.0f}', f'{r["max_error"]:.1e}' if 'max_error' in r else '–',
             f'{r["ours_over_this"]:.2f}' if r.get('ours_over_this') else '–'] for r in sorted(case['rows'], key=lambda r: r['median_ms'])]
    return f'### {title(case)}\n\n' + markdown(['engine', 'median ms', 'min', '5–95 %', 'processor ms', 'calls', 'images/s', 'peak memory MB', 'start to first result ms',
                                                'largest error', 'ours / this'], rows) + '\n'


def versions(cases):
    return ', '.join(f'{name(e)} {v}' for e, v in sorted({(r['engine'], str(r['version']).split('-')[0]) for c in cases for r in c['rows']}))


def bars(path, cases, heading):
    """Horizontal bars, one group a case; ours dark. Written by hand so that the file is small and the same everywhere."""
    cases = [c for c in cases if c['rows']]
    width, left, bar, gap = 860, 170, 16, 34
    height = 44 + sum(gap + bar * len(c['rows']) for c in cases)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" font-size="12">',
           f'<rect width="{width}" height="{height}" fill="white"/>', f'<text x="8" y="20" font-size="15">{heading}</text>']
    y = 40
    for c in cases:
        top = max(r['median_ms'] for r in c['rows'])
        out.append(f'<text x="8" y="{y + 14}" font-weight="bold">{title(c)}</text>')
        y += 22
        for r in sorted(c['rows'], key=lambda r: r['median_ms']):
            w = r['median_ms'] / top * (width - left - 95)
            ours = r['engine'] == 'mixnet'
            out.append(f'<text x="{left - 6}" y="{y + 12}" text-anchor="end">{name(r["engine"])}</text>'
                       f'<rect x="{left}" y="{y + 1}" width="{w:.1f}" height="{bar - 3}" fill="{"#14532d" if ours else "#a8b3bd"}"/>'
                       f'<text x="{left + w + 5:.1f}" y="{y + 12}">{r["median_ms"]:.2f} ms</text>')
            y += bar
        y += gap - 22
    path.write_text('\n'.join(out) + '\n</svg>\n')


COLOURS = dict(mixnet='#14532d', openvino='#1d6fb8', onnxruntime='#b45309')


def lines(path, plots, width=430, height=300):
    """Line charts side by side, two a row: dicts of title, log (both axes), series (engine -> points)."""
    rows = -(-len(plots) // 2)
    columns = min(2, len(plots))
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width * columns}" height="{height * rows}" font-family="sans-serif" font-size="11">',
           f'<rect width="{width * columns}" height="{height * rows}" fill="white"/>']
    for i, p in enumerate(plots):
        left, top, w, h = i % 2 * width + 52, i // 2 * height + 34, width - 150, height - 66
        points = [q for line in p['series'].values() for q in line]
        scale = math.log if p['log'] else float
        xs, ys = [scale(x) for x, _ in points], [scale(y) for _, y in points] + ([] if p['log'] else [0.0])

        def at(x, y):
            return (left + w * (scale(x) - min(xs)) / ((max(xs) - min(xs)) or 1), top + h - h * (scale(y) - min(ys)) / ((max(ys) - min(ys)) or 1))
        out.append(f'<text x="{left - 40}" y="{top - 16}" font-size="13">{p["title"]}</text><path d="M{left} {top}V{top + h}H{left + w}" fill="none" stroke="#888"/>')
        for x in sorted({x for x, _ in points}) if p['log'] else (points[0][0], points[-1][0]):
            out.append(f'<text x="{at(x, points[0][1])[0]:.0f}" y="{top + h + 15}" text-anchor="middle">{x:g}</text>')
        for y in (min(y for _, y in points) if p['log'] else 0, max(y for _, y in points)):
            out.append(f'<text x="{left - 5}" y="{at(points[0][0], y or 1e-9)[1] + 4 if p["log"] or y else top + h:.0f}" text-anchor="end">{y:.3g}</text>')
        for engine, line in p['series'].items():
            colour = COLOURS.get(engine, '#777')
            out.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{" ".join("%.1f,%.1f" % at(*q) for q in line)}"/>')
            if len(p['series']) > 1:
                out.append(f'<text x="{at(*line[-1])[0] + 5:.1f}" y="{at(*line[-1])[1] + 4:.1f}" fill="{colour}">{name(engine)}</text>')
    path.write_text('\n'.join(out) + '\n</svg>\n')


def growth(path, parts):
    """One chart for every dimension in which time was seen to grow."""
    def series(cases, x, y):
        engines = [e for e in NAMES if any(r['engine'] == e for c in cases for r in c['rows'])]
        return {e: [(x(c), y(r)) for c in cases for r in c['rows'] if r['engine'] == e] for e in engines}

    def median(row):
        return row['median_ms']
    of = dict(batch=('ms by batch', lambda c: c['batch'], median), resolution=('ms by image side', lambda c: c['size'], median),
              threads=('ms by threads', lambda c: c['threads'], median), kernel=('ms by kernel size', lambda c: int(c['network'].split('=')[1]), median),
              callers=('images/s by concurrent callers', lambda c: c['callers'], lambda r: r['images_per_s']))
    plots = [dict(title=title, log=True, series=series(parts[by], x, y)) for by, (title, x, y) in of.items() if parts.get(by)]
    if parts.get('callers'):
        plots.append(dict(title='peak memory (MB) by concurrent callers', log=True, series=series(parts['callers'], of['callers'][1], lambda r: r['peak_rss_mb'])))
    lines(path, plots)


def crowds(cases):
    """Many callers of one model."""
    engines = [e for e in NAMES if any(r['engine'] == e for c in cases for r in c['rows'])]
    rows = []
    for c in cases:
        by = {r['engine']: r for r in c['rows']}
        rows.append([c['callers']] + [cell for e in engines for cell in (
            (f'{by[e]["images_per_s"]:.0f}', f'{by[e]["median_ms"]:.0f}', f'{by[e]["p99_ms"]:.0f}', f'{by[e]["peak_rss_mb"]:.0f}') if e in by else '––––')])
    return markdown(['callers'] + [f'{name(e)} {what}' for e in engines for what in ('images/s', 'median ms', '99 % ms', 'MB')], rows)


def soak(r):
    m = r['resident_mb']
    return (f'{", ".join(r["networks"])}; {r["callers"]} callers, {r["threads"]} threads; batches of 1 to 8, images of 96 to 320 px, at random. {r["seconds"]:.0f} s, '
            f'{r["calls"]} calls of {r["kinds"]} kinds, {r["images"]} images; {r["compared"]} outputs compared with the first of their kind, all equal to the bit. '
            f'Resident memory: {m["start"]:.0f} MB after a tenth of the time, median {m["median"]:.0f}, at the end {m["end"]:.0f}, largest deviation {m["largest_deviation"]:.0f}.\n')


def report(d):
    """Writes d/README.md and the charts from the JSON files in d."""
    text = f'# Measurements: {d.name}\n\n'

    def read(what):
        path = d / f'{what}.json'
        return json.loads(path.read_text()) if path.exists() else None
    if r := read('infer'):
        text += '## Inference, float32, 224 px\n\n' + about(r) + f'{versions(r["cases"])}.\n\n' + overview(r['cases']) + '\n![medians](infer.svg)\n\n'
        text += ''.join(details(c) for c in r['cases'])
        bars(d / 'infer.svg', r['cases'], 'Milliseconds a call (median), less is better')
    if r := read('zoo'):
        text += '## Other networks, one thread\n\n' + about(r) + overview(r['cases']) + '\n'
    if r := read('grow'):
        text += '## How time grows\n\n' + about(r) + '![growth](grow.svg)\n\n'
        for by, cases in r['cases'].items():
            text += f'By {by}:\n\n' + (crowds(cases) if by == 'callers' else overview(cases)) + '\n'
        growth(d / 'grow.svg', r['cases'])
    if r := read('soak'):
        text += '## Ten minutes of mixed load\n\n' + soak(r['cases']) + '\n![memory](soak.svg)\n\n'
        memory = r['cases']['resident_mb']
        plot = dict(title='Resident memory (MB) over time (s)', log=False, series={'mixnet': [(i * memory['every_s'], v) for i, v in enumerate(memory['all'])]})
        lines(d / 'soak.svg', [plot])
    if r := read('mixconv'):
        text += '## MixConv alone\n\n' + about(r) + mixconv_table(r['cases']) + '\n'
    if r := read('train'):
        text += '## Training steps\n\n' + about(r) + f'{versions(r["cases"])}.\n\n' + overview(r['cases'], 'images/s', 1) + '\n' + ''.join(details(c) for c in r['cases'])
    if r := read('load'):
        text += '## Reading images\n\n' + about(r) + markdown(['loader', 'images/s', 'processor ms an image'], [
            [name(x['engine']), f'{x["images_per_s"]:.0f}', f'{x["cpu_ms_an_image"]:.2f}'] for x in r['cases']]) + '\n'
    (d / 'README.md').write_text(text)


def mixconv_table(cases):
    engines = [e for e in NAMES if any(r['engine'] == e for c in cases for r in c['rows'])]
    rows = []
    for c in cases:
        by = {r['engine']: r for r in c['rows']}
        b = best(c)
        rows.append([c['channels'], f'{c["size"]}²', c['stride'], c['kernels']] + [f'{by[e]["median_ms"] * 1e3:.0f}' if e in by else '–' for e in engines]
                    + [f'{2 * c["macs"] / by["mixnet"]["median_ms"] / 1e6:.1f}' if 'mixnet' in by else '–',
                       f'{b["ours_over_this"]:.2f}' if b and b.get('ours_over_this') else '–'])
    return markdown(['channels', 'image', 'stride', 'kernels'] + [f'{name(e)} µs' for e in engines] + ['our GFLOP/s', 'ours / best other'], rows)
