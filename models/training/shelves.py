"""The shelf photographs with their boxes, split by look, and views of them. Never part of the project."""

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from sklearn.cluster import AgglomerativeClustering

from augment import DEGRADED, recolour
from data import decode

HELD_OUT = 0.15
# Cosine distance (of centred ImageNet features) under which two photographs count as the same shelf.
ALIKE = 0.5
LEAST_SEEN = 0.4
GREY = (128, 128, 128)


@dataclass(frozen=True)
class Shelf:
    """RGB picture and its boxes in pixels, N x 4 (left, top, right, bottom)."""
    rgb: np.ndarray
    boxes: np.ndarray


def read_shelves(data: Path) -> list[Shelf]:
    """DATA/coco.json, in the order of the pictures' ids."""
    listed = json.loads((data / 'coco.json').read_text())
    boxes = {image['id']: [] for image in listed['images']}
    for entry in listed['annotations']:
        left, top, width, height = entry['bbox']
        boxes[entry['image_id']].append([left, top, left + width, top + height])
    return [Shelf(decode(data / image['file_name']), np.array(boxes[image['id']], np.float32))
            for image in sorted(listed['images'], key=lambda image: image['id'])]


def shelf_names(data: Path) -> list[str]:
    """Of the pictures, in the order of read_shelves."""
    listed = json.loads((data / 'coco.json').read_text())
    return [image['file_name'] for image in sorted(listed['images'], key=lambda image: image['id'])]


def held_out(embeddings: np.ndarray, seed: int = 15) -> np.ndarray:
    """True for the HELD_OUT share that no training sees: whole groups of look-alikes, so that two
    photographs of one shelf are on one side."""
    centred = embeddings - embeddings.mean(0)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    groups = AgglomerativeClustering(None, distance_threshold=ALIKE, metric='cosine',
                                     linkage='average').fit(centred).labels_
    out, chosen = np.zeros(len(groups), bool), 0
    for group in np.random.default_rng(seed).permutation(groups.max() + 1):
        members = groups == group
        if chosen + members.sum() <= HELD_OUT * len(groups):
            out |= members
            chosen += members.sum()
    return out


def view(shelf: Shelf, size: int, random: np.random.Generator) -> Shelf:
    """Another scale, place and shape, perhaps mirrored; a box of which too little is left is dropped."""
    zoom = size / 224 * np.exp(random.uniform(np.log(0.6), np.log(1.5)))
    across, down = zoom * np.exp(random.uniform(-0.15, 0.15, 2))
    shift = [random.uniform(min(0, size - 224 * scale), max(0, size - 224 * scale))
             for scale in (across, down)]
    matrix = np.array([[across, 0, shift[0]], [0, down, shift[1]]])
    if random.random() < 0.5:
        matrix[0] = -matrix[0] + [0, 0, size]
    rgb = cv2.warpAffine(shelf.rgb, matrix, (size, size), flags=cv2.INTER_LINEAR, borderValue=GREY)
    ends = shelf.boxes.reshape(-1, 2, 2) * matrix[[0, 1], [0, 1]] + matrix[:, 2]
    whole = np.concatenate([ends.min(1), ends.max(1)], 1)
    cut = np.clip(whole, 0, size)
    area = [(boxes[:, 2:] - boxes[:, :2]).prod(1) for boxes in (cut, whole)]
    boxes = cut[area[0] > LEAST_SEEN * area[1]]
    if random.random() < 0.5:
        rgb = recolour(rgb, random)
    if random.random() < 0.2:
        rgb = DEGRADED[random.integers(len(DEGRADED))](rgb, random)
    return Shelf(rgb, boxes.astype(np.float32))


def mosaic(shelves: list[Shelf], size: int, random: np.random.Generator) -> Shelf:
    """Four views of half the size side by side."""
    rgb, boxes, half = np.empty((size, size, 3), np.uint8), [], size // 2
    for top in (0, half):
        for left in (0, half):
            part = view(shelves[random.integers(len(shelves))], half, random)
            rgb[top:top + half, left:left + half] = part.rgb
            boxes.append(part.boxes + np.float32([left, top, left, top]))
    return Shelf(rgb, np.concatenate(boxes))
