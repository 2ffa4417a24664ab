"""From the trained module to the files that ship: an INT8 OpenVINO IR and an ONNX file."""

import io
from collections.abc import Callable
from pathlib import Path

import nncf
import numpy as np
import onnx
import openvino as ov
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from augment import random_view
from backbone import Classifier
from data import SIZE, Photo, decode, fit_crop, to_tensor

# The oldest runtimes that must read the file: ONNX Runtime 1.11 and TensorRT 8.2.
OPSET, IR_VERSION = 13, 7
QUANTISE_WITH, MOST_LOSS = 300, 0.005


def to_onnx(model: nn.Module, size: int, outputs: list[str]) -> onnx.ModelProto:
    """Static graph: input `image` 1x3xSIZExSIZE, the named outputs, float32."""
    buffer = io.BytesIO()
    torch.onnx.export(
        model.eval(), (torch.zeros(1, 3, size, size),), buffer, dynamo=False, opset_version=OPSET,
        input_names=['image'], output_names=outputs)
    proto = onnx.load_from_string(buffer.getvalue())
    proto.ir_version = IR_VERSION
    return proto


def store_as_fp16(proto: onnx.ModelProto) -> onnx.ModelProto:
    """Halves the file: large weights are kept as float16 and cast back to float32 in the graph.

    Runtimes fold the casts when they load, so the arithmetic and the speed stay those of float32.
    """
    small = onnx.ModelProto()
    small.CopyFrom(proto)
    casts = []
    for tensor in small.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < 256:
            continue
        name = tensor.name
        values = numpy_helper.to_array(tensor).astype(np.float16)
        tensor.CopyFrom(numpy_helper.from_array(values, f'{name}.fp16'))
        casts.append(helper.make_node('Cast', [tensor.name], [name], to=TensorProto.FLOAT))
    nodes = casts + list(small.graph.node)
    del small.graph.node[:]
    small.graph.node.extend(nodes)
    onnx.checker.check_model(small)
    return small


# How right a compiled model is on one row (what rows are is the caller's), 0 to 1.
Judge = Callable[[ov.CompiledModel, object], float]


def to_int8(proto: onnx.ModelProto, samples: list[np.ndarray], rows: list, judge: Judge,
            ignored: Callable[[ov.Model], list[str]], most_loss: float = MOST_LOSS) -> ov.Model:
    """Post-training quantisation with accuracy control: layers that cost more than `most_loss` of what
    JUDGE says of the ROWS go back to floating point; those that `ignored` names are not touched."""
    model = ov.convert_model(io.BytesIO(proto.SerializeToString()))

    def validate(compiled: ov.CompiledModel, given) -> tuple[float, list[float]]:
        hits = [judge(compiled, row) for row in given]
        return float(np.mean(hits)), hits

    return nncf.quantize_with_accuracy_control(
        model, nncf.Dataset(samples), nncf.Dataset(rows), validate, max_drop=most_loss,
        subset_size=len(samples), ignored_scope=nncf.IgnoredScope(names=ignored(model)))


def linear_layers(model: ov.Model) -> list[str]:
    """The head: it stays float32, since it is little work, and `grocerd train` exchanges it."""
    return [op.get_friendly_name() for op in model.get_ops() if op.get_type_name() == 'MatMul']


def some(photos: list[Photo]
         ) -> tuple[list[np.ndarray], list[tuple[np.ndarray, int]]]:
    """Tensors of some photographs to quantise with, and random views of them with their class to judge
    by. Views, because plain training pictures are nearly all right, so that nothing would be seen on them."""
    random = np.random.default_rng(8)
    chosen = [photos[row] for row in np.linspace(0, len(photos) - 1, QUANTISE_WITH).astype(int)]
    pictures = [decode(photo.path) for photo in chosen]
    views = [(to_tensor(random_view(picture, SIZE, False, random))[None], photo.fine)
             for picture, photo in zip(pictures, chosen, strict=True)]
    return [to_tensor(fit_crop(picture))[None] for picture in pictures], views


def write_both(proto: onnx.ModelProto, int8: ov.Model, folder: Path, name: str) -> None:
    """FOLDER/NAME.int8.xml, .int8.bin and NAME.onnx."""
    folder.mkdir(parents=True, exist_ok=True)
    ov.save_model(int8, folder / f'{name}.int8.xml', compress_to_fp16=True)
    (folder / f'{name}.onnx').write_bytes(store_as_fp16(proto).SerializeToString())


def write_weights(model: Classifier, photos: list[Photo], folder: Path, name: str) -> None:
    """The classifier's files; `photos` are those it was trained with."""
    proto = to_onnx(model, SIZE, ['logits', 'embedding'])
    samples, views = some(photos)

    def judge(compiled: ov.CompiledModel, view: tuple[np.ndarray, int]) -> float:
        return float(np.argmax(compiled(view[0])['logits']) == view[1])

    write_both(proto, to_int8(proto, samples, views, judge, linear_layers), folder, name)
