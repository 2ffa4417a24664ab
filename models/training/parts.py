"""The trainings of one model: one on all photographs, one without each fold; two at a time.

A training is a trunk for the first half of its epochs and one or two branches of it, with other views in
another order, for the second half. The weights of two branches are averaged: one network that is better
than either, for no time at run time (stochastic weight averaging in parallel, Gupta et al. 2020).
"""

import multiprocessing
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from backbone import Classifier
from data import Photo, fine_of
from fine_tune import fine_tune
from labels import Label
from linear_head import fit_head, set_head

SEEDS = ('a', 'b')
CHECKPOINT = 'checkpoint.pt'


@dataclass(frozen=True)
class Part:
    """`kept` are the rows of the photographs to train with; `work` holds the checkpoints."""
    kept: np.ndarray
    epochs: int
    work: Path
    branches: tuple[str, ...]


def train_trunk(part: Part, kept: list[Photo], labels: list[Label],
                embeddings: np.ndarray) -> None:
    """Linear head first, then everything end to end."""
    folder = part.work / 'trunk'
    if any((part.work / branch / CHECKPOINT).exists() for branch in part.branches):
        return
    model = Classifier(len(labels))
    set_head(model.head, *fit_head(embeddings[part.kept], fine_of(kept)))
    fine_tune(model, kept, labels, range(part.epochs // 2), part.epochs, 0, folder)


def train_branch(part: Part, branch: str, kept: list[Photo], labels: list[Label]) -> None:
    """Goes on from the trunk with a seed of its own."""
    folder = part.work / branch
    if not (folder / CHECKPOINT).exists():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(part.work / 'trunk' / CHECKPOINT, folder / CHECKPOINT)
    fine_tune(Classifier(len(labels)), kept, labels, range(part.epochs // 2, part.epochs),
              part.epochs, 1 + SEEDS.index(branch), folder)


def train_part(part: Part, photos: list[Photo], labels: list[Label],
               embeddings: np.ndarray) -> None:
    """On one core."""
    torch.set_num_threads(1)
    torch.manual_seed(81)
    kept = [photos[row] for row in part.kept]
    train_trunk(part, kept, labels, embeddings)
    for branch in part.branches:
        train_branch(part, branch, kept, labels)


def train_parts(parts: list[Part], photos: list[Photo], labels: list[Label],
                embeddings: np.ndarray) -> None:
    """Two processes of one thread each: on two cores more than twice the pictures of two threads."""
    spawn = multiprocessing.get_context('spawn')
    with spawn.Pool(2, maxtasksperchild=1) as pool:
        pool.starmap(train_part, [(part, photos, labels, embeddings) for part in parts], 1)


def trained(part: Part, classes: int) -> Classifier:
    """The mean of the averaged weights of the branches, from their checkpoints."""
    states = [torch.load(part.work / branch / CHECKPOINT)['average'] for branch in part.branches]
    mean = {key: (sum(state[key] for state in states) / len(states)).to(value.dtype)
            for key, value in states[0].items()}
    model = Classifier(classes)
    model.load_state_dict(mean)
    return model.eval()
