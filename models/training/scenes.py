"""Composes counter and shelf scenes with boxes from cut-outs; knows no files and no network.

The rules of a scene, so that others can make the same:
1. The ground is a colour with a slope of light and one texture: grain, wood, brushed metal, a belt, or a
   blurred photograph. One scene in four has seams, lines, or a dark pane of glass. None of that has a box.
2. A counter has 1 to 8 things (one counter in twenty has none), each 12 to 60 % of the picture's side long, turned
   and recoloured at random; half of the scenes hold one thing several times. A thing lies where its middle covers others by
   half at most. A shelf has rows of upright things side by side, mostly the same one, each row cut from 1 to 3 things.
3. Every thing throws a soft shadow.
4. One counter in three has one or two hands: a forearm from the edge and five fingers, in a colour of skin or
   of a glove, over the things. Hands have no box.
5. A box is what can be seen of a thing, if that is 30 % of it or more; less has no box.
6. At last the whole picture gets another white balance, brightness, blur, noise or JPEG, one time in two.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from augment import DEGRADED, recolour
from cutouts import piece

SEEN = 0.3
Random = np.random.Generator


@dataclass(frozen=True)
class Stock:
    """What scenes are made of: studio cut-outs (RGBA) and photographs with `loose`; `packed` says it of
    the cut-outs."""
    studio: list[np.ndarray]
    packed: list[bool]
    photos: list[np.ndarray]
    loose: list[bool]

    def thing(self, random: Random, upright: bool = False) -> np.ndarray:
        """A cut-out: from the studio, or a piece of a photograph, one as often as the other."""
        if random.random() < 0.5:
            at = random.integers(len(self.studio))
            while upright and not self.packed[at]:
                at = random.integers(len(self.studio))
            return self.studio[at]
        at = random.integers(len(self.photos))
        while upright and self.loose[at]:
            at = random.integers(len(self.photos))
        return piece(self.photos[at], self.loose[at], random)


class Canvas:
    """A picture that things are laid on, and which of them each pixel shows."""

    def __init__(self, ground: np.ndarray):
        self.rgb = ground
        self.owner = np.zeros(ground.shape[:2], np.uint8)
        self.areas: list[int] = []

    def lay(self, thing: np.ndarray, middle: tuple[float, float], length: float, angle: float,
            squeeze: float, shadow: float, random: Random) -> None:
        """Draws RGBA `thing`, its longer side `length` pixels, turned by `angle` degrees; `squeeze` is
        what is left of the width, as a wide camera picture in a square has it."""
        size = len(self.rgb)
        matrix = placing(thing.shape, middle, length, angle, squeeze)
        turned = cv2.warpAffine(thing, matrix, (size, size), flags=cv2.INTER_AREA)
        solid = turned[..., 3] > 127
        if not solid.any():
            return
        if shadow:
            self.shade(turned[..., 3], shadow, random)
        left, top, width, height = cv2.boundingRect(turned[..., 3])
        box = np.s_[top:top + height, left:left + width]
        alpha = turned[box][..., 3:].astype(np.float32) / 255
        self.rgb[box] = (self.rgb[box] * (1 - alpha) + turned[box][..., :3] * alpha).astype(np.uint8)
        self.areas.append(int(solid.sum()))
        self.owner[solid] = len(self.areas)

    def shade(self, alpha: np.ndarray, strength: float, random: Random) -> None:
        """Darkens what lies beside a thing, away from the light; at a quarter of the size, as it is soft."""
        small = cv2.resize(alpha, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
        shift = np.float32([[1, 0, random.uniform(-3, 3)], [0, 1, random.uniform(-3, 3)]])
        moved = cv2.GaussianBlur(cv2.warpAffine(small, shift, small.shape[::-1]), (0, 0),
                                 random.uniform(0.7, 2.5))
        dark = 1 - strength * cv2.resize(moved, alpha.shape[::-1]).astype(np.float32) / 255
        self.rgb = (self.rgb * dark[..., None]).astype(np.uint8)

    def covers(self, middle: tuple[float, float], length: float) -> float:
        """How much of a place is taken, 0 to 1."""
        x, y, half = *np.int32(middle), int(length / 3) + 1
        place = self.owner[max(0, y - half):y + half, max(0, x - half):x + half]
        return float((place > 0).mean()) if place.size else 1.0

    def hide(self, mask: np.ndarray) -> None:
        """What a hand covers shows no thing."""
        self.owner[mask] = 0

    def boxes(self) -> np.ndarray:
        """N x 4, left, top, right, bottom in pixels, of all that can be seen well enough."""
        found = []
        for number, area in enumerate(self.areas, 1):
            mask = self.owner == number
            if mask.sum() >= max(SEEN * area, 60):
                left, top, width, height = cv2.boundingRect(mask.astype(np.uint8))
                found.append([left, top, left + width, top + height])
        return np.array(found, np.float32).reshape(-1, 4)


def placing(shape: tuple[int, ...], middle: tuple[float, float], length: float, angle: float,
            squeeze: float) -> np.ndarray:
    """The 2 x 3 matrix from a cut-out's pixels to the scene's."""
    scale, turn = length / max(shape[:2]), np.radians(angle)
    to_scene = np.array([[squeeze * np.cos(turn), -squeeze * np.sin(turn)],
                         [np.sin(turn), np.cos(turn)]]) * scale
    return np.column_stack([to_scene, np.array(middle) - to_scene @ [shape[1] / 2, shape[0] / 2]])


def colour(random: Random) -> np.ndarray:
    """Greys and browns mostly, as counters are."""
    grey = random.uniform(20, 235)
    return np.clip(grey + random.normal(0, 14 if random.random() < 0.7 else 60, 3), 0, 255)


def grain(size: int, random: Random) -> np.ndarray:
    rough = random.normal(0, 1, (size // 4, size // 4)).astype(np.float32)
    return cv2.resize(rough, (size, size)) * random.uniform(0, 12)


def wood(size: int, random: Random) -> np.ndarray:
    lines = random.normal(0, 1, (size, 6)).astype(np.float32)
    waves = np.sin(np.arange(size) * random.uniform(0.05, 0.4) + random.uniform(0, 6))
    across = cv2.resize(cv2.GaussianBlur(lines, (0, 0), 1.5), (size, size)) * 2 + waves[:, None] * 0.5
    return across * random.uniform(4, 18)


def metal(size: int, random: Random) -> np.ndarray:
    return np.repeat(random.normal(0, 1, (size, 1)), size, 1) * random.uniform(2, 9)


def belt(size: int, random: Random) -> np.ndarray:
    step = random.integers(3, 12)
    y, x = np.mgrid[:size, :size]
    return (((x // step + y // step) % 2) - 0.5) * random.uniform(3, 20)


TEXTURES: tuple[Callable, ...] = (grain, wood, metal, belt)


def ground(size: int, stock: Stock, random: Random) -> np.ndarray:
    """Rule 1."""
    if random.random() < 0.25:
        photo = stock.photos[random.integers(len(stock.photos))]
        tiny = cv2.resize(photo, (12, 12), interpolation=cv2.INTER_AREA)
        base = cv2.resize(tiny, (size, size), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    else:
        base = np.full((size, size, 3), colour(random), np.float32)
    slope = np.add.outer(np.linspace(-1, 1, size) * random.uniform(-30, 30),
                         np.linspace(-1, 1, size) * random.uniform(-30, 30))
    texture = TEXTURES[random.integers(len(TEXTURES))](size, random)
    if random.random() < 0.5:
        texture = texture.T
    rgb = np.clip(base + (slope + texture)[..., None], 0, 255).astype(np.uint8)
    if random.random() < 0.25:
        for _ in range(random.integers(1, 4)):
            a, b = random.integers(-size // 4, size + size // 4, (2, 2)).tolist()
            cv2.line(rgb, a, b, colour(random).tolist(), int(random.integers(1, 6)), cv2.LINE_AA)
        if random.random() < 0.4:
            a = random.integers(0, size // 2, 2)
            b = a + random.integers(size // 6, size // 2, 2)
            cv2.rectangle(rgb, a.tolist(), b.tolist(), random.integers(10, 60, 3).tolist(), -1)
    return rgb


def hand(canvas: Canvas, random: Random) -> None:
    """Rule 4. A forearm, a palm and five fingers as thick lines, smoothed."""
    size = len(canvas.rgb)
    mask = np.zeros((size, size), np.uint8)
    thick = random.uniform(0.07, 0.15) * size
    palm = random.uniform(0.15, 0.85, 2) * size
    away = random.uniform(0, 2 * np.pi)
    ahead = np.array([np.cos(away), np.sin(away)])
    cv2.line(mask, np.int32(palm - ahead * size * 1.5).tolist(), np.int32(palm).tolist(), 255, int(thick))
    cv2.circle(mask, np.int32(palm).tolist(), int(thick * 0.75), 255, -1)
    for spread in (-0.9, -0.35, -0.1, 0.15, 0.4):
        turn = away + spread * random.uniform(0.7, 1.3)
        tip = palm + thick * random.uniform(1.2, 1.9) * np.array([np.cos(turn), np.sin(turn)])
        cv2.line(mask, np.int32(palm).tolist(), np.int32(tip).tolist(), 255, max(2, int(thick * 0.3)))
    soft = cv2.GaussianBlur(mask, (0, 0), 1.5)
    skin = np.array([random.uniform(90, 240), 0, 0])
    skin[1] = skin[0] * random.uniform(0.6, 0.82)
    skin[2] = skin[1] * random.uniform(0.65, 0.95)
    if random.random() < 0.2:
        skin = colour(random)
    light = cv2.GaussianBlur(mask, (0, 0), thick / 5).astype(np.float32) / 255
    alpha = soft[..., None].astype(np.float32) / 255
    painted = np.clip(skin * (0.55 + 0.45 * light[..., None]) + random.normal(0, 4, mask.shape)[..., None],
                      0, 255)
    canvas.shade(soft, random.uniform(0.1, 0.4), random)
    canvas.rgb = (canvas.rgb * (1 - alpha) + painted * alpha).astype(np.uint8)
    canvas.hide(soft > 127)


def counter(size: int, stock: Stock, random: Random) -> Canvas:
    """Rules 2 to 4."""
    canvas = Canvas(ground(size, stock, random))
    squeeze = random.choice([1, 3 / 4, 9 / 16])
    count = 0 if random.random() < 0.05 else random.integers(1, 9)
    same = stock.thing(random) if random.random() < 0.5 else None
    usual = random.uniform(0.18, 0.5)
    shadow = random.uniform(0, 0.6)
    for _ in range(count):
        thing = same if same is not None and random.random() < 0.6 else stock.thing(random)
        length = np.clip(usual * random.uniform(0.6, 1.5), 0.12, 0.6) * size
        for _ in range(12):
            middle = tuple(random.uniform(0.06, 0.94, 2) * size)
            if canvas.covers(middle, length) < random.uniform(0, 0.5):
                canvas.lay(varied(thing, random), middle, length, random.uniform(0, 360), squeeze, shadow, random)
                break
    if random.random() < 0.33:
        for _ in range(random.integers(1, 3)):
            hand(canvas, random)
    return canvas


def shelf(size: int, stock: Stock, random: Random) -> Canvas:
    """Rules 2 and 3: rows of the same thing, from the far row to the near one."""
    canvas = Canvas(ground(size, stock, random))
    rows = random.integers(1, 4)
    for row in range(rows):
        height = size / rows * random.uniform(0.7, 1.15)
        bottom = size * (row + 1) / rows + random.uniform(-0.1, 0.1) * size / rows
        cv2.rectangle(canvas.rgb, (0, int(bottom)), (size, int(bottom + 0.12 * height)),
                      colour(random).tolist(), -1)
        things = [stock.thing(random, upright=True) for _ in range(random.integers(1, 4))]
        gap, lean = random.uniform(-0.04, 0.12), random.normal(0, 3)
        left = random.uniform(-0.4, 0.3) * size
        while left < size:
            thing = things[random.integers(len(things))]
            tall, wide = thing.shape[:2]
            length = height * random.uniform(0.93, 1.03) * max(1, wide / tall)
            width = length * wide / max(tall, wide)
            canvas.lay(thing, (left + width / 2, bottom - length * tall / max(tall, wide) / 2), length,
                       lean + random.normal(0, 2), 1, random.uniform(0, 0.5), random)
            left += width * (1 + gap)
            if random.random() < 0.08:
                left += width * random.uniform(0.3, 1.5)
    return canvas


def varied(thing: np.ndarray, random: Random) -> np.ndarray:
    """Another light on one thing."""
    if random.random() < 0.5:
        return thing
    return np.dstack([recolour(np.ascontiguousarray(thing[..., :3]), random), thing[..., 3]])


def finish(rgb: np.ndarray, random: Random) -> np.ndarray:
    """Rule 6."""
    if random.random() < 0.5:
        rgb = recolour(rgb, random)
    if random.random() < 0.4:
        rgb = DEGRADED[random.integers(len(DEGRADED))](rgb, random)
    return rgb


def scene(size: int, stock: Stock, random: Random, shelves: float) -> tuple[np.ndarray, np.ndarray]:
    """RGB size x size and its boxes in pixels; `shelves` is the share of shelf scenes."""
    make = shelf if random.random() < shelves else counter
    canvas = make(size, stock, random)
    return finish(canvas.rgb, random), canvas.boxes()
