"""The measurements of load.py in words: serving.md of results."""


def ms(value):
    return f'{value:.0f}' if value >= 100 else f'{value:.1f}'


def own(r):
    load, empty, over = r['at_80_percent'], r['empty'], r['overload']
    return f'''## mixnet serve

| | |
|---|---|
| library, 64 callers in one process | {r['library']['requests_per_s']:.0f} pictures a second |
| server, 64 connections (wrk) | {r['wrk64']['requests_per_s']:.0f} a second, {r['of_library']:.2f} of the library's |
| server, 64 connections (vegeta, which takes more of the cores) | {r['vegeta64']:.0f} a second |
| nothing else to do: {empty['rate']:.0f} a second | median {ms(empty['median_ms'])} ms, p99 {ms(empty['p99_ms'])} ms |
| 80 % of vegeta's most: {load['rate']:.0f} a second at even intervals | median {ms(load['median_ms'])} ms, p99 {ms(load['p99_ms'])} ms, {r['p99_ratio']:.1f} times the empty server's |
| three times the most: {over['rate']:.0f} a second | {over['answered_per_s']:.0f} answered, p99 {ms(over['answered_p99_ms'])} ms; the rest refused, in {ms(over['refused_median_ms'])} ms, p99 {ms(over['refused_p99_ms'])} ms |

p99 is the median of three rounds: {', '.join(map(ms, empty['p99_ms_of_rounds']))} ms of the empty server, {', '.join(map(ms, load['p99_ms_of_rounds']))} ms under load.
'''


def soak(r):
    parts = r['parts']
    return f'''## {len(parts)} parts of a long load

64 connections without a pause: {r['requests_per_s']:.0f} a second, {r['of_library']:.2f} of the library's {r['library']['requests_per_s']:.0f}; memory {r['grown']:+.1%} from the first part to the last.

| part | requests/s | p99 ms | memory MB |
|--:|--:|--:|--:|
''' + ''.join(f"| {p['minute']} | {p['requests_per_s']:.0f} | {ms(p['p99_ms'])} | {p['rss_mb']:.0f} |\n" for p in parts)


NAMES = dict(mixnet='mixnet serve', litserve='LitServe', mlserver='MLServer', torchserve='TorchServe')
WHAT = dict(mixnet='the photo', litserve='JSON, OpenVINO', mlserver='v2 JSON, OpenVINO', torchserve='the photo, TorchScript')


def peers(r):
    ours = r['servers'].get('mixnet', {}).get('requests_per_s')
    rows = [f"| {NAMES[name]} ({WHAT[name]}) | {s['requests_per_s']:.0f} | {ms(s['median_ms'])} | {ms(s['p99_ms'])} | {ours / s['requests_per_s']:.1f} |\n" if s and ours else
            f'| {NAMES[name]} | none within the limit | | | |\n' for name, s in r['servers'].items()]
    return f'''## Beside other servers

The most requests a second, at even intervals, of which 99 in 100 take no longer than {r['limit_ms']:.0f} ms; a process of one thread for each core.

| | requests/s | median ms | p99 ms | ours / this |
|---|--:|--:|--:|--:|
''' + ''.join(rows)


def page(found, where):
    text = f'''# Serving MixNet-S

{where}. Every request is the same JPEG photo (300×544, 51 kB); every server has the same weights, in float32; client and server share the cores.
Made by `bench/serving/load.py`.
'''
    for part, write in dict(own=own, peers=peers, soak=soak).items():
        if part in found:
            text += '\n' + write(found[part])
    return text
