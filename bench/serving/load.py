"""Loads "mixnet serve" and other servers with photos.

    bench/serving/setup.sh
    CGO_ENABLED=0 go build -o mixnet ./cmd/mixnet
    python3 bench/serving/load.py --mixnet ./mixnet --seconds 30 [own] [soak] [peers]

own    requests a second by 64 connections (wrk), beside the library's own with the same JPEG in one process; times at 80 %
       of the most, and of a server with nothing else to do; three times as many requests as can be answered: how those
       that are let in keep within the limit, and how soon the others are refused
soak   64 connections for --soak seconds: whether it stays as fast, and memory where it is
peers  the most requests a second of which 99 in 100 take no longer than --p99, of each server

The load comes from the same machine: client and server share its cores, as they do for every server here. Requests at a
rate come at even intervals from vegeta, which takes more of a core than wrk: 80 % is of the most that vegeta gets answered
by 64 connections. (At random times, a queue alone makes p99 more than three times as long: two servers that are busy for
80 % of the time and take as long for every request keep one in a hundred 6.3 times as long as that, by simulation.)
Results are written to bench/results/PROCESSOR/serving.json and .md, and printed.
"""
import argparse
import base64
import contextlib
import csv
import io
import itertools
import json
import os
import pathlib
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
CORES = os.cpu_count()


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


