"""Makes the embedder's model directory, and the trainings on half of the classes that measure it."""

import argparse
import multiprocessing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from course import run_course
from data import Photo, fine_of, read_split, read_studio
from labels import Label, read_classes
from metric import Embedder, Metric, start_from
from train_classifier import frozen_embeddings

# How often the studio picture of a class stands among its photographs: a twelfth of what is drawn.
STUDIO_COPIES = 3


@dataclass(frozen=True)
class Run:
    """A training: the classes that it sees, its loss, where its checkpoint is."""
    seen: np.ndarray
    loss: str
    epochs: int
    work: Path


def train_run(run: Run, photos: list[Photo], studio: list[Photo], labels: list[Label],
              embeddings: np.ndarray) -> Embedder:
    """On one core; `embeddings` are those of the frozen backbone, of `photos`."""
    torch.set_num_threads(1)
    torch.manual_seed(81)
    fine = fine_of(photos)
    number = {int(label): index for index, label in enumerate(run.seen)}
    known = np.isin(fine, run.seen)
    model = Embedder(len(run.seen))
    start_from(model, embeddings[known], np.array([number[label] for label in fine[known]]))
    kept = [photos[row] for row in np.flatnonzero(known)]
    kept += [photo for photo in studio if photo.fine in number] * STUDIO_COPIES
    classes = np.array([number[photo.fine] for photo in kept])
    task = Metric(kept, classes, labels, run.loss)
    return run_course(model, task, range(run.epochs), run.epochs, 0, run.work)


def train_runs(runs: list[Run], *given) -> None:
    """Two at a time, one thread each, as in parts.py."""
    with multiprocessing.get_context('spawn').Pool(2, maxtasksperchild=1) as pool:
        pool.starmap(train_run_alone, [(run, *given) for run in runs], 1)


def train_run_alone(*given) -> None:
    """The result is in the checkpoint: a network sent between processes costs more than it is worth."""
    train_run(*given)


def trained(run: Run) -> Embedder:
    model = Embedder(len(run.seen))
    model.load_state_dict(torch.load(run.work / 'checkpoint.pt')['average'])
    return model.eval()


def halves(labels: list[Label]) -> list[np.ndarray]:
    """The classes of even and of odd index."""
    index = np.arange(len(labels))
    return [index[index % 2 == half] for half in (0, 1)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--data', type=Path, required=True, help='the data set: classes.csv, ...')
    parser.add_argument('--work', type=Path, required=True, help='checkpoints, to resume from')
    parser.add_argument('--epochs', type=int, default=12)
    parser.add_argument('--loss', choices=['margin', 'triplet'], default='margin')
    options = parser.parse_args()

    labels = read_classes(options.data)
    photos = read_split(options.data, 'train') + read_split(options.data, 'val')
    studio = read_studio(options.data)
    embeddings = frozen_embeddings(photos, labels, options.work)
    runs = [Run(seen, options.loss, options.epochs, options.work / f'{options.loss}-half-{half}')
            for half, seen in enumerate(halves(labels))]
    train_runs(runs, photos, studio, labels, embeddings)


if __name__ == '__main__':
    main()
