"""A linear head on frozen embeddings: the quick classifier, and the start of the fine-tuning."""

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from folds import FOLDS


def fit_head(embeddings: np.ndarray, fine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights (classes x 1280) and bias of a regularised logistic regression."""
    fitted = LogisticRegression(C=0.1, max_iter=300).fit(embeddings, fine)
    return fitted.coef_, fitted.intercept_


def out_of_fold(embeddings: np.ndarray, fine: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Logits of every photograph from the head that was fitted without its fold."""
    logits = np.zeros((len(fine), fine.max() + 1))
    for fold in range(FOLDS):
        out = folds == fold
        weights, bias = fit_head(embeddings[~out], fine[~out])
        logits[out] = embeddings[out] @ weights.T + bias
    return logits


@torch.no_grad()
def set_head(head: nn.Linear, weights: np.ndarray, bias: np.ndarray) -> None:
    head.weight.copy_(torch.from_numpy(weights))
    head.bias.copy_(torch.from_numpy(bias))
