#!/usr/bin/env bash
# Training steps beside PyTorch's: the newest from PyPI, in a virtual environment that is made here once, and
# Debian's, where it is installed. Without either its column stays empty.
set -euo pipefail
cd "$(dirname "$0")"
venv=${XDG_CACHE_HOME:-$HOME/.cache}/libfed/torch
if [ ! -x "$venv/bin/python" ] || ! "$venv/bin/python" -c 'import torch' 2>/dev/null; then
    python3 -m venv "$venv" >&2 && "$venv/bin/pip" install --quiet --upgrade torch numpy >&2 ||
        echo "bench train: PyTorch could not be installed, going on without" >&2
fi
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1
export FED_TORCH_NEW=$venv/bin/python FED_TORCH_OLD=/usr/bin/python3 FED_TORCH_SCRIPT=$PWD/train_torch.py
exec "${FED_BUILD:?script/bench sets it}/bench/bench_train" "$@"
