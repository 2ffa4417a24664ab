"""Makes a model directory from the Grocery Store photographs: the one command of grocery81."""

import argparse
import json
from pathlib import Path

import numpy as np

from backbone import Classifier, embed
from calibrate import calibrate
from data import Photo, fine_of, read_split, tensors
from export import write_weights
from figures import confusions, measure
from folds import FOLDS, visual_folds
from labels import Label, read_classes, write_labels
from manifest import classifier, write_manifest
from out_of_fold import write_out_of_fold
from parts import Part, train_parts, trained
from replay import write_replay
from runtimes import onnx_runtime, openvino_f32

SOURCE = 'models/training/train_classifier.py on train and val of the Grocery Store Dataset'


# Of the pictures that folds are cut and the first head is fitted by.
LOOK_SIZE = 256


def frozen_embeddings(photos: list[Photo], labels: list[Label], work: Path) -> np.ndarray:
    """Those of the ImageNet backbone, kept in WORK because a resumed run wants them again."""
    kept = work / 'embeddings.npy'
    if not kept.exists():
        work.mkdir(parents=True, exist_ok=True)
        np.save(kept, embed(Classifier(len(labels)), tensors(photos, LOOK_SIZE)))
    return np.load(kept)


def held_out_logits(parts: list[Part], folds: np.ndarray, inputs: np.ndarray, photos: list[Photo],
                    classes: int) -> dict[str, np.ndarray]:
    """Logits of every photograph by the model that was trained without its fold: of the INT8 IR,
    since thresholds are those of the file that ships, and of the ONNX file."""
    logits = {key: np.zeros((len(folds), classes), np.float32) for key in ('openvinoInt8', 'onnx')}
    for fold, part in enumerate(parts):
        out, folder, name = folds == fold, part.work / 'model', part.work.name
        if not (folder / f'{name}.onnx').exists():
            write_weights(trained(part, classes), [photos[row] for row in part.kept], folder, name)
        logits['openvinoInt8'][out] = openvino_f32(folder / f'{name}.int8.xml')(
            inputs[out])['logits']
        logits['onnx'][out] = onnx_runtime(folder / f'{name}.onnx')(inputs[out])['logits']
    return logits


def write_held_out_model(part: Part, labels: list[Label], photos: list[Photo],
                         calibration: dict) -> None:
    """WORK/fold-N/model becomes a model directory, with held-out.csv, the photographs that it has
    not seen: what `grocerd evaluate --robustness` is measured with."""
    folder, seen = part.work / 'model', set(part.kept)
    write_labels(labels, folder / 'labels.csv')
    write_manifest(folder, part.work.name, 1, classifier(SOURCE), calibration, {})
    (folder / 'held-out.csv').write_text(''.join(
        f'{photo.path.resolve()},{photo.fine}\n' for row, photo in enumerate(photos)
        if row not in seen))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--data', type=Path, required=True, help='the data set: classes.csv, ...')
    parser.add_argument('--out', type=Path, required=True, help='the model directory to write')
    parser.add_argument('--work', type=Path, required=True, help='checkpoints, to resume from')
    parser.add_argument('--epochs', type=int, default=20, help='of the model that ships')
    parser.add_argument('--fold-epochs', type=int, default=14, help='of each held-out model')
    parser.add_argument('--version', type=int, default=2)
    options = parser.parse_args()

    labels = read_classes(options.data)
    photos = read_split(options.data, 'train') + read_split(options.data, 'val')
    inputs, fine = tensors(photos), fine_of(photos)
    embeddings = frozen_embeddings(photos, labels, options.work)
    folds = visual_folds(embeddings, fine)
    whole = Part(np.arange(len(photos)), options.epochs, options.work / 'all', ('a', 'b'))
    without = [Part(np.flatnonzero(folds != fold), options.fold_epochs,
                    options.work / f'fold-{fold}', ('a',)) for fold in range(FOLDS)]
    train_parts([whole, *without], photos, labels, embeddings)

    name = options.out.resolve().name
    write_weights(trained(whole, len(labels)), photos, options.out, name)
    write_labels(labels, options.out / 'labels.csv')
    run = openvino_f32(options.out / f'{name}.int8.xml')
    write_replay(options.out, run(inputs)['embedding'], fine)

    logits = held_out_logits(without, folds, inputs, photos, len(labels))
    calibration = calibrate(logits['openvinoInt8'], fine, (
        f'{len(fine)} photographs of train and val, each by a model trained without its fold '
        f'({FOLDS} folds by look)'))
    for part in without:
        write_held_out_model(part, labels, photos, calibration)
    write_out_of_fold(options.out / 'out-of-fold.csv',
                      [str(photo.path.relative_to(options.data)) for photo in photos], fine,
                      logits['openvinoInt8'], calibration)
    publish(options.out, name, options.version, labels, fine, logits, calibration)


def publish(folder: Path, name: str, version: int, labels: list[Label], fine: np.ndarray,
            logits: dict[str, np.ndarray], calibration: dict) -> None:
    """Measures the held-out predictions, prints all, writes model.json."""
    coarse_of = np.array([label.coarse_index for label in labels])
    loose = np.array([label.loose for label in labels])
    metrics = {}
    for key, rows in logits.items():
        metrics[key] = measure(rows, fine, coarse_of, loose, calibration)
        print(key, json.dumps(metrics[key]))
        print('\n'.join(confusions(fine, rows.argmax(1), [label.name for label in labels])))
    print(json.dumps(calibration))
    write_manifest(folder, name, version, classifier(SOURCE), calibration,
                   {'split': f'cross-validation, {FOLDS} folds of train and val by look', **metrics})


if __name__ == '__main__':
    main()
