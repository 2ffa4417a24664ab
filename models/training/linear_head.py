"""A linear head on frozen embeddings: the quick classifier, and the start of the fine-tuning."""

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn


def fit_head(embeddings: np.ndarray, fine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights (classes x 1280) and bias of a regularised logistic regression."""
    fitted = LogisticRegression(C=0.1, max_iter=60).fit(embeddings, fine)
    return fitted.coef_, fitted.intercept_


@torch.no_grad()
def set_head(head: nn.Linear, weights: np.ndarray, bias: np.ndarray) -> None:
    head.weight.copy_(torch.from_numpy(weights))
    head.bias.copy_(torch.from_numpy(bias))
