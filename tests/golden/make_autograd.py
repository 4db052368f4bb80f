#!/usr/bin/env python3
"""Makes tests/golden/autograd.txt: ten training steps of each benchmark model in PyTorch.

Computed in double precision on one thread, so that the fixture is nearer to the truth than any
float32 run. Both sides compute the same initial parameters and batches from a hash, so the
fixture holds only losses and, for each parameter tensor, its sum, 2-norm and inner product with
the hash's noise after the last step.

    python3 -m venv DIR && DIR/bin/pip install torch numpy
    DIR/bin/python tests/golden/make_autograd.py
"""
import os

import numpy as np
import torch
import torch.nn.functional as F

import torch_models

STEPS = 10
LR = dict(mlp=0.1, lstm=0.5, depthwise_normed=0.01)
BATCH = dict(mlp=32, cnn=4, lstm=2, depthwise=8, separable=8, transformer=2,
             depthwise_normed=8)
BATCH["2nn"] = 10


def optimizer(name, params):
    if name == "2nn":
        return torch.optim.SGD(params, lr=0.02, momentum=0.9, weight_decay=0.01)
    if name == "depthwise":
        return torch.optim.Adam(params, lr=0.002, eps=1e-4)
    if name == "separable":
        return torch.optim.SGD(params, lr=0.05, momentum=0.9, nesterov=True)
    if name == "transformer":
        return torch.optim.AdamW(params, lr=0.001, eps=1e-4, weight_decay=0.1)
    return torch.optim.SGD(params, lr=LR.get(name, 0.05))


def start(views):
    """The flat vector that fill_golden_params() makes."""
    total = sum(int(np.prod(shape)) for _, shape, *_ in views)
    rough, at, flat = torch_models.noise(7, total), 0, []
    for kind, shape, *_ in views:
        n = int(np.prod(shape))
        size = np.float32(np.sqrt(1.0 / (n // shape[-1]))) if len(shape) > 1 else np.float32(0.1)
        base = np.float32(1 if kind in ("scale", "variance") else 0)
        if kind in ("mean", "variance"):
            size = np.float32(0)
        flat.append((base + size * rough[at:at + n]).astype(np.float32))
        at += n
    return flat


def batch(name, step, shape, classes):
    n = BATCH[name]
    count = n * int(np.prod(shape))
    if name in ("lstm", "transformer"):
        x = torch.from_numpy((torch_models.hash32(100 + step, count) %
                              np.uint64(torch_models.VOCABULARY)).astype(np.int64))
        x, rows = x.reshape(n, *shape), n * shape[0]
    else:
        x = np.float32(0.5) + np.float32(0.5) * torch_models.noise(100 + step, count)
        x = torch.from_numpy(x.astype(np.float64)).reshape(n, *shape)
        x, rows = (x.permute(0, 3, 1, 2) if len(shape) == 3 else x), n
    t = torch_models.hash32(200 + step, rows) % np.uint64(classes)
    return x, torch.from_numpy(t.astype(np.int64))


def train(name, out):
    model, views, shape, classes = torch_models.build(name)
    model.double()
    with torch.no_grad():
        for (_, s, owner, attribute, turn), flat in zip(views, start(views)):
            value = turn[0](flat.astype(np.float64).reshape(s))
            getattr(owner, attribute).copy_(torch.from_numpy(np.ascontiguousarray(value)))
        if name == "lstm":
            model.freeze_second_bias()
    params = [p for p in model.parameters() if p.requires_grad]
    opt = optimizer(name, params)
    out.write(f"model {name} {sum(int(np.prod(v[1])) for v in views)}\n")
    for step in range(STEPS):
        x, t = batch(name, step, shape, classes)
        opt.zero_grad()
        loss = F.cross_entropy(model(x).reshape(-1, classes), t)
        loss.backward()
        if name == "lstm":
            torch.nn.utils.clip_grad_norm_(params, 0.25)
        opt.step()
        out.write(f"loss {loss.item():.9g}\n")
    for kind, s, owner, attribute, turn in views:
        n = int(np.prod(s))
        flat = np.ascontiguousarray(turn[1](getattr(owner, attribute).detach().numpy())).ravel()
        along = flat @ torch_models.noise(9, n).astype(np.float64)
        out.write(f"view {kind} {n} {flat.sum():.9g} {np.linalg.norm(flat):.9g} {along:.9g}\n")


def main():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "autograd.txt")
    with open(path, "w") as out:
        out.write(f"# made by make_autograd.py with PyTorch {torch.__version__}\n")
        for name in torch_models.NAMES:
            train(name, out)


if __name__ == "__main__":
    main()
