"""Temperature and thresholds from logits that the model had no part in fitting; pure numbers.

Label smoothing, mixup and look-alikes leave the size of the logits saying little of how far an answer can
be trusted, and their proportions much. So they are centred and divided by their own 4-norm first (after
Cattelan & Silva, "How to fix a broken confidence estimator", 2024): among held-out photographs `sure`
then covers half of them instead of a twentieth at the same precision, and the loss is smaller, too.
"""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from scipy.stats import beta

SURE, AUTO = 0.98, 0.995
NORM = 4


def normalised(logits: np.ndarray, norm: float | None) -> np.ndarray:
    """Centred and divided by the power mean of their absolute values; as they are without a norm."""
    if norm is None:
        return logits
    centred = logits - logits.mean(1, keepdims=True)
    return centred / (np.abs(centred) ** norm).mean(1, keepdims=True) ** (1 / norm)


def calibrated(logits: np.ndarray, calibration: dict) -> np.ndarray:
    """The scores are the softmax of these."""
    return normalised(logits, calibration['norm']) / calibration['temperature']


def fit_temperature(logits: np.ndarray, fine: np.ndarray) -> float:
    """The T with the smallest loss of softmax(logits / T)."""
    def loss(log_t: float) -> float:
        return -log_softmax(logits / np.exp(log_t), axis=1)[np.arange(len(fine)), fine].mean()
    return float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method='bounded').x))


def lower_bound(right: int, of: int, confidence: float = 0.95) -> float:
    """One-sided Clopper-Pearson bound of a rate."""
    return float(beta.ppf(1 - confidence, right, of - right + 1)) if right else 0.0


def threshold(scores: np.ndarray, right: np.ndarray, precision: float) -> float | None:
    """Smallest score from which on PRECISION holds by its lower bound; None if none does."""
    order = np.argsort(-scores)
    hits = np.cumsum(right[order])
    best = None
    for at, row in enumerate(order):
        last_of_ties = at + 1 == len(order) or scores[order[at + 1]] < scores[row]
        if last_of_ties and lower_bound(int(hits[at]), at + 1) >= precision:
            best = float(scores[row])
    return best


def unknown_below(scores: np.ndarray, right: np.ndarray, window: int = 50) -> float:
    """The score under which the first candidate is wrong more often than right.

    Precision among the WINDOW next scores, smoothed, from the bottom up; 0 if it is never
    below a half.
    """
    order = np.argsort(scores)
    smooth = np.convolve(right[order], np.ones(window) / window, 'valid')
    below = np.flatnonzero(smooth < 0.5)
    return float(scores[order[below[-1] + window // 2]]) if len(below) else 0.0


def calibrate(logits: np.ndarray, fine: np.ndarray, measured_on: str) -> dict:
    """The manifest's `calibration`. Scores are softmax(normalised(logits, norm) / temperature)."""
    logits = normalised(logits, NORM)
    temperature = fit_temperature(logits, fine)
    scores = softmax(logits / temperature, axis=1)
    top = np.sort(scores, axis=1)[:, ::-1]
    right = scores.argmax(1) == fine
    sure, auto = (threshold(top[:, 0], right, wanted) for wanted in (SURE, AUTO))
    gap = top[:, 0] - top[:, 1]
    used = gap[top[:, 0] >= sure] if sure is not None else []
    rounded = {'norm': NORM, 'temperature': temperature, 'sure': sure, 'auto': auto,
               'unknown': unknown_below(top[:, 0], right),
               'margin': float(min(used)) if len(used) else 0.0}
    return {**{key: None if value is None else round(value, 4) for key, value in rounded.items()},
            'measuredOn': measured_on}
