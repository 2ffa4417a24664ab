"""The embedder and its two losses, an angular margin to class proxies and triplets; no figures, no export."""

from collections.abc import Iterator

import numpy as np
import torch
from sklearn.decomposition import PCA
from torch import nn
from torch.nn import functional

from augment import mix, random_view
from backbone import EMBEDDING, OnBackbone
from course import in_background
from data import Photo, decode, to_tensor
from fine_tune import MIXED, size_of
from labels import Label
from whitening import DIMENSION

# A batch is so many classes, so many photographs of each.
CLASSES, EACH = 8, 4
SCALE, MARGIN, SMOOTHING = 20.0, 0.15, 0.1
TRIPLET_MARGIN = 0.2


class Embedder(OnBackbone):
    """As it is trained: a projection of the pooled features, and a proxy of every class. What ships has
    another last layer, see whitening.py."""

    def __init__(self, classes: int):
        super().__init__(2)
        self.project = nn.Linear(EMBEDDING, DIMENSION)
        self.proxies = nn.Parameter(torch.randn(classes, DIMENSION))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """N x 256 of length one."""
        with torch.autocast('cpu', torch.bfloat16, enabled=self.training):
            pooled = self.net.extract_features(image).mean((2, 3))
        return functional.normalize(self.project(pooled.float()))


@torch.no_grad()
def start_from(model: Embedder, embeddings: np.ndarray, classes: np.ndarray) -> None:
    """Projection: the principal components of what the ImageNet backbone says of the photographs
    (`embeddings`, N x 1280); proxies: the mean of every class. So the first step starts from
    the frozen features, not from noise."""
    found = PCA(DIMENSION).fit(embeddings)
    model.project.weight.copy_(torch.from_numpy(found.components_))
    model.project.bias.copy_(torch.from_numpy(-found.components_ @ found.mean_))
    rows = functional.normalize(model.project(torch.from_numpy(embeddings)))
    for index in range(len(model.proxies)):
        model.proxies[index] = rows[torch.from_numpy(classes == index)].mean(0)


class Metric:
    """Batches of CLASSES x EACH augmented pictures; `loss` is `margin` or `triplet`."""

    def __init__(self, photos: list[Photo], classes: np.ndarray, labels: list[Label], loss: str):
        """`classes` numbers the classes of the photographs from 0 on, without gaps."""
        self.loose = [labels[photo.fine].loose for photo in photos]
        self.classes, self.kind = classes, loss
        self.steps = len(photos) // (CLASSES * EACH)
        self.pictures = [decode(photo.path) for photo in photos]

    def batches(self, epoch: int, planned: int, seed: int
                ) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        random = np.random.default_rng(seed)
        size, count = size_of(epoch, planned), self.classes.max() + 1
        one_hot = np.eye(count, dtype=np.float32)

        def make(chosen: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
            rows = np.concatenate([
                random.choice(np.flatnonzero(self.classes == index), EACH, replace=False)
                for index in chosen])
            images = np.stack([to_tensor(random_view(self.pictures[row], size, self.loose[row],
                                                     random)) for row in rows])
            targets = one_hot[self.classes[rows]]
            if self.kind == 'margin' and random.random() < MIXED:
                images, targets = mix(images, targets, random)
            return torch.from_numpy(images), torch.from_numpy(targets)

        return in_background(make, (random.choice(count, CLASSES, replace=False)
                                    for _ in range(self.steps)))

    def loss(self, model: Embedder, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        rows = model(images)
        if self.kind == 'triplet':
            return triplet_loss(rows, targets.argmax(1))
        return margin_loss(rows @ functional.normalize(model.proxies).T, targets)


def margin_loss(cosines: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Smoothed cross-entropy of scaled cosines, the right one made smaller by the margin (CosFace,
    Wang et al. 2018)."""
    smoothed = targets * (1 - SMOOTHING) + SMOOTHING / targets.shape[1]
    scores = SCALE * (cosines - MARGIN * targets)
    return -(smoothed * scores.log_softmax(1)).sum(1).mean()


def triplet_loss(rows: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    """Of every picture the farthest of its class and the nearest of another, in the batch (batch
    hard, Hermans et al. 2017), with the soft margin."""
    distance = (2 - 2 * rows @ rows.T).clamp_min(1e-6).sqrt()
    same = classes[:, None] == classes[None, :]
    farthest = distance.masked_fill(~same, -1).amax(1)
    nearest = distance.masked_fill(same, 9).amin(1)
    return functional.softplus((farthest - nearest + TRIPLET_MARGIN) / 0.1).mean() * 0.1
