"""Tables (markdown) and charts (SVG) of the results stored by peers.py."""
import json
import math

NAMES = dict(mixnet='mixnet', mixnet_float32='mixnet, float32', openvino='OpenVINO', openvino_float32='OpenVINO, float32', onnxruntime='ONNX Runtime', ncnn='ncnn', mnn='MNN', litert='LiteRT (XNNPACK)',
             torch_compile='PyTorch compile', torch_channels_last='PyTorch channels_last', torch_eager='PyTorch', torchvision='torchvision')


def name(engine):
    return NAMES.get(engine, engine)


def form(row):
    """The engine, with whose graph it was given and what it computes in beside whole numbers."""
    said = [f'{row["graph"]}\'s graph'] if 'graph' in row else []
    said += [f'and {row["rest"]}'] if 'rest' in row else []
    return ' '.join([name(row['engine'])] + ([f'({", ".join(said)})'] if said else []))


def title(case):
    return f'{case["network"]}, batch {case["batch"]}, {case["threads"]} thread{"s" if case["threads"] > 1 else ""}' + (
        f', {case["size"]} px' if case.get('size', 224) != 224 else '')


def best(case):
    """The fastest engine that is not ours."""
    return min((r for r in case['rows'] if not r['engine'].startswith('mixnet')), key=lambda r: r['median_ms'], default=None)


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
    rows = [[form(r), f'{r["median_ms"]:.2f}', f'{r["min_ms"]:.2f}', f'{r["p5_ms"]:.2f}–{r["p95_ms"]:.2f}', f'{r["cpu_ms"]:.2f}', r['calls'], f'{r["images_per_s"]:.1f}',
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
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" font-family="\'Liberation Sans\',Arial,sans-serif" font-size="12">',
           style(), f'<rect class="paper" width="{width}" height="{height}"/>', f'<text class="ink" x="8" y="20" font-size="15">{heading}</text>']
    y = 40
    for c in cases:
        top = max(r['median_ms'] for r in c['rows'])
        out.append(f'<text class="ink" x="8" y="{y + 14}" font-weight="bold">{title(c)}</text>')
        y += 22
        for r in sorted(c['rows'], key=lambda r: r['median_ms']):
            w = r['median_ms'] / top * (width - left - 95)
            side = 'ours' if r['engine'] == 'mixnet' else 'theirs'
            out.append(f'<text class="ink" x="{left - 6}" y="{y + 12}" text-anchor="end">{name(r["engine"])}</text>'
                       f'<rect class="{side}" x="{left}" y="{y + 1}" width="{w:.1f}" height="{bar - 3}"/>'
                       f'<text class="ink" x="{left + w + 5:.1f}" y="{y + 12}">{r["median_ms"]:.2f} ms</text>')
            y += bar
        y += gap - 22
    path.write_text('\n'.join(out) + '\n</svg>\n')


COLOURS = dict(mixnet=('#14532d', '#5fd08a'), openvino=('#1d6fb8', '#6db4f2'), onnxruntime=('#b45309', '#f5a742'), pytorch=('#b84f00', '#ff8c42'))
OTHER = ('#666666', '#aaaaaa')
STYLE = ('<style>.paper{fill:#fff}.ink{fill:#16191c}.dim{fill:#555b61}.grid{stroke:#e3e5e8}.axis{stroke:#888;fill:none}.theirs{fill:#a8b3bd}.ours{fill:#14532d}%s'
         '@media (prefers-color-scheme:dark){.paper{fill:#14171a}.ink{fill:#e8eaec}.dim{fill:#a4abb2}.grid{stroke:#2c3238}.theirs{fill:#5b6670}.ours{fill:#5fd08a}%s}</style>')


def style(engines=()):
    """Colours of the page and of the engines' lines, light or dark as the reader's system is."""
    rules = [''.join(f'.l-{e}{{stroke:{COLOURS.get(e, OTHER)[i]};fill:none}}.t-{e}{{fill:{COLOURS.get(e, OTHER)[i]}}}' for e in engines) for i in (0, 1)]
    return STYLE % tuple(rules)


def nice(step):
    """The least of 1, 2 and 5 times a power of ten that is no less than step."""
    power = 10 ** math.floor(math.log10(step))
    return next((f * power for f in (1, 2, 5) if step <= f * power * (1 + 1e-9)), 10 * power)


class Axis:
    """Maps values to pixels. Linear ones begin at zero; logarithmic ones have marks at several digits of every power of ten."""

    def __init__(self, values, start, end, log, tight=False):
        self.log, self.start, self.end = log, start, end
        low, high = min(values), max(values)
        if log:
            self.low, self.high = math.log10(low), math.log10(high)
            if self.high - self.low < 0.3:
                middle = (self.high + self.low) / 2
                self.low, self.high = middle - 0.15, middle + 0.15
            room = 0.04 * (self.high - self.low)
            self.low, self.high = self.low - room, self.high + room
            width = self.high - self.low
            digits = (1,) if width > 4 else (1, 2, 5) if width >= 1 else (1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9)
            marks = (d * 10.0 ** e for e in range(math.floor(self.low), math.ceil(self.high) + 1) for d in digits)
            self.marks = [m for m in marks if self.low <= math.log10(m) <= self.high]
        else:
            step = nice(max(high, 1e-9) / 5)
            self.low, self.high = 0, high if tight else step * math.ceil(high / step - 1e-9)
            self.marks = [step * k for k in range(math.floor(self.high / step + 1e-9) + 1)]

    def at(self, v):
        return self.start + (self.end - self.start) * ((math.log10(v) if self.log else v) - self.low) / (self.high - self.low)

    def spaced(self, room):
        """The marks whose labels do not touch."""
        kept = []
        for m in self.marks:
            if not kept or abs(self.at(m) - self.at(kept[-1])) >= room:
                kept.append(m)
        return kept


def apart(places, room):
    """Moves the heights of labels from each other, in their order, by as little as a pass down and one up need."""
    order = sorted(range(len(places)), key=lambda i: places[i])
    y = [places[i] for i in order]
    for i in range(1, len(y)):
        y[i] = max(y[i], y[i - 1] + room)
    excess = (y[-1] - max(places)) / 2 if y else 0
    y = [v - excess for v in y]
    out = [0.0] * len(places)
    for i, v in zip(order, y):
        out[i] = v
    return out


def lines(path, plots, width=430, height=310):
    """Line charts side by side, two a row: dicts of title, x (what the lower axis is), log (both axes), series (engine -> points)."""
    rows, columns = -(-len(plots) // 2), min(2, len(plots))
    engines = sorted({e for p in plots for e in p['series']})
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width * columns}" height="{height * rows}" viewBox="0 0 {width * columns} {height * rows}" '
           f'font-family="\'Liberation Sans\',Arial,sans-serif" font-size="11">', style(engines), f'<rect class="paper" width="{width * columns}" height="{height * rows}"/>']
    for i, p in enumerate(plots):
        many = len(p['series']) > 1
        left, top, w, h = i % 2 * width + 58, i // 2 * height + 36, width - (158 if many else 80), height - 84
        points = [q for line in p['series'].values() for q in line]
        x, y = Axis([q[0] for q in points], left, left + w, p['log'], True), Axis([q[1] for q in points], top + h, top, p['log'])
        scale = ', log scales' if p['log'] else ''
        out.append(f'<text class="ink" x="{left - 46}" y="{top - 16}" font-size="13" font-weight="bold">{p["title"]}{scale}</text>')
        for m in y.spaced(13):
            out.append(f'<path class="grid" d="M{left} {y.at(m):.1f}h{w}"/><text class="dim" x="{left - 6}" y="{y.at(m) + 4:.1f}" text-anchor="end">{m:.4g}</text>')
        for m in x.spaced(30):
            out.append(f'<path class="grid" d="M{x.at(m):.1f} {top}v{h}"/><text class="dim" x="{x.at(m):.1f}" y="{top + h + 16}" text-anchor="middle">{m:.4g}</text>')
        out.append(f'<path class="axis" d="M{left} {top}V{top + h}H{left + w}"/><text class="ink" x="{left + w / 2:.0f}" y="{top + h + 34}" text-anchor="middle">{p["x"]}</text>')
        ends = apart([y.at(line[-1][1]) for line in p['series'].values()], 14)
        for (engine, line), end in zip(p['series'].items(), ends):
            places = ' '.join(f'{x.at(a):.1f},{y.at(b):.1f}' for a, b in line)
            out.append(f'<polyline class="l-{engine}" stroke-width="2" stroke-linejoin="round" points="{places}"/>')
            if many:
                out.append(f'<text class="t-{engine}" x="{left + w + 8}" y="{end + 4:.1f}">{name(engine)}</text>')
    path.write_text('\n'.join(out) + '\n</svg>\n')


