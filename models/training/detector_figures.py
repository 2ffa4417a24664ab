"""What a detector's files find, and the figures of it; trains nothing."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from boxes import measure_boxes, nms
from data import fit_fill, to_tensor
from figures import rounded
from runtimes import Run
from scenes import Stock, counter, finish
from shelves import Shelf

SIZE = 320


@dataclass(frozen=True)
class Judged:
    """Network inputs, N x 3 x SIZE x SIZE, and the boxes of each, 0 to 1."""
    inputs: np.ndarray
    truth: list[np.ndarray]


def composed(stock: Stock, count: int, seed: int) -> Judged:
    """Counter scenes, always the same for one seed."""
    random = np.random.default_rng(seed)
    made = [counter(SIZE, stock, random) for _ in range(count)]
    return Judged(np.stack([to_tensor(finish(canvas.rgb, random)) for canvas in made]),
                  [canvas.boxes() / SIZE for canvas in made])


def photographed(shelves: list[Shelf]) -> Judged:
    """Shelf photographs, stretched to the network's size as at run time (`fit: fill`)."""
    return Judged(
        np.stack([to_tensor(fit_fill(shelf.rgb, SIZE)) for shelf in shelves]),
        [shelf.boxes / shelf.rgb.shape[1] for shelf in shelves])


def found(run: Run, inputs: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Boxes and scores of every picture after NMS, the highest score first."""
    told = run(inputs)
    kept = [nms(boxes, scores) for boxes, scores in zip(told['boxes'], told['scores'], strict=True)]
    return [(boxes[rows], scores[rows])
            for boxes, scores, rows in zip(told['boxes'], told['scores'], kept, strict=True)]


def figures_of(run: Run, judged: Judged) -> dict:
    return rounded(measure_boxes(found(run, judged.inputs), judged.truth))


def write_sheet(run: Run, judged: Judged, least: float, file: Path) -> None:
    """A picture of the first 24 with what was found (red) and what there is (green), to look at."""
    tiles = []
    for tensor, truth, (boxes, scores) in zip(
            judged.inputs[:24], judged.truth, found(run, judged.inputs[:24]), strict=False):
        tile = np.clip(tensor.transpose(1, 2, 0)[..., ::-1] * 128 + 127, 0, 255).astype(np.uint8).copy()
        for group, colour in ((truth, (0, 200, 0)), (boxes[scores >= least], (0, 0, 255))):
            for box in np.int32(group * SIZE).tolist():
                cv2.rectangle(tile, box[:2], box[2:], colour, 1)
        tiles.append(tile)
    cv2.imwrite(str(file), np.vstack([np.hstack(tiles[at:at + 6]) for at in range(0, 24, 6)]))
