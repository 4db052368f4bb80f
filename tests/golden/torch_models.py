"""The benchmark models in PyTorch, and how their parameters lie in libfed's flat vector.

The other side is tests/autograd/benchmark_models.c. A model is a module plus a list of views
(name, shape in libfed, owner module, attribute, turn): `turn` maps an array of libfed's shape to
PyTorch's and back. libfed keeps weights as [inputs][outputs] and images as height, width,
channels.
"""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

VOCABULARY = 90


def hash32(seed, n):
    i = np.arange(n, dtype=np.uint64)
    m = np.uint64(0xFFFFFFFF)
    h = (i * np.uint64(0x9E3779B9) + np.uint64(seed * 0x85EBCA6B)) & m
    h = ((h ^ (h >> np.uint64(16))) * np.uint64(0x85EBCA6B)) & m
    h = ((h ^ (h >> np.uint64(13))) * np.uint64(0xC2B2AE35)) & m
    return h ^ (h >> np.uint64(16))


def noise(seed, n):
    return ((hash32(seed, n) >> np.uint64(8)).astype(np.float32) / np.float32(8388608.0)
            - np.float32(1))


SAME = (lambda a: a, lambda a: a)
LINEAR = (lambda a: a.T, lambda a: a.T)
CONV = (lambda a: a.transpose(3, 2, 0, 1), lambda a: a.transpose(2, 3, 1, 0))


def behind_flatten(h, w, c):
    """A linear layer behind flatten: libfed counts its inputs as h, w, c, PyTorch as c, h, w."""
    def there(a):
        return a.reshape(h, w, c, -1).transpose(3, 2, 0, 1).reshape(-1, c * h * w)

    def back(a):
        return a.reshape(-1, c, h, w).transpose(2, 3, 1, 0).reshape(h * w * c, -1)
    return there, back


class Views(list):
    def linear(self, layer, turn=LINEAR):
        self.append(("weight", (layer.in_features, layer.out_features), layer, "weight", turn))
        self.append(("bias", (layer.out_features,), layer, "bias", SAME))

    def conv(self, layer):
        o, i, h, w = layer.weight.shape
        self.append(("weight", (h, w, i, o), layer, "weight", CONV))
        if layer.bias is not None:
            self.append(("bias", (o,), layer, "bias", SAME))

    def norm(self, layer):
        n = layer.weight.shape[0]
        self.append(("scale", (n,), layer, "weight", SAME))
        self.append(("bias", (n,), layer, "bias", SAME))
        if isinstance(layer, nn.BatchNorm2d):
            self.append(("mean", (n,), layer, "running_mean", SAME))
            self.append(("variance", (n,), layer, "running_var", SAME))

    def table(self, owner, attribute, shape):
        self.append(("weight", shape, owner, attribute, SAME))

    def lstm(self, layer, at):
        i, h = (layer.weight_ih_l0 if at == 0 else layer.weight_ih_l1).shape[1], layer.hidden_size
        self.append(("weight", (i, 4 * h), layer, f"weight_ih_l{at}", LINEAR))
        self.append(("recurrent", (h, 4 * h), layer, f"weight_hh_l{at}", LINEAR))
        self.append(("bias", (4 * h,), layer, f"bias_ih_l{at}", SAME))


class Lstm(nn.Module):
    """Two layers of 256; PyTorch's second bias stays at 0, as libfed has one bias."""
    def __init__(self):
        super().__init__()
        self.e = nn.Embedding(VOCABULARY, 8)
        self.r = nn.LSTM(8, 256, 2, batch_first=True)
        self.o = nn.Linear(256, VOCABULARY)

    def freeze_second_bias(self):
        for at in (0, 1):
            bias = getattr(self.r, f"bias_hh_l{at}")
            bias.requires_grad_(False)
            bias.zero_()

    def forward(self, x):
        return self.o(self.r(self.e(x))[0])


