"""A plain PyTorch loop, one model after another.

Fair: rows stand in tensors, batches are slices of a permuted copy, so that no DataLoader's overhead is in it; AdamW's
fused form; validation in one batch; both cores.
"""

from __future__ import annotations

import copy
import os
import time

import numpy as np
import torch

from speed.clock import Epochs, Outcome
from speed.networks import torch_model
from speed.sides.spread import spread
from speed.workloads import BATCH_SIZE, LEARNING_RATE, PATIENCE, Rows, Workload


def tensors(workload: Workload, rows: Rows) -> tuple[torch.Tensor, ...]:
    """Rows as PyTorch has them: channels first."""
    x, y, x_val, y_val = (torch.from_numpy(np.array(part)) for part in rows)
    if len(workload.shape) == 3:
        x, x_val = (part.permute(0, 3, 1, 2).contiguous() for part in (x, x_val))
    return (x, y.long(), x_val, y_val.long()) if workload.classifies else (x, y, x_val, y_val)


def loss_of(workload: Workload) -> torch.nn.Module:
    """Its loss."""
    return torch.nn.CrossEntropyLoss() if workload.classifies else torch.nn.MSELoss()


def run(workload: Workload, rows: Rows, models: int, epochs: int, seed: int) -> Outcome:
    """A fresh model for each configuration."""
    torch.set_num_threads(os.cpu_count() or 1)
    x, y, x_val, y_val = tensors(workload, rows)
    loss = loss_of(workload)
    fits = []
    began = time.perf_counter()
    for dropout, decay in spread(models):
        torch.manual_seed(seed)
        model = torch_model(workload, dropout)
        optimizer = torch.optim.AdamW(model.parameters(), LEARNING_RATE, weight_decay=decay, fused=True)
        done, best = Epochs(PATIENCE), None
        for _ in range(epochs):
            model.train()
            order = torch.randperm(len(x))
            for xs, ys in zip(x[order].split(BATCH_SIZE), y[order].split(BATCH_SIZE), strict=True):
                optimizer.zero_grad(set_to_none=True)
                loss(model(xs), ys).backward()
                optimizer.step()
            model.eval()
            with torch.no_grad():
                stop = done.stop(loss(model(x_val), y_val).item())
            if done.improved:
                best = copy.deepcopy(model.state_dict())
            if stop:
                break
        if best is not None:
            model.load_state_dict(best)
        fits.append(done)
    seconds = time.perf_counter() - began
    warm = [second for one in fits for second in one.warm()]
    return Outcome(
        models, seconds, sum(len(one.ends) for one in fits), float(np.mean(warm)), min(one.best for one in fits)
    )
