"""Writes one network with one set of weights as mixnet's, ONNX and TorchScript's file: argv[1] is the folder, argv[2] the mixnet command."""
import pathlib
import subprocess
import sys

import timm
import torch

to = pathlib.Path(sys.argv[1])
torch.manual_seed(0)
net = timm.create_model('mixnet_s').eval()
with torch.no_grad():
    net(torch.randn(2, 3, 224, 224))
torch.save(net.state_dict(), to / 'mixnet_s.pth')
with torch.inference_mode():
    torch.jit.freeze(torch.jit.trace(net, torch.randn(1, 3, 224, 224))).save(str(to / 'mixnet_s.pt'))
subprocess.run([sys.argv[2], 'export', str(to / 'mixnet_s.pth'), '-o', str(to / 'mixnet_s.onnx')], check=True)
