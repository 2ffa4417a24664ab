"""Writes model.json: what the daemon must know to load and trust the files beside it."""

import hashlib
import json
from pathlib import Path

from data import MEAN, SCALE, SIZE


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def write_manifest(folder: Path, name: str, version: int, calibration: dict, metrics: dict,
                   source: str) -> None:
    xml, binary, graph = (folder / f'{name}{end}' for end in ('.int8.xml', '.int8.bin', '.onnx'))
    manifest = {
        'schema': 1, 'name': name, 'version': version, 'kind': 'classifier',
        'weights': [
            {'format': 'openvino-ir', 'file': xml.name, 'precision': 'int8',
             'sha256': sha256(xml), 'bin': {'file': binary.name, 'sha256': sha256(binary)}},
            {'format': 'onnx', 'file': graph.name, 'precision': 'fp16', 'sha256': sha256(graph)},
        ],
        'input': {'width': SIZE, 'height': SIZE, 'channels': 'rgb', 'layout': 'nchw',
                  'mean': MEAN, 'scale': SCALE, 'fit': 'crop', 'filter': 'area'},
        'output': {'activation': 'softmax', 'logits': 'logits', 'embedding': 'embedding'},
        'labels': 'labels.csv',
        'calibration': calibration,
        'metrics': metrics,
        'licence': 'MIT (training data) and Apache-2.0 (origin of the backbone): see CARD.md',
        'source': source,
    }
    (folder / 'model.json').write_text(json.dumps(manifest, indent=2) + '\n')
