"""Makes the detector's model directory: trained on composed scenes alone, and with the shelf photographs."""

import argparse
import json
import multiprocessing
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import openvino as ov
import torch

from backbone import pretrained
from boxes import NMS_IOU, matched, nms
from course import in_background, run_course
from cutouts import studio_cutout
from data import decode, read_split, read_studio, to_tensor
from detector import Detector, detection_loss
from detector_figures import SIZE, composed, figures_of, photographed, write_sheet
from export import QUANTISE_WITH, to_int8, to_onnx, write_both
from labels import read_classes
from manifest import Kind, write_manifest
from runtimes import onnx_runtime, openvino_f32
from scenes import Stock, scene
from shelves import Shelf, held_out, mosaic, read_shelves, shelf_names, view
from warm_start import start_from_file

NAME = 'grocery-detector'
SMALL, LARGE, BATCH = 256, SIZE, 16
SCENES_AN_EPOCH = 2000
# Studio pictures of every fifth class are kept for the scenes that are measured with.
KEPT_STUDIO = 5
# Pictures that a start from a file measures its statistics on.
START_WITH = 64
# Of the pictures that are no photographs of shelves: so many are composed shelves.
COMPOSED_SHELVES = 0.35
MOSAICS = 0.25


def stock_of(data: Path, split: str) -> Stock:
    """Of `train`, or of `val`, which shares no picture with it."""
    labels = read_classes(data)
    studio = [photo for photo in read_studio(data)
              if (photo.fine % KEPT_STUDIO == KEPT_STUDIO - 1) == (split == 'val')]
    photos = read_split(data, split)
    return Stock([studio_cutout(decode(photo.path)) for photo in studio],
                 [not labels[photo.fine].loose for photo in studio],
                 [decode(photo.path) for photo in photos],
                 [labels[photo.fine].loose for photo in photos])


def look(shelves: list[Shelf], work: Path) -> np.ndarray:
    """Pooled features of the ImageNet backbone, kept in WORK: what the split is cut by."""
    kept = work / 'embeddings.npy'
    if not kept.exists():
        net = pretrained(0).eval()
        with torch.no_grad():
            np.save(kept, np.concatenate([
                net.extract_features(torch.from_numpy(to_tensor(shelf.rgb)[None])).mean((2, 3)).numpy()
                for shelf in shelves]))
    return np.load(kept)


class Detecting:
    """Pictures with boxes: half of them views of shelf photographs, where there are any, the rest composed."""

    steps = SCENES_AN_EPOCH // BATCH

    def __init__(self, stock: Stock, shelves: list[Shelf]):
        self.stock, self.shelves = stock, shelves

    def picture(self, size: int, random: np.random.Generator) -> Shelf:
        if not self.shelves or random.random() < 0.5:
            rgb, boxes = scene(size, self.stock, random, COMPOSED_SHELVES)
            return Shelf(rgb, boxes)
        if random.random() < MOSAICS:
            return mosaic(self.shelves, size, random)
        return view(self.shelves[random.integers(len(self.shelves))], size, random)

    def batches(self, epoch: int, planned: int, seed: int
                ) -> Iterator[tuple[torch.Tensor, list[torch.Tensor]]]:
        random = np.random.default_rng(seed)
        size = SMALL if epoch < planned * 0.7 else LARGE

        def make(_: int) -> tuple[torch.Tensor, list[torch.Tensor]]:
            made = [self.picture(size, random) for _ in range(BATCH)]
            return (torch.from_numpy(np.stack([to_tensor(one.rgb) for one in made])),
                    [torch.from_numpy(one.boxes / size) for one in made])

        return in_background(make, range(self.steps))

    def loss(self, model: Detector, images: torch.Tensor, truths: list[torch.Tensor]) -> torch.Tensor:
        return detection_loss(model, images, truths)


def train_one(name: str, data: Path, shelf_data: Path, work: Path, epochs: int, start: Path | None) -> None:
    """`mit`: composed scenes alone; `shelf`: with the shelf photographs, except those held out. One core."""
    torch.set_num_threads(1)
    torch.manual_seed(81)
    shelves = []
    # The shipped weights have seen shelves: started from them, `mit` would no longer be what it says.
    goes_on = start is not None and name == 'shelf'
    if name == 'shelf':
        every = read_shelves(shelf_data)
        out = held_out(look(every, work))
        if goes_on:
            same_split(start, np.array(shelf_names(shelf_data))[out])
        shelves = [shelf for shelf, kept_out in zip(every, out, strict=True) if not kept_out]
    task = Detecting(stock_of(data, 'train'), shelves)
    model = Detector()
    if goes_on:
        random = np.random.default_rng(0)
        start_from_file(model, start, torch.from_numpy(np.stack(
            [to_tensor(task.picture(LARGE, random).rgb) for _ in range(START_WITH)])))
    run_course(model, task, range(epochs), epochs, 0, work / name)


def same_split(start: Path, names: np.ndarray) -> None:
    """What is held out now must be what the weights of START have not seen, or its figures would flatter."""
    kept = (start.parent / 'held-out.txt').read_text().split()
    if kept != names.tolist():
        raise ValueError(f'Expected the {len(kept)} photographs of {start.parent}/held-out.txt to be held out '
                         f'but received {len(names)}, {len(set(kept) & set(names))} of them the same')


