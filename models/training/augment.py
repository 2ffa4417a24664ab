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
    if random.random() < 0.3:
        erase(view, random)
    if random.random() < 0.3:
        view = DEGRADED[random.integers(len(DEGRADED))](view, random)
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
    """Hides a rectangle of 2 to 40 % behind noise, as a hand or a bag would."""
    size = len(rgb)
    area = random.uniform(0.02, 0.4) * size * size
    ratio = np.exp(random.uniform(-1, 1))
    width, height = (min(size, int(np.sqrt(area * part))) for part in (ratio, 1 / ratio))
    left, top = random.integers(0, size - width + 1), random.integers(0, size - height + 1)
    rgb[top:top + height, left:left + width] = random.integers(0, 256, (height, width, 3))


def mix(images: np.ndarray, targets: np.ndarray, random: np.random.Generator):
    """Mixup: every picture blended with another of the batch, and so its label."""
    share, other = np.float32(random.beta(0.3, 0.3)), random.permutation(len(images))
    return tuple(share * rows + (1 - share) * rows[other] for rows in (images, targets))


def blurred(rgb: np.ndarray, random: np.random.Generator) -> np.ndarray:
    return cv2.GaussianBlur(rgb, (0, 0), random.uniform(0.5, 2.5))


def noisy(rgb: np.ndarray, random: np.random.Generator) -> np.ndarray:
    grains = random.standard_normal(rgb.shape, np.float32) * random.uniform(4, 25)
    return np.clip(rgb + grains, 0, 255).astype(np.uint8)


def dim(rgb: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Little light, and that coloured."""
    return cv2.transform(rgb, np.diag(random.uniform(0.3, 0.7) * random.uniform(0.75, 1.25, 3)))


def recoded(rgb: np.ndarray, random: np.random.Generator) -> np.ndarray:
    quality = int(random.uniform(20, 60))
    return cv2.imdecode(cv2.imencode('.jpg', rgb, [cv2.IMWRITE_JPEG_QUALITY, quality])[1],
                        cv2.IMREAD_COLOR)


def glaring(rgb: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Bright streaks and a veil, as light on a plastic bag makes them."""
    size = len(rgb)
    light = np.zeros((size, size), np.float32)
    for _ in range(random.integers(2, 7)):
        ends = random.integers(-size // 4, size + size // 4, (2, 2))
        cv2.line(light, ends[0].tolist(), ends[1].tolist(), float(random.uniform(0.4, 1)),
                 int(random.integers(2, 12)))
    light = cv2.GaussianBlur(light, (0, 0), random.uniform(1, 5)) + random.uniform(0, 0.2)
    return np.clip(rgb + (255 - rgb) * np.clip(light, 0, 1)[..., None], 0, 255).astype(np.uint8)


DEGRADED = (blurred, noisy, dim, recoded, glaring)
