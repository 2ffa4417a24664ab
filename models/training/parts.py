"""The trainings of one model: one on all photographs, one without each fold; two at a time.

Each is a trunk for the first half of its epochs and two branches of it, with other views in another order,
for the second half. Their weights are averaged: one network that is as good as both together, for no
time at run time (stochastic weight averaging in parallel, Gupta et al. 2020).
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

BRANCHES = ('a', 'b')
CHECKPOINT = 'checkpoint.pt'


@dataclass(frozen=True)
class Part:
    """`kept` are the rows of the photographs to train with; `work` holds the checkpoints."""
    kept: np.ndarray
    epochs: int
    work: Path


def train_trunk(part: Part, photos: list[Photo], labels: list[Label],
                embeddings: np.ndarray) -> None:
    """Linear head first, then everything end to end, on one core."""
    torch.set_num_threads(1)
    torch.manual_seed(81)
    kept = [photos[row] for row in part.kept]
    model = Classifier(len(labels))
    set_head(model.head, *fit_head(embeddings[part.kept], fine_of(kept)))
    fine_tune(model, kept, labels, range(part.epochs // 2), part.epochs, 0, part.work / 'trunk')


def train_branch(part: Part, branch: str, photos: list[Photo], labels: list[Label]) -> None:
    """Goes on from the trunk with a seed of its own, on one core."""
    torch.set_num_threads(1)
    seed = 1 + BRANCHES.index(branch)
    torch.manual_seed(81 + seed)
    folder = part.work / branch
    if not (folder / CHECKPOINT).exists():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(part.work / 'trunk' / CHECKPOINT, folder / CHECKPOINT)
    fine_tune(Classifier(len(labels)), [photos[row] for row in part.kept], labels,
              range(part.epochs // 2, part.epochs), part.epochs, seed, folder)


def train_parts(parts: list[Part], photos: list[Photo], labels: list[Label],
                embeddings: np.ndarray) -> None:
    """Two processes of one thread each: on two cores more than twice the pictures of two threads."""
    spawn = multiprocessing.get_context('spawn')
    with spawn.Pool(2, maxtasksperchild=1) as pool:
        pool.starmap(train_trunk, [(part, photos, labels, embeddings) for part in parts], 1)
        pool.starmap(train_branch, [(part, branch, photos, labels)
                                    for part in parts[::-1] for branch in BRANCHES], 1)


def trained(part: Part, classes: int, branches: tuple[str, ...] = BRANCHES) -> Classifier:
    """The mean of the averaged weights of the branches, from their checkpoints."""
    states = [torch.load(part.work / branch / CHECKPOINT)['average'] for branch in branches]
    mean = {key: (sum(state[key] for state in states) / len(states)).to(value.dtype)
            for key, value in states[0].items()}
    model = Classifier(classes)
    model.load_state_dict(mean)
    return model.eval()
