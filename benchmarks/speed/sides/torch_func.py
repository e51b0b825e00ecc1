"""All models as one `torch.func` ensemble, as its tutorial shows it: stacked parameters under `vmap`.

Fair: what a skilled user writes by hand. Dropout takes each model's own rate, AdamW is written over the stacked
tensors with each model's own decay, all models share a batch, validation is one call, models that have stopped are
taken out of the stack when half of them have, and the best weights are kept.
"""

from __future__ import annotations

import os
import time

import numpy as np
import torch
from torch.func import functional_call, grad_and_value, stack_module_state, vmap

from speed.clock import Outcome
from speed.networks import torch_model
from speed.sides.spread import spread
from speed.sides.torch_loop import loss_of, tensors
from speed.workloads import BATCH_SIZE, LEARNING_RATE, PATIENCE, Rows, Workload

B1, B2, EPSILON = 0.9, 0.999, 1e-8


class WithRate(torch.nn.Module):
    """The network with a dropout rate that is passed, not built in."""

    def __init__(self, workload: Workload) -> None:
        super().__init__()
        self.parts = torch.nn.ModuleList(torch_model(workload, None))
        self.where = [place for place, (name, *_) in enumerate(workload.layers) if name == "dropout"]
        self.where = [place - number for number, place in enumerate(self.where)]

    def forward(self, x: torch.Tensor, rate: torch.Tensor | None) -> torch.Tensor:
        """Outputs; no dropout without a rate."""
        for place, part in enumerate(self.parts):
            if rate is not None and place in self.where:
                x = x * (torch.rand_like(x) >= rate) / (1 - rate)
            x = part(x)
        if rate is not None and len(self.parts) in self.where:
            x = x * (torch.rand_like(x) >= rate) / (1 - rate)
        return x


class Cell(torch.nn.Module):
    """An LSTM by hand, since `vmap` has no rule for PyTorch's own: the last step's output."""

    def __init__(self, lstm: torch.nn.LSTM) -> None:
        super().__init__()
        self.inputs = torch.nn.Linear(lstm.input_size, 4 * lstm.hidden_size)
        self.state = torch.nn.Linear(lstm.hidden_size, 4 * lstm.hidden_size, bias=False)
        self.units = lstm.hidden_size

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The output at the last step."""
        gates = self.inputs(x)
        hidden = cell = torch.zeros_like(gates[:, 0, : self.units])
        for step in range(x.shape[1]):
            i, f, g, o = (gates[:, step] + self.state(hidden)).chunk(4, -1)
            cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
            hidden = o.sigmoid() * cell.tanh()
        return hidden


def network(workload: Workload) -> WithRate:
    """A fresh network that `vmap` takes."""
    model = WithRate(workload)
    for place, part in enumerate(model.parts):
        if hasattr(part, "lstm"):
            model.parts[place] = Cell(part.lstm)
    return model


def run(workload: Workload, rows: Rows, models: int, epochs: int, seed: int) -> Outcome:
    """All models side by side."""
    torch.set_num_threads(os.cpu_count() or 1)
    x, y, x_val, y_val = tensors(workload, rows)
    loss = loss_of(workload)
    began = time.perf_counter()
    torch.manual_seed(seed)
    configurations = spread(models)
    rate, decay = (torch.tensor(values, dtype=torch.float32) for values in zip(*configurations, strict=True))
    base = network(workload)
    parameters, _ = stack_module_state([network(workload) for _ in range(models)])
    state = {name: value.detach().clone() for name, value in parameters.items()}
    first, second = ({name: torch.zeros_like(value) for name, value in state.items()} for _ in range(2))

    def loss_at(own: dict[str, torch.Tensor], p: torch.Tensor, xs: torch.Tensor, ys: torch.Tensor) -> torch.Tensor:
        return loss(functional_call(base, own, (xs, p)), ys)

    gradients = vmap(grad_and_value(loss_at), in_dims=(0, 0, None, None), randomness="different")
    validate = vmap(lambda own: loss(functional_call(base, own, (x_val, None)), y_val))
    alive = torch.arange(models)
    best = torch.full((models,), float("inf"))
    since = torch.zeros(models, dtype=torch.int64)
    kept = {name: value.clone() for name, value in state.items()}
    step, trained, ends = 0, 0, [time.perf_counter()]
    lane_epochs: list[int] = []
    for _ in range(epochs):
        order = torch.randperm(len(x))
        for xs, ys in zip(x[order].split(BATCH_SIZE), y[order].split(BATCH_SIZE), strict=True):
            step += 1
            found, _ = gradients(state, rate, xs, ys)
            with torch.no_grad():
                for name, value in state.items():
                    shape = (-1, *[1] * (value.ndim - 1))
                    first[name].lerp_(found[name], 1 - B1)
                    second[name].lerp_(found[name].square(), 1 - B2)
                    scale = (second[name] / (1 - B2**step)).sqrt_().add_(EPSILON)
                    value.mul_(1 - LEARNING_RATE * decay.view(shape))
                    value.addcdiv_(first[name], scale, value=-LEARNING_RATE / (1 - B1**step))
        with torch.no_grad():
            losses = validate(state)
        better = losses < best[alive]
        best[alive] = torch.where(better, losses, best[alive])
        since[alive] = torch.where(better, 0, since[alive] + 1)
        for name, value in state.items():
            kept[name][alive[better]] = value[better]
        live = since[alive] < PATIENCE
        lane_epochs.append(int((since[alive] <= PATIENCE).sum()))
        trained += len(alive)
        ends.append(time.perf_counter())
        if not live.any():
            break
        if live.sum() <= len(alive) // 2:
            alive, rate, decay = alive[live], rate[live], decay[live]
            state, first, second = (
                {name: value[live] for name, value in part.items()} for part in (state, first, second)
            )
    seconds = time.perf_counter() - began
    warm = (ends[-1] - ends[0]) / trained
    return Outcome(models, seconds, sum(lane_epochs), warm, float(np.min(best.numpy())))
