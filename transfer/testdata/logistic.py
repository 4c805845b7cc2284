"""Writes logistic.json: minima of penalised multinomial logistic regression,
found by PyTorch in double precision."""

import json

import torch

torch.manual_seed(1)
n, d, classes = 90, 7, 3
labels = torch.arange(n) % classes
centres = torch.randn(classes, d)
x = (centres[labels] + 1.5 * torch.randn(n, d)) * torch.tensor([1, 10, 0.1, 3, 1, 1, 100.0]) + torch.tensor([0, 5, 1, -2, 0, 7, 30.0])
x = x.float().double()  # as single precision holds them
mean, std = x.mean(0), x.std(0, correction=0)
z = (x - mean) / std
fits = []
for penalty in [1.0, 0.1, 0.001]:
    w = torch.zeros(classes, d, dtype=torch.double, requires_grad=True)
    b = torch.zeros(classes, dtype=torch.double, requires_grad=True)
    opt = torch.optim.LBFGS([w, b], max_iter=5000, tolerance_grad=1e-12, tolerance_change=0, line_search_fn="strong_wolfe")

    def loss():
        return torch.nn.functional.cross_entropy(z @ w.T + b, labels) + penalty * (w**2).sum() / 2

    def closure():
        opt.zero_grad()
        value = loss()
        value.backward()
        return value

    opt.step(closure)
    grad = max(w.grad.abs().max().item(), b.grad.abs().max().item())
    assert grad < 1e-8, grad
    with torch.no_grad():
        logits = z @ w.T + b
        logits -= logits.mean(1, keepdim=True)
        fits.append({"penalty": penalty, "loss": loss().item(), "weight": (w / std).flatten().tolist(), "logits": logits.flatten().tolist()})
json.dump({"width": d, "classes": classes, "x": x.flatten().tolist(), "labels": labels.tolist(), "fits": fits}, open("logistic.json", "w"))
