"""Figures of a classifier from its scores: rates with their intervals; no inference."""

import numpy as np
from scipy.special import softmax

from calibrate import calibrated, lower_bound


def wilson(right: int, of: int, z: float = 1.96) -> tuple[float, float]:
    """Two-sided 95 % interval of a rate."""
    rate, spread = right / of, z * z / of
    centre = (rate + spread / 2) / (1 + spread)
    half = z * np.sqrt(rate * (1 - rate) / of + spread / (4 * of)) / (1 + spread)
    return centre - half, centre + half


def macro_f1(fine: np.ndarray, told: np.ndarray) -> float:
    """Mean F1 over the classes that the pictures hold."""
    scores = []
    for label in np.unique(fine):
        hit = np.sum((fine == label) & (told == label))
        scores.append(2 * hit / (np.sum(fine == label) + np.sum(told == label)))
    return float(np.mean(scores))


def measure(logits: np.ndarray, fine: np.ndarray, coarse_of: np.ndarray, loose: np.ndarray,
            calibration: dict) -> dict:
    """The keys of `grocerd evaluate --json`, as far as a card needs them; rates 0 to 1."""
    scores = softmax(calibrated(logits, calibration), axis=1)
    ranked = np.argsort(-scores, axis=1)
    told, right = ranked[:, 0], ranked[:, 0] == fine
    low, high = wilson(int(right.sum()), len(fine))
    top = np.sort(scores, axis=1)[:, ::-1]
    sure = np.zeros(len(fine), bool)
    if calibration['sure'] is not None:
        sure = (top[:, 0] >= calibration['sure']) & (
            top[:, 0] - top[:, 1] >= calibration['margin'])
    taken, hits = int(sure.sum()), int(right[sure].sum())
    figures = {
        'images': len(fine), 'top1': right.mean(), 'top1Interval': [low, high],
        'top4': (ranked[:, :4] == fine[:, None]).any(1).mean(),
        'macroF1': macro_f1(fine, told),
        'coarseTop1': (coarse_of[told] == coarse_of[fine]).mean(),
        'loss': -np.log(scores[np.arange(len(fine)), fine] + 1e-12).mean(),
        'loose': right[loose[fine]].mean(), 'packed': right[~loose[fine]].mean(),
        'sure': {'coverage': taken / len(fine), 'precision': hits / taken if taken else 0.0,
                 'lowerBound': lower_bound(hits, taken) if taken else 0.0},
    }
    return rounded(figures)


def rounded(value):
    if isinstance(value, dict):
        return {key: rounded(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [rounded(entry) for entry in value]
    return round(float(value), 4) if isinstance(value, (float, np.floating)) else value


def confusions(fine: np.ndarray, told: np.ndarray, names: list[str], most: int = 12) -> list[str]:
    """`true -> told: n`, the most frequent first."""
    pairs, counts = np.unique(np.stack([fine, told])[:, fine != told], axis=1, return_counts=True)
    order = np.argsort(-counts, kind='stable')[:most]
    return [f'{names[pairs[0, at]]} -> {names[pairs[1, at]]}: {counts[at]}' for at in order]