def growth(path, parts):
    """One chart for every dimension in which time was seen to grow."""
    def series(cases, x, y):
        engines = [e for e in NAMES if any(r['engine'] == e for c in cases for r in c['rows'])]
        return {e: [(x(c), y(r)) for c in cases for r in c['rows'] if r['engine'] == e] for e in engines}

    def median(row):
        return row['median_ms']
    of = dict(batch=('ms', 'batch', lambda c: c['batch'], median), resolution=('ms', 'image side in pixels', lambda c: c['size'], median),
              threads=('ms', 'threads', lambda c: c['threads'], median), kernel=('ms', 'kernel size', lambda c: int(c['network'].split('=')[1]), median),
              callers=('images/s', 'concurrent callers', lambda c: c['callers'], lambda r: r['images_per_s']))
    plots = [dict(title=f'{unit} by {what}', x=what, log=True, series=series(parts[by], x, y)) for by, (unit, what, x, y) in of.items() if parts.get(by)]
    if parts.get('callers'):
        memory = series(parts['callers'], of['callers'][2], lambda r: r['peak_rss_mb'])
        plots.append(dict(title='peak memory (MB) by concurrent callers', x='concurrent callers', log=False, series=memory))
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
    """Writes d/README.md and the charts from the JSON files in d; notes.md, which is written by hand, comes last."""
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
    if r := read('int8'):
        text += '## Whole numbers of 8 bits, one thread\n\n' + about(r) + f'{versions(r["cases"])}.\n\n' + whole(r['cases']) + '\n' + ''.join(details(c) for c in r['cases'])
    if r := read('bf16'):
        text += '## bfloat16, one thread\n\n' + about(r) + 'mixnet with `--precision bf16`; OpenVINO as it is without a word about precision, which is bfloat16 where the processor multiplies such.\n\n'
        text += overview(r['cases']) + '\n' + ''.join(details(c) for c in r['cases'])
    if r := read('grow'):
        text += '## How time grows\n\n' + about(r) + '![growth](grow.svg)\n\n'
        for by, cases in r['cases'].items():
            text += f'By {by}:\n\n' + (crowds(cases) if by == 'callers' else overview(cases)) + '\n'
        growth(d / 'grow.svg', r['cases'])
    if r := read('soak'):
        text += '## Ten minutes of mixed load\n\n' + soak(r['cases']) + '\n![memory](soak.svg)\n\n'
        memory, seconds = r['cases']['resident_mb'], r['cases']['seconds']
        times = memory.get('at_s') or [i * seconds / (len(memory['all']) - 1) for i in range(len(memory['all']))]
        lines(d / 'soak.svg', [dict(title='Resident memory (MB)', x='time in seconds', log=False, series={'mixnet': list(zip(times, memory['all']))})], width=640)
    if r := read('mixconv'):
        text += '## MixConv alone\n\n' + about(r) + mixconv_table(r['cases']) + '\n'
    if r := read('detect'):
        text += '## Finding objects, from an image to boxes\n\n' + about(r) + f'{versions(r["cases"])}.\n\n' + overview(r['cases']) + '\n' + ''.join(detections(c) for c in r['cases'])
    if r := read('evaluator'):
        text += "## COCO's evaluation\n\n" + evaluation(r) + '\n'
    if r := read('train'):
        text += '## Training steps\n\n' + about(r) + f'{versions(r["cases"])}.\n\n' + overview(r['cases'], 'images/s', 1) + '\n' + ''.join(details(c) for c in r['cases'])
    if r := read('train_bf16'):
        text += '## Training steps in bfloat16\n\n' + about(r) + f'{versions(r["cases"])}; mixnet with `--precision bf16`, PyTorch with `torch.autocast`.\n\n'
        text += overview(r['cases'], 'images/s', 1) + '\n' + ''.join(details(c) for c in r['cases'])
    if r := read('load'):
        text += '## Reading images\n\n' + about(r) + markdown(['loader', 'images/s', 'processor ms an image'], [
            [name(x['engine']), f'{x["images_per_s"]:.0f}', f'{x["cpu_ms_an_image"]:.2f}'] for x in r['cases']]) + '\n'
    notes = d / 'notes.md'
    (d / 'README.md').write_text(text + (notes.read_text() if notes.exists() else ''))


