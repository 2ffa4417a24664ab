"""End-to-end training of the classifier on the CPU, resumable; no export and no evaluation."""

import copy
import ctypes
import math
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import torch

from augment import mix, random_view
from backbone import Classifier
from data import Photo, decode, to_tensor
from labels import Label

BATCH, RATE, WARM_UP_EPOCHS = 32, 6e-4, 1
SMOOTHING, MIXED, COARSE_WEIGHT, EMA_KEEP = 0.1, 0.3, 0.3, 0.995
SMALL, LARGE = 176, 208


def size_of(epoch: int, epochs: int) -> int:
    """Smaller pictures in the first half. Both are smaller than at run time on purpose: random crops
    enlarge what they show, so that a network sees things at the size it was trained on only when
    the whole picture comes larger; and a step costs half."""
    return SMALL if epoch < epochs // 2 else LARGE


def batches(pictures: list[np.ndarray], photos: list[Photo], labels: list[Label], size: int,
            seed: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """One epoch of augmented pictures and soft labels, the next batch made in the background."""
    random = np.random.default_rng(seed)
    order = random.permutation(len(photos))
    one_hot = np.eye(len(labels), dtype=np.float32)

    def make(rows: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        images = np.stack([
            to_tensor(random_view(
                pictures[row], size, labels[photos[row].fine].loose, random))
            for row in rows])
        targets = one_hot[[photos[row].fine for row in rows]]
        if random.random() < MIXED:
            images, targets = mix(images, targets, random)
        return torch.from_numpy(images), torch.from_numpy(targets)

    with ThreadPoolExecutor(1) as background:
        waiting = []
        for at in range(0, len(order) - BATCH + 1, BATCH):
            waiting.append(background.submit(make, order[at:at + BATCH]))
            if len(waiting) > 2:
                yield waiting.pop(0).result()
        yield from (job.result() for job in waiting)


def loss_of(logits: torch.Tensor, targets: torch.Tensor, to_coarse: torch.Tensor) -> torch.Tensor:
    """Smoothed cross-entropy of the fine class, plus that of the coarse class it belongs to."""
    log_fine = logits.float().log_softmax(1)
    smoothed = targets * (1 - SMOOTHING) + SMOOTHING / targets.shape[1]
    fine = -(smoothed * log_fine).sum(1).mean()
    coarse = -((targets @ to_coarse) * (log_fine.exp() @ to_coarse + 1e-6).log()).sum(1).mean()
    return fine + COARSE_WEIGHT * coarse


@torch.no_grad()
def follow(average: Classifier, model: Classifier, step: int) -> None:
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


def fine_tune(model: Classifier, photos: list[Photo], labels: list[Label], epochs: range, planned: int,
              seed: int, work: Path) -> None:
    """Trains the `epochs` of a course of `planned`; WORK/checkpoint.pt is written after each of them
    and goes on where it stands. `seed` decides the order of the photographs and their views."""
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

    pictures = [decode(photo.path) for photo in photos]
    to_coarse = torch.nn.functional.one_hot(
        torch.tensor([label.coarse_index for label in labels])).float()
    steps = len(photos) // BATCH
    for epoch in range(start, epochs.stop):
        began, total = time.monotonic(), 0.0
        model.train()
        size = size_of(epoch, planned)
        for at, (images, targets) in enumerate(
                batches(pictures, photos, labels, size, 1000 * seed + epoch)):
            step = epoch * steps + at
            warm = min(1.0, (step + 1) / (WARM_UP_EPOCHS * steps))
            rate = RATE * warm * 0.5 * (1 + math.cos(math.pi * step / (planned * steps)))
            for group in optimiser.param_groups:
                group['lr'] = rate
            with torch.autocast('cpu', torch.bfloat16):
                logits, _ = model(images.to(memory_format=torch.channels_last))
            loss = loss_of(logits, targets, to_coarse)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            follow(average, model, step)
            total += loss.item()
        seconds = time.monotonic() - began
        print(f'{work.parent.name}/{work.name} epoch {epoch + 1}/{planned}: loss {total / steps:.3f}, '
              f'{steps * BATCH / seconds:.1f} pictures/s', flush=True)
        torch.save({'model': model.state_dict(), 'average': average.state_dict(),
                    'optimiser': optimiser.state_dict(), 'epoch': epoch}, checkpoint)
