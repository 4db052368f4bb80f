#!/usr/bin/env python3
"""The PyTorch side of bench_train: reads a model's name per line, answers the microseconds
of one training step (zero gradients, forward, loss, backward, SGD) on one thread. "rss NAME" is
answered by the peak resident MiB of a process of its own that trains that model; "version" by the
version as a number (2.15 is 215)."""
import os
import resource
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden"))
import torch
import torch.nn.functional as F

import torch_models

BATCH = {"mlp": 32, "2nn": 10, "cnn": 10, "cnn_b32": 32, "lstm": 10, "depthwise": 32,
         "separable": 32, "transformer": 8}
SAMPLE_S = 0.02
steps = {}


def make_step(name, fused_update, fused_attention):
    n = BATCH[name]
    model, _, shape, classes = torch_models.build(name.split("_b")[0])
    if name in ("lstm", "transformer"):
        x = torch.randint(0, torch_models.VOCABULARY, (n, *shape))
        t = torch.randint(0, classes, (n * shape[0],))
    else:
        x = torch.rand(n, *shape)
        x = x.permute(0, 3, 1, 2).contiguous() if len(shape) == 3 else x
        t = torch.randint(0, classes, (n,))
    options = {"fused": True} if fused_update else {}
    opt = torch.optim.SGD(model.parameters(), lr=0.01, **options)

    def step():
        torch_models.FUSED = fused_attention
        opt.zero_grad(set_to_none=True)
        F.cross_entropy(model(x).reshape(-1, classes), t).backward()
        opt.step()
    return step


def time_steps(step, seconds):
    """Microseconds of processor time of a step, as bench_train.c counts them."""
    steps, start = 0, time.process_time()
    while time.process_time() - start < seconds:
        step()
        steps += 1
    return (time.process_time() - start) / steps * 1e6


def fastest_step(name):
    """Newer versions have fused kernels; take whatever is fastest here."""
    variants = [(False, False)]
    if hasattr(F, "scaled_dot_product_attention"):
        variants += [(True, False)]
        if name == "transformer":
            variants += [(False, True), (True, True)]
    timed = []
    for v in variants:
        try:
            step = make_step(name, *v)
            step()
            time_steps(step, SAMPLE_S)
            timed.append((time_steps(step, 10 * SAMPLE_S), step))
        except (TypeError, RuntimeError):
            pass  # this version has no such variant
    return min(timed, key=lambda x: x[0])[1]


def answer(question):
    if question == "version":
        major, minor = torch.__version__.split(".")[:2]
        return int(major) * 100 + int(minor)
    if question.startswith("rss "):
        command = [sys.executable, os.path.abspath(__file__), "--rss", question[4:]]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    if question not in steps:
        steps[question] = fastest_step(question)
    return time_steps(steps[question], SAMPLE_S)


def main():
    torch.set_num_threads(1)
    torch.manual_seed(1)
    if sys.argv[1:2] == ["--rss"]:
        step = make_step(sys.argv[2], False, False)
        for _ in range(5):
            step()
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return
    print("ready", flush=True)
    for line in sys.stdin:
        try:
            print(answer(line.strip()), flush=True)
        except (KeyError, subprocess.CalledProcessError):
            print("nan", flush=True)


if __name__ == "__main__":
    main()
