"""Training steps (forward, backward, RMSProp) on one fixed batch, beside PyTorch: python bench/peers.py train or train_bf16"""
import contextlib
import os
import sys

import export
import schedule
import worker

CASES = [('mixnet_s', 32, 224), ('mobilenetv2_100', 32, 224), ('mixnet_m', 32, 224), ('mixnet_l', 32, 224), ('mixnet_tiny', 128, 28), ('mixnet_cifar', 128, 32)]
ENGINES = ('torch_compile', 'torch_channels_last', 'torch_eager')


def torch_step(compiled, channels_last):
    def make(spec):
        import torch
        import rule  # noqa: F401  export puts golden/ on the path
        from networks import NETWORKS, SMALL
        from timm.optim import RMSpropTF
        torch.set_num_threads(spec['threads'])
        net = rule.fill((NETWORKS | SMALL)[spec['network']]()).train()
        x = export.image(spec['batch'], spec['size'])[:, :net.conv_stem.in_channels].clone()
        if channels_last:
            net, x = net.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
        labels = torch.tensor([(7 * i + 3) % net.num_classes for i in range(spec['batch'])])
        optimizer = RMSpropTF(net.parameters(), lr=1e-4, alpha=0.9, momentum=0.9, eps=1e-3, weight_decay=1e-5)
        loss_of = torch.nn.CrossEntropyLoss(label_smoothing=0.1)
        call = torch.compile(net) if compiled else net
        products = torch.autocast('cpu', torch.bfloat16) if spec['precision'] == 'bf16' else contextlib.nullcontext()

        def run():
            optimizer.zero_grad()
            with products:
                loss = loss_of(call(x), labels)
            loss.backward()
            optimizer.step()
            return loss
        return run, lambda y: y.detach().numpy(), torch.__version__
    return make


PEERS = dict(torch_compile=torch_step(True, True), torch_channels_last=torch_step(False, True), torch_eager=torch_step(False, False))


def measure(a, start, our_worker, precision='float32'):
    """Steps in float32; or in bfloat16, PyTorch's by its autocast, and ours in float32 beside."""
    import chart
    threads = min(2, os.cpu_count())
    results = []
    for network, batch, size in CASES:
        if a.networks and network not in a.networks:
            continue
        spec = dict(network=network, batch=batch, size=size, threads=threads, precision=precision)
        ours = dict(mixnet=precision)
        if precision != 'float32':
            ours['mixnet_float32'] = 'float32'
        workers = []
        for name, p in ours.items() if a.mixnet else ():
            if w := start(lambda: our_worker(a, network, batch, size, threads, what='train', extra=('--precision', p)), name):
                w.name = name
                workers.append(w)
        workers += [start(lambda e=e: schedule.python_worker(e, spec, 'training.py'), e) for e in ENGINES if e in a.engines]
        workers = [w for w in workers if w]
        schedule.interleave(workers, max(3, a.rounds // 3), a.seconds, 0.2)
        rows = []
        for w in workers:
            w.finish()
            rows.append(dict(w.summary(batch), peak_rss_mb=w.peak_rss_mb))
        results.append(dict(network=network, batch=batch, size=size, threads=threads, rows=schedule.ratio(rows)))
        print(chart.case_line(results[-1]), flush=True)
    return results


if __name__ == '__main__':
    import json
    with open(sys.argv[2]) as spec_file:
        worker.serve(PEERS[sys.argv[1]], json.load(spec_file))