class Block(nn.Module):
    def __init__(self, d, heads, steps):
        super().__init__()
        self.heads, self.steps = heads, steps
        self.norm1, self.norm2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv, self.project = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.up, self.down = nn.Linear(d, 4 * d), nn.Linear(4 * d, d)

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(b, t, 3, self.heads, d // self.heads) \
                      .permute(2, 0, 3, 1, 4)
        a = F.scaled_dot_product_attention(q, k, v, is_causal=True) if FUSED else \
            self.plain_attention(q, k, v)
        x = x + self.project(a.transpose(1, 2).reshape(b, t, d))
        return x + self.down(F.gelu(self.up(self.norm2(x))))

    def plain_attention(self, q, k, v):
        t = q.shape[2]
        mask = torch.full((t, t), float("-inf"), dtype=q.dtype).triu(1)
        return torch.softmax(q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5 + mask, -1) @ v


# The fused attention of newer PyTorch; the benchmark turns it on where it is there and faster.
FUSED = False


class Transformer(nn.Module):
    def __init__(self, d=128, heads=4, steps=64):
        super().__init__()
        self.e = nn.Embedding(VOCABULARY, d)
        self.positions = nn.Parameter(torch.zeros(steps, d))
        self.blocks = nn.Sequential(Block(d, heads, steps), Block(d, heads, steps))
        self.norm = nn.LayerNorm(d)
        self.o = nn.Linear(d, VOCABULARY)

    def forward(self, x):
        return self.o(self.norm(self.blocks(self.e(x) + self.positions)))


def separable(i, o, stride):
    return [nn.Conv2d(i, i, 3, stride, 1, groups=i), nn.ReLU(), nn.Conv2d(i, o, 1), nn.ReLU()]


def normed(*conv, **options):
    return [nn.Conv2d(*conv, bias=False, **options), nn.BatchNorm2d(64), nn.ReLU()]


def sequential_views(model):
    """Views of an nn.Sequential; a linear layer behind a flatten of 7 x 7 x 64 is turned."""
    views, flattened = Views(), False
    for layer in model:
        if isinstance(layer, nn.Conv2d):
            views.conv(layer)
        elif isinstance(layer, nn.BatchNorm2d):
            views.norm(layer)
        elif isinstance(layer, nn.Linear):
            turned = flattened and layer.in_features == 3136
            views.linear(layer, behind_flatten(7, 7, 64) if turned else LINEAR)
        flattened = flattened or isinstance(layer, nn.Flatten)
    return views


def build(name):
    """-> module, views, input shape of one example in libfed, classes."""
    if name == "mlp":
        m = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
        return m, sequential_views(m), (784,), 10
    if name == "2nn":
        m = nn.Sequential(nn.Linear(784, 200), nn.ReLU(), nn.Linear(200, 200), nn.ReLU(),
                          nn.Linear(200, 10))
        return m, sequential_views(m), (784,), 10
    if name == "cnn":
        m = nn.Sequential(nn.Conv2d(1, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
                          nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
                          nn.Flatten(), nn.Linear(3136, 512), nn.ReLU(), nn.Linear(512, 10))
        return m, sequential_views(m), (28, 28, 1), 10
    if name in ("depthwise", "depthwise_normed"):
        if name == "depthwise":
            layers = [nn.Conv2d(1, 64, (10, 4), 2, (5, 1)), nn.ReLU()]
            for _ in range(4):
                layers += separable(64, 64, 1)
        else:
            layers = normed(1, 64, (10, 4), 2, (5, 1))
            for _ in range(4):
                layers += normed(64, 64, 3, padding=1, groups=64) + normed(64, 64, 1)
        m = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 12))
        return m, sequential_views(m), (49, 10, 1), 12
    if name == "separable":
        m = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), *separable(16, 32, 2),
                          *separable(32, 64, 2), *separable(64, 64, 1),
                          *separable(64, 128, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                          nn.Linear(128, 10))
        return m, sequential_views(m), (32, 32, 3), 10
    if name == "lstm":
        m, views = Lstm(), Views()
        views.table(m.e, "weight", (VOCABULARY, 8))
        views.lstm(m.r, 0)
        views.lstm(m.r, 1)
        views.linear(m.o)
        return m, views, (80,), VOCABULARY
    if name == "transformer":
        m, views = Transformer(), Views()
        views.table(m.e, "weight", (VOCABULARY, 128))
        views.table(m, "positions", (64, 128))
        for b in m.blocks:
            views.norm(b.norm1)
            views.linear(b.qkv)
            views.linear(b.project)
            views.norm(b.norm2)
            views.linear(b.up)
            views.linear(b.down)
        views.norm(m.norm)
        views.linear(m.o)
        return m, views, (64,), VOCABULARY
    raise SystemExit(f"no model is called {name}")


NAMES = ["mlp", "2nn", "cnn", "lstm", "depthwise", "separable", "transformer",
         "depthwise_normed"]
