"""The last layer of the embedder, fitted and not trained: it makes small what varies within a class.

Pooled features are square-rooted, so that few large ones do not decide alone, and divided by the spread that
photographs of one class have (within-class covariance, Hatch et al. 2006). A direction in which one class
differs from itself tells classes apart badly, those that were never seen, too. On classes that training
never saw this is worth eight points from one photograph, against the layer that was trained with the loss.
"""

import numpy as np
import torch
from sklearn.decomposition import PCA
from torch import nn
from torch.nn import functional

from backbone import EMBEDDING, OnBackbone

DIMENSION = 256
# How much of the within-class covariance is replaced by one that is equal in every direction.
SHRINK = 0.5


def rooted(pooled: np.ndarray) -> np.ndarray:
    return np.sqrt(np.maximum(pooled, 0))


def fit_whitening(pooled: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights (256 x 1280) and bias, from pooled features and their classes: whitened, then the principal
    components."""
    rows = rooted(pooled)
    mean = rows.mean(0)
    within = rows.astype(np.float64)
    for label in np.unique(classes):
        within[classes == label] -= within[classes == label].mean(0)
    spread = within.T @ within / len(within)
    even = np.trace(spread) / len(spread) * np.eye(len(spread))
    values, vectors = np.linalg.eigh((1 - SHRINK) * spread + SHRINK * even)
    whiten = vectors / np.sqrt(values) @ vectors.T
    weights = PCA(DIMENSION, svd_solver='full').fit((rows - mean) @ whiten).components_ @ whiten
    weights /= np.abs(weights @ (rows - mean).T).mean()  # of any size: the output has length one
    return weights, -weights @ mean


class Finished(nn.Module):
    """What ships: N x 3 x 288 x 288 in, `embedding` N x 256 of length one out."""

    def __init__(self, trained: OnBackbone, weights: np.ndarray, bias: np.ndarray):
        super().__init__()
        self.net = trained.net
        self.last = nn.Linear(EMBEDDING, DIMENSION)
        with torch.no_grad():
            self.last.weight.copy_(torch.from_numpy(weights))
            self.last.bias.copy_(torch.from_numpy(bias))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        pooled = self.net.extract_features(image).mean((2, 3))
        return functional.normalize(self.last(pooled.clamp_min(0).sqrt()))


class Pooled(nn.Module):
    """`pooled` N x 1280 out: what the whitening is fitted to."""

    def __init__(self, trained: OnBackbone):
        super().__init__()
        self.net = trained.net

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.net.extract_features(image).mean((2, 3))
