"""Things to lay on a counter: pictures with transparency, cut from others; composes nothing.

Two kinds, and they are all there is:
- a studio picture, whose white ground is flooded away from its edges;
- a piece of a photograph: a box with round corners of a packed product, an ellipse or a lumpy blob of loose
  ones (a heap, a bag), with soft edges.
"""

import cv2
import numpy as np

MOST = 200  # pixels of the longer side that a cut-out keeps; a scene is 320
NEAR_WHITE = 12


def studio_cutout(rgb: np.ndarray) -> np.ndarray:
    """RGBA, trimmed. What differs from the white of the corner by little, and touches the edge, is ground."""
    scale = MOST * 2 / max(rgb.shape[:2])
    small = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    framed = cv2.copyMakeBorder(small, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=(255, 255, 255))
    flood = np.zeros((framed.shape[0] + 2, framed.shape[1] + 2), np.uint8)
    cv2.floodFill(framed, flood, (0, 0), 0, (NEAR_WHITE,) * 3, (NEAR_WHITE,) * 3,
                  cv2.FLOODFILL_MASK_ONLY | cv2.FLOODFILL_FIXED_RANGE | 255 << 8)
    alpha = cv2.morphologyEx(255 - flood[2:-2, 2:-2], cv2.MORPH_OPEN, np.ones((3, 3)))
    alpha = cv2.GaussianBlur(cv2.erode(alpha, np.ones((3, 3))), (0, 0), 0.8)
    return shrink(trim(np.dstack([small, alpha])))


def trim(rgba: np.ndarray) -> np.ndarray:
    left, top, width, height = cv2.boundingRect((rgba[..., 3] > 127).astype(np.uint8))
    return rgba[top:top + height, left:left + width]


def shrink(rgba: np.ndarray) -> np.ndarray:
    scale = min(1, MOST / max(rgba.shape[:2]))
    return cv2.resize(rgba, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def piece(rgb: np.ndarray, loose: bool, random: np.random.Generator) -> np.ndarray:
    """RGBA of a random part about the middle of a photograph."""
    height, width = rgb.shape[:2]
    if loose:
        side = np.array(random.uniform(0.35, 0.9, 2)) * min(height, width)
    else:
        side = np.array([random.uniform(0.3, 0.55), random.uniform(0.5, 0.9)]) * min(height, width)
    across, down = side.astype(int)
    left = int((width - across) * random.uniform(0.3, 0.7))
    top = int((height - down) * random.uniform(0.3, 0.7))
    part = rgb[top:top + down, left:left + across]
    shape = random.choice([ellipse, blob]) if loose else rounded_box
    alpha = cv2.GaussianBlur(shape(down, across, random), (0, 0), random.uniform(0.7, 2))
    return shrink(trim(np.dstack([part, alpha])))


def rounded_box(height: int, width: int, random: np.random.Generator) -> np.ndarray:
    alpha = np.zeros((height, width), np.uint8)
    radius = max(1, int(min(height, width) * random.uniform(0.02, 0.2)))
    cv2.rectangle(alpha, (radius, radius), (width - radius - 1, height - radius - 1), 255, -1)
    return cv2.dilate(alpha, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius - 1,) * 2))


def ellipse(height: int, width: int, random: np.random.Generator) -> np.ndarray:
    alpha = np.zeros((height, width), np.uint8)
    cv2.ellipse(alpha, (width // 2, height // 2), (width // 2 - 2, height // 2 - 2), 0, 0, 360, 255, -1)
    return alpha


def blob(height: int, width: int, random: np.random.Generator) -> np.ndarray:
    """An outline whose radius goes up and down three to six times."""
    angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    radius = 0.85 + 0.12 * np.sin(random.integers(3, 7) * angle + random.uniform(0, 6))
    points = np.stack([width / 2 * (1 + radius * np.cos(angle)),
                       height / 2 * (1 + radius * np.sin(angle))], 1)
    alpha = np.zeros((height, width), np.uint8)
    cv2.fillPoly(alpha, [points.astype(np.int32)], 255)
    return alpha
