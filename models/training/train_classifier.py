"""Makes a model directory from the Grocery Store photographs: the one command of grocery81."""

import argparse
import json
from pathlib import Path

import numpy as np
import torch

from backbone import Classifier, embed
from calibrate import calibrate
from data import Photo, read_split, tensors
from export import write_weights
from figures import confusions, measure
from fine_tune import fine_tune
from folds import FOLDS, visual_folds
from labels import Label, read_classes, write_labels
from linear_head import fit_head, out_of_fold, set_head
from manifest import write_manifest
from runtimes import onnx_runtime, openvino_f32

QUANTISE_WITH = 300
SOURCE = 'models/training/train_classifier.py on the train split of the Grocery Store Dataset'


def frozen_embeddings(inputs: np.ndarray, labels: list[Label], work: Path) -> np.ndarray:
    """Those of the ImageNet backbone, kept in WORK because a resumed run wants them again."""
    kept = work / 'embeddings.npy'
    if not kept.exists():
        work.mkdir(parents=True, exist_ok=True)
        np.save(kept, embed(Classifier(len(labels)), inputs))
    return np.load(kept)


def fine_of(photos: list[Photo]) -> np.ndarray:
    return np.array([photo.fine for photo in photos])


def train(photos: list[Photo], labels: list[Label], embeddings: np.ndarray, epochs: int,
          work: Path) -> Classifier:
    """Linear head first, then everything end to end; `work` holds the checkpoint."""
    model = Classifier(len(labels))
    set_head(model.head, *fit_head(embeddings, fine_of(photos)))
    return fine_tune(model, photos, labels, epochs, work) if epochs else model


def held_out_logits(photos: list[Photo], labels: list[Label], embeddings: np.ndarray,
                    inputs: np.ndarray, options: argparse.Namespace
                    ) -> tuple[np.ndarray, np.ndarray]:
    """Logits of training photographs from models trained without their fold, and the classes.

    Fine-tuned: one more training of the same recipe for each of the first `options.folds` folds,
    through the same INT8 export, because the thresholds are those of the file that ships.
    """
    fine = fine_of(photos)
    folds = visual_folds(embeddings, fine)
    if not options.epochs:
        return out_of_fold(embeddings, fine, folds), fine
    logits = np.zeros((len(photos), len(labels)), np.float32)
    for fold in range(options.folds):
        out, place = folds == fold, options.work / f'fold-{fold}'
        kept = [photo for photo, is_out in zip(photos, out, strict=True) if not is_out]
        model = train(kept, labels, embeddings[~out], options.epochs, place)
        write_weights(model, quantise_with(inputs[~out]), place, 'fold')
        logits[out] = openvino_f32(place / 'fold.int8.xml')(inputs[out])['logits']
    measured = folds < options.folds
    return logits[measured], fine[measured]


def quantise_with(inputs: np.ndarray) -> np.ndarray:
    """Evenly spread over the list, hence over the classes."""
    return inputs[np.linspace(0, len(inputs) - 1, QUANTISE_WITH).astype(int)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--data', type=Path, required=True, help='the data set: classes.csv, ...')
    parser.add_argument('--out', type=Path, required=True, help='the model directory to write')
    parser.add_argument('--work', type=Path, required=True, help='checkpoints, to resume from')
    parser.add_argument('--epochs', type=int, default=10, help='0: linear head on frozen features')
    parser.add_argument('--folds', type=int, default=FOLDS, choices=range(1, FOLDS + 1),
                        help='held-out trainings to calibrate with')
    parser.add_argument('--version', type=int, default=1)
    options = parser.parse_args()
    torch.manual_seed(81)

    labels = read_classes(options.data)
    photos, checks = read_split(options.data, 'train'), read_split(options.data, 'val')
    inputs = tensors(photos)
    embeddings = frozen_embeddings(inputs, labels, options.work)

    model = train(photos, labels, embeddings, options.epochs, options.work / 'all')
    name = options.out.resolve().name
    write_weights(model, quantise_with(inputs), options.out, name)
    write_labels(labels, options.out / 'labels.csv')

    logits, fine = held_out_logits(photos, labels, embeddings, inputs, options)
    calibration = calibrate(logits, fine, (
        f'{len(fine)} of the {len(photos)} train photographs, each by a model trained without its '
        f'fold ({FOLDS} folds by look)'))
    publish(options.out, name, options.version, labels, checks, calibration)


def publish(folder: Path, name: str, version: int, labels: list[Label], checks: list[Photo],
            calibration: dict) -> None:
    """Measures the written files on `checks` in both runtimes, prints all, writes model.json."""
    inputs, fine = tensors(checks), fine_of(checks)
    coarse_of = np.array([label.coarse_index for label in labels])
    loose = np.array([label.loose for label in labels])
    metrics = {}
    for key, run in (('openvinoInt8', openvino_f32(folder / f'{name}.int8.xml')),
                     ('onnx', onnx_runtime(folder / f'{name}.onnx'))):
        logits = run(inputs)['logits']
        metrics[key] = measure(logits, fine, coarse_of, loose, calibration)
        print(key, json.dumps(metrics[key]))
        print('\n'.join(confusions(fine, logits.argmax(1), [label.name for label in labels])))
    print(json.dumps(calibration))
    write_manifest(folder, name, version, calibration,
                   {'split': 'val of the Grocery Store Dataset', **metrics}, SOURCE)


if __name__ == '__main__':
    main()
