"""Puts the weights of a shipped detector (ONNX) back into the module that trains; trains nothing.

The export folds a normalisation into the convolution before it. Folded weights are right for a picture, but no start
for a training: so the normalisation gets the mean and spread that its input really has on some pictures, and every
row of weights the length that it has in a fresh network. What the network says stays the same.
"""

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn

from detector import Detector


def convolutions(file: Path) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Of the file's convolutions in the order of the graph: weights, scale and shift a channel of what follows."""
    graph = onnx.load(file).graph
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:  # large weights are stored in sixteen bits
        if node.op_type == 'Cast' and node.input[0] in values:
            values[node.output[0]] = values[node.input[0]].astype(np.float32)
    # casts stand between the 5x5 convolutions and their normalisation, which is why these are not folded
    through = {node.output[0]: node.input[0] for node in graph.node if node.op_type in ('Cast', 'Identity')}
    after = {through.get(node.input[0], node.input[0]): node
             for node in graph.node if node.op_type == 'BatchNormalization'}
    found = []
    for node in graph.node:
        if node.op_type != 'Conv':
            continue
        weights = values[node.input[1]]
        shift = values[node.input[2]] if len(node.input) > 2 else np.zeros(len(weights), np.float32)
        scale = np.ones(len(weights), np.float32)
        if node.output[0] in after:
            own = after[node.output[0]]
            gain, bias, mean, spread = (values[name] for name in own.input[1:])
            epsilon = next((one.f for one in own.attribute if one.name == 'epsilon'), 1e-5)
            scale = gain / np.sqrt(spread + epsilon)
            shift = bias + (shift - mean) * scale
        found.append((weights, scale, shift))
    return found


def in_order(model: Detector, image: torch.Tensor) -> list[nn.Module]:
    """Convolutions and normalisations as they run."""
    ran, hooks = [], []
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.BatchNorm2d):
            hooks.append(module.register_forward_hook(lambda one, *_: ran.append(one)))
    with torch.no_grad():
        model.eval()(image)
    for hook in hooks:
        hook.remove()
    return ran


@torch.no_grad()
def start_from_file(model: Detector, file: Path, images: torch.Tensor) -> None:
    """`images`: N x 3 x size x size, some dozens like those of the training."""
    ran = in_order(model, images[:1])
    stored, pairs = convolutions(file), []
    for at, module in enumerate(ran):
        if not isinstance(module, nn.Conv2d):
            continue
        weights, scale, shift = (torch.from_numpy(np.array(one, np.float32)) for one in stored[len(pairs)])
        follower = ran[at + 1] if at + 1 < len(ran) and isinstance(ran[at + 1], nn.BatchNorm2d) else None
        if follower is None:
            module.weight.copy_(weights)
            module.bias.copy_(shift)
        else:
            fresh = module.weight.flatten(1).norm(dim=1)
            folded = weights * scale[:, None, None, None]
            own = folded.flatten(1).norm(dim=1)
            length = torch.where((fresh > 1e-4) & (own > 1e-4), fresh / own, 1.0)  # some rows are dead
            module.weight.copy_(folded * length[:, None, None, None])
            follower.running_mean.zero_()
            follower.running_var.fill_(1 - follower.eps)
            follower.weight.copy_(1 / length)
            follower.bias.copy_(shift)
        pairs.append((module, follower))
    if len(pairs) != len(stored):
        raise ValueError(f'Expected {len(pairs)} convolutions but {file} has {len(stored)}')
    measure([one for _, one in pairs if one is not None], model, images)


def measure(norms: list[nn.BatchNorm2d], model: Detector, images: torch.Tensor) -> None:
    """Gives each its input's mean and spread over the images, and keeps what it says by its weight and bias."""
    seen = {}

    def look(module: nn.BatchNorm2d, given: tuple[torch.Tensor, ...]) -> None:
        rows = given[0].double()
        sums = torch.stack([rows.mean((0, 2, 3)), rows.square().mean((0, 2, 3))])
        seen[module] = seen.get(module, 0) + sums * len(rows) / len(images)

    hooks = [module.register_forward_pre_hook(look) for module in norms]
    for at in range(0, len(images), 16):
        model.eval()(images[at:at + 16])
    for hook in hooks:
        hook.remove()
    for module in norms:
        mean, square = seen[module]
        spread = (square - mean.square()).clamp_min(1e-6)
        module.running_mean.copy_(mean)
        module.running_var.copy_(spread)
        module.bias.add_(module.weight * mean.float())
        module.weight.mul_((spread + module.eps).sqrt().float())
