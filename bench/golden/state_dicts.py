"""Writes weight files as timm and torchvision publish them, with random values, and what the networks compute with them.

    python bench/golden/state_dicts.py DIR [timm/NAME | torchvision/NAME ...]

For every network DIR/LIBRARY/NAME.pth and NAME.safetensors, a state_dict under the library's own names, and NAME.json: the
logits, in float64, of the image of rule.py of 97×130 pixels. The tests that read them are skipped without such a Python.
"""
import json
import pathlib
import sys
import zlib

import safetensors.torch
import timm
import torch
import torchvision

import rule

LIBRARIES = {
    'timm': lambda name: timm.create_model(name, drop_rate=0.0),
    'torchvision': lambda name: torchvision.models.get_model(name, weights=None),
}
SIZE = (97, 130)


@torch.no_grad()
def randomise(model, seed):
    """The libraries' own initial values, and batch norms as training leaves them: no mean 0, no variance 1."""
    generator = torch.Generator().manual_seed(seed)
    for m in model.modules():
        if isinstance(m, torch.nn.BatchNorm2d):
            for t, low, high in (m.weight, 0.5, 1.5), (m.bias, -0.2, 0.2), (m.running_mean, -0.2, 0.2), (m.running_var, 0.5, 1.5):
                t.uniform_(low, high, generator=generator)
            m.num_batches_tracked.fill_(1000)
    return model


def main():
    out = pathlib.Path(sys.argv[1])
    torch.set_num_threads(1)
    for full in sys.argv[2:]:
        library, name = full.split('/')
        seed = zlib.crc32(full.encode())
        torch.manual_seed(seed)
        model = randomise(LIBRARIES[library](name), seed).eval()
        path = out / library / name
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(model.state_dict(), f'{path}.pth')
        safetensors.torch.save_file(model.state_dict(), f'{path}.safetensors')
        with torch.inference_mode():
            logits = model.double()(rule.image(1, *SIZE).double())[0]
        path.with_name(name + '.json').write_text(json.dumps([rule.short(v) for v in logits]))
        print(full, flush=True)


if __name__ == '__main__':
    main()
