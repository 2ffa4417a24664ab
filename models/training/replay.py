"""Keeps a few embeddings a class, so that `grocerd train --add` can join classes to the model."""

import json
from pathlib import Path

import numpy as np

PER_CLASS = 10


def spread(rows: np.ndarray, most: int) -> list[int]:
    """Farthest-point choice: first the row nearest the mean, then what is farthest from all."""
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    centre = rows.mean(0)
    chosen = [int(np.argmin(np.linalg.norm(rows - centre, axis=1)))]
    near = unit @ unit[chosen[0]]
    while len(chosen) < min(most, len(rows)):
        chosen.append(int(np.argmin(near)))
        near = np.maximum(near, unit @ unit[chosen[-1]])
    return chosen


def write_replay(folder: Path, embeddings: np.ndarray, fine: np.ndarray) -> None:
    """FOLDER/replay.bin (int8 rows) and replay.json {dims, count, classes, scale}; a value is
    its byte times the scale of its row."""
    rows = np.concatenate([
        np.flatnonzero(fine == label)[spread(embeddings[fine == label], PER_CLASS)]
        for label in np.unique(fine)])
    scale = np.abs(embeddings[rows]).max(1) / 127
    (folder / 'replay.bin').write_bytes(
        np.round(embeddings[rows] / scale[:, None]).astype(np.int8).tobytes())
    (folder / 'replay.json').write_text(json.dumps({
        'dims': embeddings.shape[1], 'count': len(rows), 'classes': fine[rows].tolist(),
        'scale': [float(f'{value:.6g}') for value in scale]}) + '\n')
