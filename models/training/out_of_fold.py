"""Keeps held-out predictions as the table that `grocerd evaluate --out-of-fold` reads."""

import csv
from pathlib import Path

import numpy as np
from scipy.special import logsumexp

from calibrate import calibrated

KEPT = 8


def write_out_of_fold(file: Path, names: list[str], fine: np.ndarray, logits: np.ndarray,
                      calibration: dict) -> None:
    """Rows `file,truth,scores`: the eight largest `index:logit` and `rest:` log-sum-exp of the
    others; logits are calibrated as shipped."""
    with open(file, 'w', newline='') as out:
        writer = csv.writer(out, lineterminator='\n')
        writer.writerow(['file', 'truth', 'scores'])
        for name, truth, row in zip(names, fine, calibrated(logits, calibration), strict=True):
            order = np.argsort(-row)
            pairs = [f'{index}:{row[index]:.5f}' for index in order[:KEPT]]
            rest = logsumexp(row[order[KEPT:]])
            writer.writerow([name, truth, ' '.join([*pairs, f'rest:{rest:.4f}'])])