def whole(cases):
    """Networks in whole numbers: medians, and our part of each other's."""
    engines = [e for e in NAMES if any(r['engine'] == e for c in cases for r in c['rows'])]
    rows = []
    for c in cases:
        by = {r['engine']: r for r in c['rows']}
        rows.append([title(c)] + [f'{by[e]["median_ms"]:.2f}' if e in by else '–' for e in engines]
                    + [f'{by[e]["ours_over_this"]:.2f}' if e in by else '–' for e in engines if e != 'mixnet'])
    return markdown(['median ms'] + [name(e) for e in engines] + [f'ours / {name(e)}' for e in engines if e != 'mixnet'], rows)


def evaluation(r):
    return (f'{r["images"]} images, {r["detections"]} detections, {r["threads"]} thread, reading the files included (`bench/evaluator.py`); the twelve numbers differ by '
            f'{r["largest_difference"]:.0e} at most.\n\n'
            + markdown(['', 'seconds', 'processor seconds'], [[f'{e["engine"]} {e["version"]}', e['seconds'], e['processor_seconds']] for e in r['engines']]))


def detections(case):
    """Every way of every engine; 'network' leaves the boxes out."""
    rows = [[name(r['engine'].split()[0]), r['graph'], r['part'], f'{r["median_ms"]:.2f}', f'{r["min_ms"]:.2f}', f'{r["cpu_ms"]:.2f}', f'{r["peak_rss_mb"]:.0f}', f'{r["ours_over_this"]:.2f}']
            for r in sorted(case['all'], key=lambda r: r['median_ms'])]
    return f'### {title(case)}\n\n' + markdown(['engine', 'graph', 'part', 'median ms', 'min', 'processor ms', 'peak memory MB', 'ours / this'], rows) + '\n'


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
