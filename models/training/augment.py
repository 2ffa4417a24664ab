"""Random views of a photograph for training, and soft labels; nothing that evaluation uses."""

import cv2
import numpy as np


def random_view(rgb: np.ndarray, size: int, loose: bool, random: np.random.Generator
                ) -> np.ndarray:
    """A square view of 40 to 100 % of the centre square's area, turned, recoloured, partly hidden.

    Packages are never mirrored (their print would read backwards) and turned less.
    """
    view = warp(rgb, size, 30 if loose else 15, random)
    if loose and random.random() < 0.5:
        view = view[:, ::-1]
    view = recolour(np.ascontiguousarray(view), random)
    if random.random() < 0.25:
        erase(view, random)
    return view


def warp(rgb: np.ndarray, size: int, most_degrees: float, random: np.random.Generator
         ) -> np.ndarray:
    """Crop, aspect, rotation and resize in one bilinear pass."""
    height, width = rgb.shape[:2]
    aspect = np.exp(random.uniform(np.log(3 / 4), np.log(4 / 3)))
    side = np.sqrt(random.uniform(0.4, 1)) * min(height, width)
    crop = np.minimum([side * np.sqrt(aspect), side / np.sqrt(aspect)], [width, height])
    centre = [random.uniform(crop[0] / 2, width - crop[0] / 2),
              random.uniform(crop[1] / 2, height - crop[1] / 2)]
    angle = np.radians(random.uniform(-most_degrees, most_degrees))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    to_source = turn * (crop / size)
    shift = np.array(centre) - to_source @ [size / 2, size / 2]
    return cv2.warpAffine(rgb, np.column_stack([to_source, shift]), (size, size),
                          flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                          borderMode=cv2.BORDER_REFLECT_101)


def recolour(rgb: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Brightness, contrast, saturation and white balance as one matrix; saturates."""
    grey = np.full((3, 3), 1 / 3)
    saturation = random.uniform(0.7, 1.3)
    gain = random.uniform(0.7, 1.3) * random.uniform(0.94, 1.06, 3)
    matrix = gain[:, None] * (saturation * np.eye(3) + (1 - saturation) * grey)
    contrast = random.uniform(0.75, 1.25)
    offset = (1 - contrast) * rgb.mean()
    return cv2.transform(rgb, np.column_stack([contrast * matrix, np.full(3, offset)]))


def erase(rgb: np.ndarray, random: np.random.Generator) -> None:
    """Hides a rectangle of 2 to 20 % behind noise, as a hand or a bag would."""
    size = len(rgb)
    area = random.uniform(0.02, 0.2) * size * size
    ratio = np.exp(random.uniform(-1, 1))
    width, height = (min(size, int(np.sqrt(area * part))) for part in (ratio, 1 / ratio))
    left, top = random.integers(0, size - width + 1), random.integers(0, size - height + 1)
    rgb[top:top + height, left:left + width] = random.integers(0, 256, (height, width, 3))


def mix(images: np.ndarray, targets: np.ndarray, random: np.random.Generator):
    """Mixup: every picture blended with another of the batch, and so its label."""
    share, other = np.float32(random.beta(0.3, 0.3)), random.permutation(len(images))
    return tuple(share * rows + (1 - share) * rows[other] for rows in (images, targets))
