"""What Python says of the same pictures: the judge of the addon, not a part of it."""

import argparse
import csv
import json
from pathlib import Path

import numpy as np
from scipy.special import softmax

from calibrate import calibrated
from data import MEAN, SCALE, SIZE, decode, fit_crop, to_tensor
from runtimes import onnx_runtime, openvino_f32

RUNNERS = {'openvino-ir': ('openvino', openvino_f32), 'onnx': ('onnxruntime', onnx_runtime)}
PREPROCESSING = {'width': SIZE, 'height': SIZE, 'channels': 'rgb', 'layout': 'nchw',
                 'mean': MEAN, 'scale': SCALE, 'fit': 'crop', 'filter': 'area'}


def read_list(file: Path) -> list[tuple[str, Path, str]]:
    """Rows `path[,label]` without a header: the path as given, resolved, and the label."""
    with open(file, newline='') as rows:
        return [(row[0], file.parent / row[0].strip(), (row[1:] or [''])[0].strip())
                for row in csv.reader(rows) if row]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--model', type=Path, required=True)
    parser.add_argument('--images', type=Path, required=True, help='CSV of path[,label]')
    parser.add_argument('--out', type=Path, required=True)
    options = parser.parse_args()
    manifest = json.loads((options.model / 'model.json').read_text())
    if manifest['input'] != PREPROCESSING:
        raise ValueError(f'Expected {PREPROCESSING} but the manifest says {manifest["input"]}')
    with open(options.model / manifest['labels'], newline='') as file:
        skus = [row['sku'] for row in csv.DictReader(file)]

    listed = read_list(options.images)
    inputs = np.stack([to_tensor(fit_crop(decode(path))) for _, path, _ in listed])
    images = [{'file': given, 'label': label} for given, _, label in listed]
    for weights in manifest['weights']:
        key, runner = RUNNERS[weights['format']]
        logits = runner(options.model / weights['file'])(inputs)[manifest['output']['logits']]
        scores = softmax(calibrated(logits, manifest['calibration']), axis=1)
        for image, row in zip(images, scores, strict=True):
            top = int(row.argmax())
            image[key] = {'index': top, 'sku': skus[top], 'score': round(float(row[top]), 6),
                          'scores': [round(float(score), 6) for score in row]}
    options.out.write_text(json.dumps({'model': manifest['name'], 'version': manifest['version'],
                                       'images': images}) + '\n')
    print(f'{len(images)} pictures written to {options.out}')


if __name__ == '__main__':
    main()
