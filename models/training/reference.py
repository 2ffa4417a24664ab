"""What Python says of the same pictures: the judge of the addon, not a part of it."""

import argparse
import csv
import json
from pathlib import Path

import numpy as np
from scipy.special import softmax

from boxes import nms
from calibrate import calibrated
from data import MEAN, SCALE, decode, fit_crop, fit_fill, to_tensor
from runtimes import onnx_runtime, openvino_f32

RUNNERS = {'openvino-ir': ('openvino', openvino_f32), 'onnx': ('onnxruntime', onnx_runtime)}
PREPROCESSING = {'channels': 'rgb', 'layout': 'nchw', 'mean': MEAN, 'scale': SCALE, 'filter': 'area'}
FITS = {'crop': fit_crop, 'fill': fit_fill}


def read_list(file: Path) -> list[tuple[str, Path, str]]:
    """Rows `path[,label]` without a header: the path as given, resolved, and the label."""
    with open(file, newline='') as rows:
        return [(row[0], file.parent / row[0].strip(), (row[1:] or [''])[0].strip())
                for row in csv.reader(rows) if row]


def read_input(entry: dict, path: Path) -> np.ndarray:
    """The tensor of a picture as the manifest's `input` says."""
    other = {key: entry[key] for key in PREPROCESSING}
    if other != PREPROCESSING or entry['width'] != entry['height']:
        raise ValueError(f'Expected a square input with {PREPROCESSING} but the manifest says {entry}')
    return to_tensor(FITS[entry['fit']](decode(path), entry['width']))


def rounded(rows: np.ndarray) -> list:
    return np.round(rows.astype(float), 6).tolist()


def named(rows: np.ndarray, manifest: dict, skus: list[str]) -> dict:
    scores = softmax(calibrated(rows[None], manifest['calibration']), axis=1)[0]
    top = int(scores.argmax())
    return {'index': top, 'sku': skus[top], 'score': round(float(scores[top]), 6), 'scores': rounded(scores)}


def told(outputs: dict[str, np.ndarray], row: int, manifest: dict, skus: list[str]) -> dict:
    """What a model says of one picture, as its kind has it."""
    if manifest['kind'] == 'classifier':
        return named(outputs[manifest['output']['logits']][row], manifest, skus)
    if manifest['kind'] == 'embedder':
        return {'embedding': rounded(outputs['embedding'][row])}
    boxes, scores = outputs['boxes'][row], outputs['scores'][row]
    kept = nms(boxes, scores, least=manifest['calibration']['unknown'])
    return {'boxes': rounded(boxes[kept]), 'scores': rounded(scores[kept])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--model', type=Path, required=True)
    parser.add_argument('--images', type=Path, required=True, help='CSV of path[,label]')
    parser.add_argument('--out', type=Path, required=True)
    options = parser.parse_args()
    manifest = json.loads((options.model / 'model.json').read_text())
    skus = []
    if 'labels' in manifest:
        with open(options.model / manifest['labels'], newline='') as file:
            skus = [row['sku'] for row in csv.DictReader(file)]

    listed = read_list(options.images)
    inputs = np.stack([read_input(manifest['input'], path) for _, path, _ in listed])
    images = [{'file': given, 'label': label} for given, _, label in listed]
    for weights in manifest['weights']:
        key, runner = RUNNERS[weights['format']]
        outputs = runner(options.model / weights['file'])(inputs)
        for row, image in enumerate(images):
            image[key] = told(outputs, row, manifest, skus)
    options.out.write_text(json.dumps({'model': manifest['name'], 'version': manifest['version'],
                                       'images': images}) + '\n')
    print(f'{len(images)} pictures written to {options.out}')


if __name__ == '__main__':
    main()
