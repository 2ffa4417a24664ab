"""The class-agnostic detector and its loss: EfficientNet-Lite0, one map of stride 16, no anchors, no NMS.

Every cell of the map says how good a box it has, and how far the four sides of the box are: a
distribution over 0 to 15 strides a side, whose mean is the distance (GFL, Li et al. 2020). Cells are
matched to boxes by what the network says itself (TOOD, Feng et al. 2021).
"""

import torch
from torch import nn
from torch.nn import functional

from backbone import OnBackbone

STRIDE, BINS, WIDTH = 16, 16, 128
# Ends of the stages whose maps have strides 8, 16 and 32, and their channels.
TAPS = {4: 40, 10: 112, 15: 320}
BEST, SCORE_POWER, IOU_POWER = 9, 0.5, 6
SCORE_WEIGHT, IOU_WEIGHT, SIDE_WEIGHT = 0.5, 5.0, 1.0


def convolution(into: int, out: int, size: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(into, out, size, stride, size // 2, groups=groups, bias=False),
                         nn.BatchNorm2d(out), nn.ReLU6())


def separable(width: int) -> nn.Sequential:
    return nn.Sequential(convolution(width, width, 3, groups=width), convolution(width, width, 1))


class Detector(OnBackbone):
    """N x 3 x size x size in, size a multiple of 32; out `boxes` N x cells x 4 (left, top, right, bottom,
    0 to 1, clipped) and `scores` N x cells, 0 to 1."""

    frozen_blocks = 3

    def __init__(self) -> None:
        super().__init__(0)
        for unused in ('_conv_head', '_bn1'):
            setattr(self.net, unused, nn.Identity())
        fine, middle, coarse = TAPS.values()
        self.from_fine = nn.Sequential(convolution(fine, WIDTH, 1), convolution(WIDTH, WIDTH, 3, 2, WIDTH))
        self.from_middle = convolution(middle, WIDTH, 1)
        self.from_coarse = convolution(coarse, WIDTH, 1)
        self.shared = nn.Sequential(separable(WIDTH), separable(WIDTH))
        self.for_score, self.for_sides = (nn.Sequential(separable(WIDTH), separable(WIDTH))
                                          for _ in range(2))
        self.score = nn.Conv2d(WIDTH, 1, 1)
        self.sides = nn.Conv2d(WIDTH, 4 * BINS, 1)
        nn.init.constant_(self.score.bias, -4.0)
        # At first every side is two or three strides away.
        near = -0.5 * (torch.arange(BINS) - 2.5).abs()
        self.sides.bias.data.copy_(near.repeat(4))
        self.register_buffer('bins', torch.arange(BINS, dtype=torch.float32), persistent=False)

    def raw(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Score logits N x cells, and logits of the sides N x cells x 4 x BINS; rows of cells first."""
        rows = self.net._swish(self.net._bn0(self.net._conv_stem(image)))  # ReLU6 in the Lite nets
        maps = []
        for at, block in enumerate(self.net._blocks):
            rows = block(rows)
            if at in TAPS:
                maps.append(rows)
        fine, middle, coarse = maps
        rows = self.from_fine(fine) + self.from_middle(middle) + functional.interpolate(
            self.from_coarse(coarse), scale_factor=2.0, mode='nearest')
        rows = self.shared(rows)
        scores = self.score(self.for_score(rows)).flatten(1)
        sides = self.sides(self.for_sides(rows)).flatten(2)
        return scores, sides.unflatten(1, (4, BINS)).permute(0, 3, 1, 2)

    def boxes(self, sides: torch.Tensor, size: int) -> torch.Tensor:
        """N x cells x 4, 0 to 1, not clipped."""
        away = (sides.softmax(3) * self.bins).sum(3) * (STRIDE / size)
        middle = centres(size).to(sides.device)
        return torch.cat([middle - away[..., :2], middle + away[..., 2:]], 2)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        scores, sides = self.raw(image)
        return self.boxes(sides.float(), image.shape[3]).clamp(0, 1), scores.float().sigmoid()


def centres(size: int) -> torch.Tensor:
    """Middles of the cells of a size x size picture, cells x 2 (x, y), 0 to 1."""
    cells = size // STRIDE
    line = (torch.arange(cells) + 0.5) / cells
    y, x = torch.meshgrid(line, line, indexing='ij')
    return torch.stack([x, y], 2).reshape(-1, 2)


def overlap(a: torch.Tensor, b: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """IoU and generalised IoU of boxes in the last dimension, the others broadcast."""
    low, high = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    common = (high - low).clamp_min(0).prod(-1)
    both = sum((box[..., 2:] - box[..., :2]).clamp_min(0).prod(-1) for box in (a, b)) - common
    iou = common / both.clamp_min(1e-9)
    around = (torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])).prod(-1)
    return iou, iou - (around - both) / around.clamp_min(1e-9)


@torch.no_grad()
def assign(scores: torch.Tensor, boxes: torch.Tensor, truth: torch.Tensor, middle: torch.Tensor
           ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Of one picture: the cells that get a box, the row of that box in `truth`, and the score that the
    cell should have, which is as large as the best IoU of a cell with this box."""
    inside = ((middle[:, None] > truth[None, :, :2]) & (middle[:, None] < truth[None, :, 2:])).all(2)
    away = (middle[:, None] - (truth[None, :, :2] + truth[None, :, 2:]) / 2).square().sum(2)
    inside[away.argmin(0), torch.arange(len(truth))] = True
    iou = overlap(boxes[:, None], truth[None])[0]
    fit = torch.where(inside, scores.sigmoid()[:, None] ** SCORE_POWER * iou ** IOU_POWER + 1e-9, 0.0)
    best = torch.zeros_like(inside)
    best.scatter_(0, fit.topk(min(BEST, len(fit)), 0).indices, True)
    best &= inside
    # a cell that two boxes want is of the one it overlaps more
    owner = torch.where(best, iou + 1e-6, -1.0).argmax(1)
    best &= functional.one_hot(owner, len(truth)).bool()
    fit = torch.where(best, fit, 0.0)
    aim = fit / fit.amax(0).clamp_min(1e-9) * torch.where(best, iou, 0.0).amax(0)
    cells = best.any(1).nonzero()[:, 0]
    rows = owner[cells]
    return cells, rows, aim[cells, rows]


def detection_loss(model: Detector, images: torch.Tensor, truths: list[torch.Tensor]) -> torch.Tensor:
    """`truths`: boxes of every picture, 0 to 1."""
    size = images.shape[3]
    with torch.autocast('cpu', torch.bfloat16):
        scores, sides = model.raw(images)
    scores, sides = scores.float(), sides.float()
    boxes, middle = model.boxes(sides, size), centres(size)
    wanted = torch.zeros_like(scores)
    of_boxes = of_sides = scores.new_zeros(())
    for at, truth in enumerate(truths):
        if not len(truth):
            continue
        cells, rows, aim = assign(scores[at], boxes[at], truth, middle)
        wanted[at, cells] = aim
        of_boxes = of_boxes + (aim * (1 - overlap(boxes[at, cells], truth[rows])[1])).sum()
        of_sides = of_sides + (aim * side_loss(sides[at, cells], truth[rows], middle[cells], size)).sum()
    total = wanted.sum().clamp_min(1)
    of_scores = functional.binary_cross_entropy_with_logits(scores, wanted, reduction='sum')
    return (SCORE_WEIGHT * of_scores + IOU_WEIGHT * of_boxes + SIDE_WEIGHT * of_sides) / total


def side_loss(sides: torch.Tensor, truth: torch.Tensor, middle: torch.Tensor, size: int) -> torch.Tensor:
    """Cross-entropy with the two bins about the true distance, mean of the four sides, one a cell."""
    away = torch.cat([middle - truth[:, :2], truth[:, 2:] - middle], 1) * (size / STRIDE)
    away = away.clamp(0, BINS - 1.01)
    low = away.long()
    share = away - low
    log = sides.log_softmax(2)
    near, far = (-log.gather(2, at[..., None])[..., 0] for at in (low, low + 1))
    return (near * (1 - share) + far * share).mean(1)
