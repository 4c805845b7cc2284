"""What the measurements were taken on."""
import datetime
import os
import platform
import re


def cpuinfo(key):
    with open('/proc/cpuinfo') as f:
        return next((line.split(':', 1)[1].strip() for line in f if line.startswith(key)), '')


def cache(level):
    base = '/sys/devices/system/cpu/cpu0/cache'
    for d in sorted(os.listdir(base)) if os.path.isdir(base) else ():
        def read(name, d=d):
            with open(f'{base}/{d}/{name}') as f:
                return f.read().strip()
        if d.startswith('index') and read('level') == str(level) and read('type') != 'Instruction':
            return read('size')
    return ''


def simd():
    flags = set(cpuinfo('flags').split())
    return 'AVX-512' if 'avx512f' in flags else 'AVX2' if {'avx2', 'fma'} <= flags else 'none'


def slug():
    name = f'{cpuinfo("model name")} family {cpuinfo("cpu family")} model {cpuinfo("model")}'.lower()
    return re.sub(r'[^a-z0-9]+', '-', name.replace('(r)', '').replace('(tm)', '')).strip('-')


def peak_gflops():
    """What a large float32 matrix product reaches on one core: a floor of its arithmetic peak."""
    import time

    import torch
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    a = torch.ones(1024, 1024)
    best = 1e9
    for _ in range(12):
        begin = time.perf_counter()
        a @ a
        best = min(best, time.perf_counter() - begin)
    torch.set_num_threads(threads)
    return 2 * 1024 ** 3 / best / 1e9


def describe():
    with open('/proc/meminfo') as f:
        memory = int(f.readline().split()[1]) / 1024 ** 2
    return dict(processor=cpuinfo('model name'), family=f'{cpuinfo("vendor_id")} family {cpuinfo("cpu family")} model {cpuinfo("model")}',
                simd=simd(), cores=os.cpu_count(), memory_gib=round(memory, 1), l1d=cache(1), l2=cache(2), l3=cache(3),
                sgemm_gflops_per_core=round(peak_gflops(), 1), kernel=platform.release(), python=platform.python_version(),
                date=datetime.date.today().isoformat())