@contextlib.contextmanager
def running(command, url, body, header=None, env=None, cwd=None):
    """A server that has answered a request."""
    log = tempfile.TemporaryFile('w+')
    p = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **(env or {})}, cwd=cwd, start_new_session=True)
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(urllib.request.Request(url, body, header or {}), timeout=30).read()
                break
            except OSError as e:
                time.sleep(.2)
                if p.poll() is not None or _ == 599 or getattr(e, 'code', 0) in (415, 422, 500):
                    log.seek(0)
                    raise SystemExit(f'{command[0]}: {e}\n{log.read()[-3000:]}')
        yield p
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(p.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            p.wait(20)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(p.pid, signal.SIGKILL)


def rss(pid):
    with open(f'/proc/{pid}/status') as f:
        return next(int(line.split()[1]) for line in f if line.startswith('VmRSS')) / 1024


def cpu(pid):
    """Seconds of all cores that a process has used."""
    with open(f'/proc/{pid}/stat') as f:
        fields = f.read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


class Load:
    """Requests of one kind to one address."""

    def __init__(self, args, url, body, header=None):
        self.args, self.url, self.header = args, url, header or {}
        self.dir = tempfile.TemporaryDirectory()
        self.body = os.path.join(self.dir.name, 'body')
        pathlib.Path(self.body).write_bytes(body)

    def closed(self, seconds, connections=64):
        """As many requests as connections get answered, each one after the other."""
        script = os.path.join(self.dir.name, 'post.lua')
        headers = ''.join(f'wrk.headers[{json.dumps(k)}] = {json.dumps(v)}\n' for k, v in self.header.items())
        pathlib.Path(script).write_text(f'wrk.method = "POST"\nlocal f = io.open({json.dumps(self.body)}, "rb")\nwrk.body = f:read("*a")\nf:close()\n{headers}')
        out = subprocess.run(['wrk', '-t1', f'-c{connections}', f'-d{seconds}s', '--timeout', '30s', '--latency', '-s', script, self.url],
                             check=True, capture_output=True, text=True).stdout
        failed = sum(map(int, re.findall(r'(?:Non-2xx or 3xx responses: |connect |read |write |timeout )(\d+)', out)))
        scale = {'us': 1e-3, 'ms': 1, 's': 1e3}
        p99 = re.search(r'99%\s+([\d.]+)(us|ms|s)', out)
        answered = 1 - failed / max(int(re.search(r'(\d+) requests in', out).group(1)), 1)
        return dict(requests_per_s=float(re.search(r'Requests/sec:\s+([\d.]+)', out).group(1)) * answered, p99_ms=float(p99.group(1)) * scale[p99.group(2)], failed=failed)

    def vegeta(self, *flags):
        """What vegeta got: [(status, ms)]."""
        target = f'POST {self.url}\n' + ''.join(f'{k}: {v}\n' for k, v in self.header.items()) + f'@{self.body}\n'
        attack = subprocess.run([self.args.vegeta, 'attack', *flags, '-connections=64', '-workers=64', '-max-body=0'],
                                input=target.encode(), check=True, capture_output=True).stdout
        table = subprocess.run([self.args.vegeta, 'encode', '--to=csv'], input=attack, check=True, capture_output=True).stdout.decode()
        return [(int(r[1]), int(r[2]) / 1e6) for r in csv.reader(io.StringIO(table))]

    def even(self, rate, seconds, timeout=30):
        """Requests at even intervals, whether others are answered or not."""
        return self.vegeta(f'-rate={round(rate * 1000)}/1000s', f'-duration={seconds}s', f'-timeout={timeout}s')

    def most(self, seconds):
        """The requests a second that vegeta gets answered by 64 connections, each one after the other."""
        return sum(status == 200 for status, _ in self.vegeta('-rate=0', '-max-workers=64', f'-duration={seconds}s')) / seconds

    def settle(self):
        """Waits until the requests that nobody waits for any more are done."""
        quick = 0
        for _ in range(200):
            begin = time.monotonic()
            with contextlib.suppress(OSError):
                urllib.request.urlopen(urllib.request.Request(self.url, pathlib.Path(self.body).read_bytes(), self.header), timeout=60).read()
                quick = quick + 1 if time.monotonic() - begin < self.args.p99 / 1000 else 0
            if quick == 5:
                return
            time.sleep(.05)


def quantile(values, q):
    values = sorted(values)
    return values[min(len(values) - 1, int(q * len(values)))] if values else None


def library(args):
    """Requests a second of 64 callers in one process, and what one takes of all cores."""
    env = {**os.environ, 'MIXNET_BENCH_MODEL': str(args.models / 'mixnet_s.pth'), 'MIXNET_BENCH_PHOTO': str(args.photo)}
    out = subprocess.run(['go', 'test', './serve', '-run', '^$', '-bench', 'Library', '-benchtime', f'{args.seconds}s'],
                         cwd=HERE.parent.parent, env=env, check=True, capture_output=True, text=True).stdout
    return dict(requests_per_s=float(re.search(r'([\d.]+) requests/s', out).group(1)), cpu_ms=float(re.search(r'([\d.]+) cpu-ms/request', out).group(1)))


@contextlib.contextmanager
def mixnet(args, *flags):
    port = free_port()
    url = f'http://127.0.0.1:{port}/v1/classify'
    photo = args.photo.read_bytes()
    command = [args.mixnet, 'serve', f'mixnet_s={args.models / "mixnet_s.pth"}', '--listen', f'127.0.0.1:{port}', *flags]
    with running(command, url, photo) as p:
        yield p, Load(args, url, photo)


def own(args):
    found = dict(library=library(args))
    with mixnet(args) as (p, load):
        load.closed(3)
        before = cpu(p.pid)
        r = found['wrk64'] = load.closed(args.seconds)
        most = r['requests_per_s']
        r['cpu_ms'] = (cpu(p.pid) - before) / (most * args.seconds) * 1000
        found['of_library'] = most / found['library']['requests_per_s']
        print(f"64 connections: {most:.1f} requests/s, {found['of_library']:.3f} of the library's {found['library']['requests_per_s']:.1f}; "
              f"{r['cpu_ms']:.2f} ms of a core each, in the library {found['library']['cpu_ms']:.2f}")
        load.settle()
        most = found['vegeta64'] = load.most(max(5, args.seconds // 3))
        for name, rate in ('empty', 20), ('at_80_percent', .8 * most):
            rounds = []
            for _ in range(3):
                load.settle()
                rounds.append([ms for status, ms in load.even(rate, max(5, args.seconds // 2)) if status == 200])
            p99s = [quantile(times, .99) for times in rounds]
            found[name] = dict(rate=rate, requests=sum(map(len, rounds)), median_ms=statistics.median(itertools.chain(*rounds)), p99_ms=statistics.median(p99s), p99_ms_of_rounds=p99s)
            print(f'{name}: {rate:.1f} requests/s, median {found[name]["median_ms"]:.2f} ms, p99 {found[name]["p99_ms"]:.2f} ms (rounds: {", ".join(f"{v:.1f}" for v in p99s)})')
        found['p99_ratio'] = found['at_80_percent']['p99_ms'] / found['empty']['p99_ms']
        load.settle()
        results = load.even(3 * most, args.seconds)
        good, refused = [ms for s, ms in results if s == 200], [ms for s, ms in results if s == 503]
        found['overload'] = dict(rate=3 * most, answered=len(good), refused=len(refused), other=len(results) - len(good) - len(refused),
                                 answered_per_s=len(good) / args.seconds, answered_p99_ms=quantile(good, .99),
                                 refused_median_ms=quantile(refused, .5), refused_p99_ms=quantile(refused, .99))
        print('three times that:', json.dumps(found['overload']))
    return found


def soak(args):
    found, alone = [], library(args)
    with mixnet(args) as (p, load):
        minutes = max(2, round(args.soak / 60))
        for i in range(minutes):
            r = load.closed(args.soak // minutes)
            found.append(dict(minute=i + 1, rss_mb=rss(p.pid), **r))
            print(f"part {i + 1} of {minutes}: {r['requests_per_s']:.1f} requests/s, {found[-1]['rss_mb']:.1f} MB")
    mean = statistics.mean(part['requests_per_s'] for part in found)
    return dict(library=alone, parts=found, requests_per_s=mean, of_library=mean / alone['requests_per_s'], grown=found[-1]['rss_mb'] / found[0]['rss_mb'] - 1)


def most_within(load, args):
    """The most requests a second of which 99 in 100 take no longer than the limit, to 3 %."""
    low, high = 0, max(4, load.closed(max(5, args.seconds // 3))['requests_per_s']) * 1.05
    best = {}
    while high > 1.03 * low and high > 1:
        load.settle()
        rate = (low + high) / 2 if low else high * .85
        results = load.even(rate, max(4, args.seconds // 2))
        p99 = quantile([ms if s == 200 else 1e9 for s, ms in results], .99)
        if p99 <= args.p99:
            low, best = rate, dict(requests_per_s=rate, p99_ms=p99, median_ms=quantile([ms for _, ms in results], .5))
        else:
            high = rate
    return best


@contextlib.contextmanager
def litserve(args):
    port = free_port()
    url = f'http://127.0.0.1:{port}/predict'
    photo = json.dumps(dict(image=base64.b64encode(args.photo.read_bytes()).decode())).encode()
    command = [args.servers / 'litserve/bin/python', HERE / 'litserver.py', args.models / 'mixnet_s.onnx', str(port), str(CORES)]
    header = {'Content-Type': 'application/json'}
    with running([str(c) for c in command], url, photo, header):
        yield Load(args, url, photo, header)


@contextlib.contextmanager
def mlserver(args):
    photo = args.photo.read_bytes()
    with tempfile.TemporaryDirectory() as dir:
        port = free_port()
        settings = dict(http_port=port, grpc_port=free_port(), metrics_port=free_port(), parallel_workers=CORES, debug=False, host='127.0.0.1', access_log=False)
        pathlib.Path(dir, 'settings.json').write_text(json.dumps(settings))
        pathlib.Path(dir, 'model-settings.json').write_text(json.dumps(dict(name='mixnet_s', implementation='mlmodel.Classify', parameters=dict(extra=dict(path=str(args.models / 'mixnet_s.onnx'))))))
        url = f'http://127.0.0.1:{port}/v2/models/mixnet_s/infer'
        # Its REST side takes no binary tensors.
        body = json.dumps(dict(inputs=[dict(name='image', shape=[1], datatype='BYTES', data=[base64.b64encode(photo).decode()])])).encode()
        header = {'Content-Type': 'application/json'}
        with running([str(args.servers / 'mlserver/bin/mlserver'), 'start', dir], url, body, header, env=dict(PYTHONPATH=str(HERE)), cwd=dir):
            yield Load(args, url, body, header)


@contextlib.contextmanager
def torchserve(args):
    photo = args.photo.read_bytes()
    with tempfile.TemporaryDirectory() as dir:
        bin = args.servers / 'torchserve/bin'
        subprocess.run([str(bin / 'torch-model-archiver'), '--model-name', 'mixnet_s', '--version', '1', '--serialized-file', str(args.models / 'mixnet_s.pt'),
                        '--handler', str(HERE / 'torchhandler.py'), '--extra-files', str(HERE / 'photo.py'), '--export-path', dir], check=True, capture_output=True)
        ports = [free_port() for _ in range(3)]
        config = ''.join(f'{name}=http://127.0.0.1:{port}\n' for name, port in zip(('inference_address', 'management_address', 'metrics_address'), ports))
        config += f'default_workers_per_model={CORES}\ndisable_token_authorization=true\ninstall_py_dep_per_model=false\n'
        pathlib.Path(dir, 'config.properties').write_text(config)
        url = f'http://127.0.0.1:{ports[0]}/predictions/mixnet_s'
        header = {'Content-Type': 'application/octet-stream'}
        env = dict(PATH=f'{bin}:{os.environ["PATH"]}', LOG_LOCATION=dir, METRICS_LOCATION=dir)
        command = [str(bin / 'torchserve'), '--start', '--foreground', '--ncs', '--model-store', dir, '--models', 'mixnet_s=mixnet_s.mar', '--ts-config', dir + '/config.properties']
        with running(command, url, photo, header, env=env, cwd=dir):
            yield Load(args, url, photo, header)


def peers(args):
    found = {}
    servers = dict(mixnet=lambda: mixnet(args), litserve=lambda: litserve(args), mlserver=lambda: mlserver(args), torchserve=lambda: torchserve(args))
    for name in args.only or servers:
        with servers[name]() as load:
            load = load[1] if isinstance(load, tuple) else load
            load.closed(3)
            found[name] = most_within(load, args)
            print(name, json.dumps(found[name]))
    return dict(limit_ms=args.p99, servers=found)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('parts', nargs='*', default=['own', 'peers'], help='own, soak, peers')
    p.add_argument('--mixnet', default='./mixnet', help='the command')
    p.add_argument('--servers', type=pathlib.Path, default=pathlib.Path(os.environ.get('MIXNET_SERVERS', HERE / '.venv')))
    p.add_argument('--python', default=os.environ.get('MIXNET_VENV', str(HERE.parent / '.venv')) + '/bin/python', help='one with torch and timm, for the model')
    p.add_argument('--photo', type=pathlib.Path, default=HERE.parent.parent / 'pretrained/photo/testdata/parrot.jpg')
    p.add_argument('--seconds', type=int, default=30)
    p.add_argument('--soak', type=int, default=600)
    p.add_argument('--p99', type=float, default=100, help='ms')
    p.add_argument('--only', nargs='*', help='these servers alone')
    p.add_argument('--output', type=pathlib.Path, help='the results file')
    args = p.parse_args()
    args.mixnet = os.path.abspath(args.mixnet)
    args.vegeta = str(args.servers / 'vegeta')
    args.photo = args.photo.resolve()
    args.models = HERE / '.cache'
    if not (args.models / 'mixnet_s.onnx').exists():
        args.models.mkdir(exist_ok=True)
        subprocess.run([args.python, str(HERE / 'models.py'), str(args.models), args.mixnet], check=True)
    import machine
    import page
    output = args.output or HERE.parent / 'results' / machine.slug() / 'serving.json'
    found = json.loads(output.read_text()) if output.exists() else {}
    for part in args.parts:
        found[part] = dict(own=own, soak=soak, peers=peers)[part](args)
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(json.dumps(found, indent=1) + '\n')
        where = f'{machine.cpuinfo("model name")} ({machine.cpuinfo("vendor_id")} family {machine.cpuinfo("cpu family")} model {machine.cpuinfo("model")}), {CORES} cores, {machine.simd()}'
        output.with_suffix('.md').write_text(page.page(found, where))


if __name__ == '__main__':
    main()
