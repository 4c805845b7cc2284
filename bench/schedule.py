"""Runs several engines' workers in turns, so that a noisy moment of the machine hits all of them alike."""
import contextlib
import fcntl
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent


class Worker:
    """A process that speaks worker.py's protocol."""

    def __init__(self, name, argv, env=None):
        self.name = name
        self.log = tempfile.TemporaryFile()
        began = time.perf_counter()
        self.process = subprocess.Popen([str(a) for a in argv], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True, env={**os.environ, **(env or {})})
        try:
            self.version = self.read().get('version', '')
        except BaseException:
            self.process.kill()
            raise
        self.start_ms = (time.perf_counter() - began) * 1e3
        self.slices = []  # of ms, one list a turn
        self.cpu_ms = []  # processor time a call, one a turn

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            self.log.seek(0)
            raise RuntimeError(f'{self.name} ended with status {self.process.returncode}: {self.log.read().decode(errors="replace")[-2000:]}')
        return json.loads(line)

    def ask(self, **msg):
        print(json.dumps(msg), file=self.process.stdin, flush=True)
        return self.read()

    def warm(self, seconds):
        """Runs for a while and settles how many calls make a turn of that length."""
        ms = self.ask(run=1)['ms']
        took = sum(ms)
        while took < seconds * 1e3:
            ms = self.ask(run=max(1, min(50, int((seconds * 1e3 - took) / max(ms)))))['ms']
            took += sum(ms)
        self.calls = max(2, round(seconds * 1e3 / min(ms)))

    def processor_ns(self):
        """Time that the threads of the process and of its children have spent on processors."""
        total, processes = 0, [self.process.pid]
        for pid in processes:
            with contextlib.suppress(OSError):  # one may end meanwhile
                for task in pathlib.Path(f'/proc/{pid}/task').iterdir():
                    total += int((task / 'schedstat').read_text().split()[0])
                    processes += map(int, (task / 'children').read_text().split())
        return total

    def turn(self):
        before = self.processor_ns()
        self.slices.append(self.ask(run=self.calls)['ms'])
        self.cpu_ms.append((self.processor_ns() - before) / 1e6 / self.calls)

    def logits(self):
        import numpy as np
        with tempfile.NamedTemporaryFile() as f:
            self.ask(logits=f.name)
            return np.fromfile(f.name, '<f4')

    def finish(self):
        self.process.stdin.close()
        self.peak_rss_mb = self.read()['peak_rss_mb']
        self.process.wait()

    def summary(self, batch=1):
        ms = sorted(t for s in self.slices for t in s)
        at = statistics.quantiles(ms, n=20, method='inclusive')
        median = statistics.median(ms)
        return dict(engine=self.name, version=self.version, median_ms=median, min_ms=ms[0], p5_ms=at[0], p95_ms=at[-1], calls=len(ms),
                    turn_medians_ms=[statistics.median(s) for s in self.slices], cpu_ms=statistics.median(self.cpu_ms), images_per_s=batch * 1e3 / median, start_ms=self.start_ms)


def python_worker(peer, spec, script='worker.py', env=None):
    d = tempfile.mkdtemp(prefix='mixnet-bench-')
    path = pathlib.Path(d) / 'spec.json'
    path.write_text(json.dumps(spec))
    threads = str(spec.get('threads', 1))
    return Worker(peer, [sys.executable, HERE / script, peer, path], {'OMP_NUM_THREADS': threads, **(env or {})})


@contextlib.contextmanager
def alone():
    """Holds the lock file named by MIXNET_BENCH_LOCK, if any, so that measurements on one machine wait for each other."""
    path = os.environ.get('MIXNET_BENCH_LOCK')
    if not path:
        yield
        return
    with open(path, 'w') as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        yield


def interleave(workers, rounds=10, seconds=0.5, pause=0.05):
    """Each round gives every worker one turn, in an order that rotates. The pause lets the last one's threads fall asleep."""
    with alone():
        for w in workers:
            w.warm(seconds)
        for r in range(rounds):
            for w in workers[r % len(workers):] + workers[:r % len(workers)]:
                time.sleep(pause)
                w.turn()


def crowds(workers, rounds, seconds):
    """As interleave, for workers that many callers share: rows of throughput, latency and memory."""
    asked = [[] for _ in workers]
    with alone():
        for w in workers:
            w.ask(crowd=seconds / 4)
        for _ in range(rounds):
            for w, replies in zip(workers, asked):
                time.sleep(0.05)
                replies.append(w.ask(crowd=seconds))
    rows = []
    for w, replies in zip(workers, asked):
        w.finish()
        ms = sorted(t for r in replies for t in r['ms'])
        rows.append(dict(engine=w.name, version=w.version, calls=len(ms), median_ms=statistics.median(ms), p99_ms=ms[(len(ms) - 1) * 99 // 100],
                         images_per_s=statistics.median(len(r['ms']) * 1e3 / r['wall_ms'] for r in replies), peak_rss_mb=w.peak_rss_mb))
    return rows


def ratio(rows, ours='mixnet'):
    """Median over the rounds of ours / theirs, for every row: how many times faster we are is its inverse."""
    mine = next((r['turn_medians_ms'] for r in rows if r['engine'] == ours), None)
    for r in rows:
        r['ours_over_this'] = statistics.median(a / b for a, b in zip(mine, r['turn_medians_ms'])) if mine else None
    return rows