def decoding(model: ov.Model) -> list[str]:
    """Everything from the softmax of the sides on: decoding boxes in eight bits would cost their edges."""
    names, waiting = set(), [op for op in model.get_ops() if op.get_type_name() in ('Softmax', 'Sigmoid')]
    while waiting:
        op = waiting.pop()
        if op.get_friendly_name() not in names and op.get_type_name() != 'Result':
            names.add(op.get_friendly_name())
            waiting += [port.get_node() for out in op.outputs() for port in out.get_target_inputs()]
    return sorted(names)


def hits(compiled: ov.CompiledModel, row: tuple[np.ndarray, np.ndarray]) -> float:
    """Share of the true boxes that as many best boxes hit well: what quantisation must not change."""
    told = compiled(row[0])
    boxes, scores = told['boxes'][0], told['scores'][0]
    best = nms(boxes, scores)[:len(row[1])]
    return float(matched(boxes[best], row[1], 0.7).mean()) if len(best) else float(len(row[1]) == 0)


def write_detector(model: Detector, task: Detecting, folder: Path, name: str) -> None:
    """FOLDER/NAME.int8.xml, .int8.bin, .onnx; quantised with pictures like those it was trained with."""
    proto = to_onnx(model, SIZE, ['boxes', 'scores'])
    random = np.random.default_rng(8)
    made = [task.picture(SIZE, random) for _ in range(QUANTISE_WITH)]
    rows = [(to_tensor(one.rgb)[None], one.boxes / SIZE) for one in made]
    int8 = to_int8(proto, [tensor for tensor, _ in rows], rows, hits, decoding)
    write_both(proto, int8, folder, name)


def trained(work: Path) -> Detector:
    model = Detector()
    model.load_state_dict(torch.load(work / 'checkpoint.pt')['average'])
    return model.eval()


def publish(folder: Path, chosen: str, version: int, figures: dict, threshold: float) -> None:
    of_shelf = ', and of the shelf-boxes photographs, whose licence is not stated' * (chosen == 'shelf')
    write_manifest(folder, NAME, version, Kind(
        'detector', SIZE, 'fill',
        {'activation': 'none', 'boxes': 'ssd', 'scores': 'scores', 'nms': 'ours', 'nmsIou': NMS_IOU},
        f'MIT (Grocery Store pictures{of_shelf}) and Apache-2.0 (origin of the backbone): see CARD.md',
        f'models/training/train_detector.py, training "{chosen}"'),
        {'unknown': threshold, 'measuredOn': '200 composed counters of pictures that training never saw'},
        figures)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--data', type=Path, required=True, help='the Grocery Store Dataset')
    parser.add_argument('--shelves', type=Path, required=True, help='the shelf photographs: coco.json')
    parser.add_argument('--work', type=Path, required=True, help='checkpoints, to resume from')
    parser.add_argument('--out', type=Path, required=True, help='the model directory to write')
    parser.add_argument('--ship', choices=['mit', 'shelf'], default='shelf')
    parser.add_argument('--trainings', nargs='+', choices=['shelf', 'mit'], default=['shelf', 'mit'])
    parser.add_argument('--epochs', type=int, default=18)
    parser.add_argument('--start', type=Path, help='a shipped .onnx to go on from, instead of ImageNet weights')
    parser.add_argument('--version', type=int, default=1)
    options = parser.parse_args()
    with multiprocessing.get_context('spawn').Pool(2, maxtasksperchild=1) as pool:
        pool.starmap(train_one, [(name, options.data, options.shelves, options.work, options.epochs,
                                  options.start)
                                 for name in options.trainings], 1)

    every = read_shelves(options.shelves)
    out = held_out(look(every, options.work))
    unseen = stock_of(options.data, 'val')
    judged = {'shelf': photographed([every[row] for row in np.flatnonzero(out)]),
              'counter': composed(unseen, 400, 2)}
    seen = stock_of(options.data, 'train')
    shelves = {'mit': [], 'shelf': [every[row] for row in np.flatnonzero(~out)]}
    figures = {}
    for name in options.trainings:
        folder = options.work / name / 'model'
        if not (folder / f'{NAME}.onnx').exists():
            write_detector(trained(options.work / name), Detecting(seen, shelves[name]), folder, NAME)
        for key, run in (('openvinoInt8', openvino_f32(folder / f'{NAME}.int8.xml')),
                         ('onnx', onnx_runtime(folder / f'{NAME}.onnx'))):
            figures[name, key] = {what: figures_of(run, rows) for what, rows in judged.items()}
            print(name, key, json.dumps(figures[name, key]), flush=True)
    source = options.work / options.ship / 'model'
    run = openvino_f32(source / f'{NAME}.int8.xml')
    threshold = figures_of(run, composed(unseen, 200, 1))['bestF1']['score']
    for what, rows in judged.items():
        write_sheet(run, rows, threshold, options.work / f'{what}.png')
    options.out.mkdir(parents=True, exist_ok=True)
    for file in source.iterdir():
        shutil.copy(file, options.out / file.name)
    names = np.array(shelf_names(options.shelves))[out]
    (options.out / 'held-out.txt').write_text('\n'.join(names) + '\n')
    publish(options.out, options.ship, options.version, {
        'openvinoInt8': figures[options.ship, 'openvinoInt8'], 'onnx': figures[options.ship, 'onnx']}, threshold)


if __name__ == '__main__':
    main()
