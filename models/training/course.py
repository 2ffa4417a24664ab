"""The training loop that every model here shares, resumable, on the CPU; knows no data and no loss."""

import copy
import ctypes
import math
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import cv2
import torch
from torch import nn

RATE, WARM_UP_EPOCHS, EMA_KEEP = 6e-4, 1, 0.995


class Task(Protocol):
    """What is trained: the steps of an epoch, their batches, and the loss of one."""
    steps: int

    def batches(self, epoch: int, planned: int, seed: int) -> Iterator[tuple[torch.Tensor, ...]]: ...

    def loss(self, model: nn.Module, *batch: torch.Tensor) -> torch.Tensor: ...


def in_background(make: Callable, jobs: Iterable) -> Iterator:
    """make(job) of every job in order, the next two made by a thread while one is used."""
    with ThreadPoolExecutor(1) as background:
        waiting = []
        for job in jobs:
            waiting.append(background.submit(make, job))
            if len(waiting) > 2:
                yield waiting.pop(0).result()
        yield from (made.result() for made in waiting)


@torch.no_grad()
def follow(average: nn.Module, model: nn.Module, step: int) -> None:
    """Exponential moving average of weights and statistics, faster while it is young."""
    keep = min(EMA_KEEP, (1 + step) / (10 + step))
    for mean, value in zip(average.state_dict().values(), model.state_dict().values(),
                           strict=True):
        if mean.is_floating_point():
            mean.lerp_(value, 1 - keep)
        else:
            mean.copy_(value)


def keep_freed_memory() -> None:
    """Lets glibc keep freed blocks instead of giving them back to the kernel after every layer:
    the page faults of taking them again cost a third of a step or more."""
    mallopt, mmap_max, trim_threshold, top_pad = ctypes.CDLL('libc.so.6').mallopt, -4, -1, -2
    mallopt(mmap_max, 0)
    mallopt(trim_threshold, 2**31 - 1)
    mallopt(top_pad, 2**28)


def run_course(model: nn.Module, task: Task, epochs: range, planned: int, seed: int, work: Path
               ) -> nn.Module:
    """Trains the `epochs` of a course of `planned`; WORK/checkpoint.pt is written after each of them
    and goes on where it stands. `seed` decides the order of the pictures and their views. Returns
    the moving average, which is what ships. `model.freeze()` says what is not trained."""
    keep_freed_memory()
    cv2.setNumThreads(1)  # the cores belong to torch
    work.mkdir(parents=True, exist_ok=True)
    checkpoint = work / 'checkpoint.pt'
    model = model.to(memory_format=torch.channels_last)
    model.freeze()
    average = copy.deepcopy(model)
    free = [weights for weights in model.parameters() if weights.requires_grad]
    optimiser = torch.optim.AdamW([
        {'params': [weights for weights in free if weights.ndim > 1], 'weight_decay': 0.02},
        {'params': [weights for weights in free if weights.ndim == 1], 'weight_decay': 0.0}],
        lr=RATE)
    start = epochs.start
    if checkpoint.exists():
        saved = torch.load(checkpoint)
        for part, key in ((model, 'model'), (average, 'average'), (optimiser, 'optimiser')):
            part.load_state_dict(saved[key])
        start = saved['epoch'] + 1

    for epoch in range(start, epochs.stop):
        began, total, pictures = time.monotonic(), 0.0, 0
        model.train()
        for at, (images, *targets) in enumerate(task.batches(epoch, planned, 1000 * seed + epoch)):
            step = epoch * task.steps + at
            warm = min(1.0, (step + 1) / (WARM_UP_EPOCHS * task.steps))
            rate = RATE * warm * 0.5 * (1 + math.cos(math.pi * step / (planned * task.steps)))
            for group in optimiser.param_groups:
                group['lr'] = rate
            loss = task.loss(model, images.to(memory_format=torch.channels_last), *targets)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            follow(average, model, step)
            total += loss.item()
            pictures += len(images)
        seconds = time.monotonic() - began
        print(f'{work.parent.name}/{work.name} epoch {epoch + 1}/{planned}: '
              f'loss {total / task.steps:.3f}, {pictures / seconds:.1f} pictures/s', flush=True)
        torch.save({'model': model.state_dict(), 'average': average.state_dict(),
                    'optimiser': optimiser.state_dict(), 'epoch': epoch}, checkpoint)
    return average.eval()
