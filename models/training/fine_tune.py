"""End-to-end training of the classifier: its batches and its loss; the loop is course.py."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from augment import mix, random_view
from backbone import Classifier
from course import in_background, run_course
from data import Photo, decode, to_tensor
from labels import Label

BATCH = 32
SMOOTHING, MIXED, COARSE_WEIGHT = 0.1, 0.3, 0.3
SMALL, LARGE = 176, 208


def size_of(epoch: int, epochs: int) -> int:
    """Smaller pictures in the first half. Both are smaller than at run time on purpose: random crops
    enlarge what they show, so that a network sees things at the size it was trained on only when
    the whole picture comes larger; and a step costs half."""
    return SMALL if epoch < epochs // 2 else LARGE


class Naming:
    """Augmented pictures with soft labels, every photograph once an epoch."""

    def __init__(self, photos: list[Photo], labels: list[Label]):
        self.photos, self.labels = photos, labels
        self.steps = len(photos) // BATCH
        self.pictures = [decode(photo.path) for photo in photos]
        self.to_coarse = torch.nn.functional.one_hot(
            torch.tensor([label.coarse_index for label in labels])).float()

    def batches(self, epoch: int, planned: int, seed: int
                ) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        random = np.random.default_rng(seed)
        order = random.permutation(len(self.photos))
        size = size_of(epoch, planned)
        one_hot = np.eye(len(self.labels), dtype=np.float32)

        def make(rows: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
            images = np.stack([
                to_tensor(random_view(
                    self.pictures[row], size, self.labels[self.photos[row].fine].loose, random))
                for row in rows])
            targets = one_hot[[self.photos[row].fine for row in rows]]
            if random.random() < MIXED:
                images, targets = mix(images, targets, random)
            return torch.from_numpy(images), torch.from_numpy(targets)

        return in_background(make, (order[at:at + BATCH]
                                    for at in range(0, self.steps * BATCH, BATCH)))

    def loss(self, model: Classifier, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Smoothed cross-entropy of the fine class, plus that of the coarse class it belongs to."""
        with torch.autocast('cpu', torch.bfloat16):
            logits, _ = model(images)
        log_fine = logits.float().log_softmax(1)
        smoothed = targets * (1 - SMOOTHING) + SMOOTHING / targets.shape[1]
        fine = -(smoothed * log_fine).sum(1).mean()
        coarse = -((targets @ self.to_coarse)
                   * (log_fine.exp() @ self.to_coarse + 1e-6).log()).sum(1).mean()
        return fine + COARSE_WEIGHT * coarse


def fine_tune(model: Classifier, photos: list[Photo], labels: list[Label], epochs: range, planned: int,
              seed: int, work: Path) -> None:
    """The `epochs` of a course of `planned`; see run_course."""
    run_course(model, Naming(photos, labels), epochs, planned, seed, work)
