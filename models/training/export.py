"""From the trained module to the files that ship: an INT8 OpenVINO IR and an ONNX file."""

import io
from pathlib import Path

import nncf
import numpy as np
import onnx
import openvino as ov
import torch
from onnx import TensorProto, helper, numpy_helper

from augment import random_view
from backbone import Classifier
from data import SIZE, Photo, decode, fit_crop, to_tensor

# The oldest runtimes that must read the file: ONNX Runtime 1.11 and TensorRT 8.2.
OPSET, IR_VERSION = 13, 7
QUANTISE_WITH, MOST_LOSS = 300, 0.005


def to_onnx(model: Classifier) -> onnx.ModelProto:
    """Static 1x3x288x288 graph: input `image`, outputs `logits` and `embedding`, float32."""
    buffer = io.BytesIO()
    torch.onnx.export(
        model.eval(), (torch.zeros(1, 3, SIZE, SIZE),), buffer, dynamo=False, opset_version=OPSET,
        input_names=['image'], output_names=['logits', 'embedding'])
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


def to_int8(proto: onnx.ModelProto, photos: list[Photo]) -> ov.Model:
    """Post-training quantisation with accuracy control: layers that cost more than MOST_LOSS of the
    right answers on random views go back to floating point. Views, because plain training
    pictures are nearly all right, so that nothing would be seen on them. The head stays float32:
    it is little work, and `grocerd train` exchanges it."""
    model = ov.convert_model(io.BytesIO(proto.SerializeToString()))
    random = np.random.default_rng(8)
    spread = np.linspace(0, len(photos) - 1, QUANTISE_WITH).astype(int)
    samples = [to_tensor(fit_crop(decode(photos[row].path)))[None] for row in spread]
    views = [(to_tensor(random_view(decode(photos[row].path), SIZE, False, random))[None],
              photos[row].fine) for row in spread]

    def right(compiled: ov.CompiledModel, rows) -> tuple[float, list[float]]:
        hits = [float(np.argmax(compiled(tensor)['logits']) == fine) for tensor, fine in rows]
        return float(np.mean(hits)), hits

    head = [op.get_friendly_name() for op in model.get_ops()
            if op.get_type_name() == 'MatMul']
    return nncf.quantize_with_accuracy_control(
        model, nncf.Dataset(samples), nncf.Dataset(views), right, max_drop=MOST_LOSS,
        subset_size=len(samples), ignored_scope=nncf.IgnoredScope(names=head))


def write_weights(model: Classifier, photos: list[Photo], folder: Path, name: str) -> None:
    """FOLDER/NAME.int8.xml, .int8.bin and NAME.onnx; `photos` are those it was trained with."""
    folder.mkdir(parents=True, exist_ok=True)
    proto = to_onnx(model)
    ov.save_model(to_int8(proto, photos), folder / f'{name}.int8.xml', compress_to_fp16=True)
    (folder / f'{name}.onnx').write_bytes(store_as_fp16(proto).SerializeToString())
