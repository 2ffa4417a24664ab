"""Writes model.json: what the daemon must know to load and trust the files beside it."""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

from data import MEAN, SCALE, SIZE


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


@dataclass(frozen=True)
class Kind:
    """What the manifest says of a model apart from its files and figures; `extra` are further keys."""
    kind: str
    size: int
    fit: str
    output: dict
    licence: str
    source: str
    extra: dict = field(default_factory=dict)


def classifier(source: str) -> Kind:
    return Kind('classifier', SIZE, 'crop',
                {'activation': 'softmax', 'logits': 'logits', 'embedding': 'embedding'},
                'MIT (training data) and Apache-2.0 (origin of the backbone): see CARD.md', source,
                {'labels': 'labels.csv'})


def write_manifest(folder: Path, name: str, version: int, kind: Kind, calibration: dict,
                   metrics: dict) -> None:
    xml, binary, graph = (folder / f'{name}{end}' for end in ('.int8.xml', '.int8.bin', '.onnx'))
    manifest = {
        'schema': 1, 'name': name, 'version': version, 'kind': kind.kind,
        'weights': [
            {'format': 'openvino-ir', 'file': xml.name, 'precision': 'int8',
             'sha256': sha256(xml), 'bin': {'file': binary.name, 'sha256': sha256(binary)}},
            {'format': 'onnx', 'file': graph.name, 'precision': 'fp16', 'sha256': sha256(graph)},
        ],
        'input': {'width': kind.size, 'height': kind.size, 'channels': 'rgb', 'layout': 'nchw',
                  'mean': MEAN, 'scale': SCALE, 'fit': kind.fit, 'filter': 'area'},
        'output': kind.output,
        **kind.extra,
        'calibration': calibration,
        'metrics': metrics,
        'licence': kind.licence,
        'source': kind.source,
    }
    (folder / 'model.json').write_text(json.dumps(manifest, indent=2) + '\n')
