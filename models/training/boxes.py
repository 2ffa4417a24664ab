"""Boxes in numpy: overlap, NMS, and the figures of a detector; no network. The plain reference of both."""

import numpy as np

IOUS = np.arange(0.5, 1, 0.05)
NMS_IOU = 0.6
MOST = 100


def overlaps(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """IoU of every box of A x 4 with every one of B x 4 (left, top, right, bottom): A x B."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    common = np.clip(high - low, 0, None).prod(2)
    areas = [np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(1) for boxes in (a, b)]
    return common / np.maximum(areas[0][:, None] + areas[1][None] - common, 1e-9)


def nms(boxes: np.ndarray, scores: np.ndarray, iou: float = NMS_IOU, least: float = 0.01) -> np.ndarray:
    """Rows that stay, the highest score first: each drops the later ones that overlap it by over `iou`."""
    order = np.argsort(-scores, kind='stable')
    order = order[scores[order] >= least]
    kept = []
    while len(order) and len(kept) < MOST:
        kept.append(order[0])
        order = order[1:][overlaps(boxes[order[:1]], boxes[order[1:]])[0] <= iou]
    return np.array(kept, int)


def matched(found: np.ndarray, truth: np.ndarray, iou: float) -> np.ndarray:
    """Which of the found boxes (the highest score first) hit: each takes the free true box that it
    overlaps most, if by `iou`."""
    table = overlaps(found, truth)
    hits, free = np.zeros(len(found), bool), np.ones(len(truth), bool)
    for row in range(len(found)):
        best = np.where(free, table[row], -1)
        if len(truth) and best.max() >= iou:
            hits[row] = True
            free[best.argmax()] = False
    return hits


def average_precision(hits: np.ndarray, scores: np.ndarray, truths: int) -> float:
    """Mean of the best precision at 101 recalls, as COCO has it."""
    order = np.argsort(-scores, kind='stable')
    right = np.cumsum(hits[order])
    precision = right / np.arange(1, len(order) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    at = np.searchsorted(right / truths, np.linspace(0, 1, 101), side='left')
    return float(np.where(at < len(best), best[np.minimum(at, len(best) - 1)], 0).mean())


def measure_boxes(found: list[tuple[np.ndarray, np.ndarray]], truth: list[np.ndarray]) -> dict:
    """Of one (boxes, scores) a picture, after NMS: AP, AP50, AP75, the recall (IoU 0.5) that one false
    box a picture allows with its score, and the best F1."""
    scores = np.concatenate([row[1] for row in found])
    truths = sum(len(boxes) for boxes in truth)
    hits = [np.concatenate([matched(boxes, true, iou) for (boxes, _), true in zip(found, truth, strict=True)])
            for iou in IOUS]
    aps = [average_precision(row, scores, truths) for row in hits]
    order = np.argsort(-scores, kind='stable')
    right = np.cumsum(hits[0][order])
    wrong = np.arange(1, len(order) + 1) - right
    last = int(np.searchsorted(wrong, len(truth), side='right')) - 1
    f1 = 2 * right / (np.arange(1, len(order) + 1) + truths)
    best = int(f1.argmax())
    return {'images': len(truth), 'boxes': truths, 'ap': float(np.mean(aps)), 'ap50': aps[0], 'ap75': aps[5],
            'recallAtOneFalse': {'recall': float(right[last] / truths), 'score': float(scores[order[last]])},
            'bestF1': {'f1': float(f1[best]), 'precision': float(right[best] / (best + 1)),
                       'recall': float(right[best] / truths), 'score': float(scores[order[best]])}}
