"""Photographs and their lists: reading, and the preprocessing of the run time; no augmentation."""

import csv
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

SIZE = 288
MEAN, SCALE = 127.0, 128.0


@dataclass(frozen=True)
class Photo:
    path: Path
    fine: int
    coarse: int


def read_split(data: Path, name: str) -> list[Photo]:
    """Rows `path, fine, coarse` of DATA/NAME.txt, in the file's order."""
    photos = []
    for line in (data / f'{name}.txt').read_text().splitlines():
        if line.strip():
            path, fine, coarse = (field.strip() for field in line.split(','))
            photos.append(Photo(data / path, int(fine), int(coarse)))
    return photos


def read_studio(data: Path) -> list[Photo]:
    """The picture on white of every class, in the order of their index."""
    with open(data / 'classes.csv', newline='') as file:
        rows = [row for row in list(csv.reader(file))[1:] if row]
    photos = [Photo(data / row[4].lstrip('/'), int(row[1]), int(row[3])) for row in rows]
    return sorted(photos, key=lambda photo: photo.fine)


def decode(path: Path) -> np.ndarray:
    """RGB uint8 picture, turned as its EXIF orientation says (OpenCV does this while decoding)."""
    bgr = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
    if bgr is None:
        raise ValueError(f'Expected a picture that OpenCV can decode but received {path}')
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)


def fit_crop(rgb: np.ndarray, size: int = SIZE) -> np.ndarray:
    """The manifest's `fit: crop`, `filter: area`: short side to SIZE, centre square of it."""
    height, width = rgb.shape[:2]
    scale = size / min(height, width)
    new = max(size, round(width * scale)), max(size, round(height * scale))
    resized = cv2.resize(rgb, new, interpolation=cv2.INTER_AREA)
    left, top = (new[0] - size) // 2, (new[1] - size) // 2
    return resized[top:top + size, left:left + size]


def fit_fill(rgb: np.ndarray, size: int) -> np.ndarray:
    """The manifest's `fit: fill`, `filter: area`: the whole picture, stretched to a square. INTER_AREA
    means bilinear where it enlarges."""
    return cv2.resize(rgb, (size, size), interpolation=cv2.INTER_AREA)


def to_tensor(rgb: np.ndarray) -> np.ndarray:
    """HWC uint8 to CHW float32, (pixel - mean) / scale."""
    return np.ascontiguousarray(((rgb.astype(np.float32) - MEAN) / SCALE).transpose(2, 0, 1))


def tensors(photos: list[Photo], size: int = SIZE) -> np.ndarray:
    """Every photograph as the run time would feed it: N x 3 x size x size, float32."""
    return np.stack([to_tensor(fit_crop(decode(photo.path), size)) for photo in photos])


def fine_of(photos: list[Photo]) -> np.ndarray:
    return np.array([photo.fine for photo in photos])
