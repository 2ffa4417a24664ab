"""From the trained module to the files that ship: an INT8 OpenVINO IR and an ONNX file."""

import io
from pathlib import Path

import nncf
import numpy as np
import onnx
import openvino as ov
import torch
from onnx import TensorProto, helper, numpy_helper

from backbone import Classifier
from data import SIZE

# The oldest runtimes that must read the file: ONNX Runtime 1.11 and TensorRT 8.2.
OPSET, IR_VERSION = 13, 7


def to_onnx(model: Classifier) -> onnx.ModelProto:
    """Static 1x3x224x224 graph: input `image`, outputs `logits` and `embedding`, float32."""
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


def to_int8(proto: onnx.ModelProto, samples: np.ndarray) -> ov.Model:
    """Post-training quantisation; `samples` are training tensors, never validation ones."""
    model = ov.convert_model(io.BytesIO(proto.SerializeToString()))
    return nncf.quantize(model, nncf.Dataset([sample[None] for sample in samples]),
                         subset_size=len(samples))


def write_weights(model: Classifier, samples: np.ndarray, folder: Path, name: str) -> None:
    """FOLDER/NAME.int8.xml, .int8.bin and NAME.onnx."""
    folder.mkdir(parents=True, exist_ok=True)
    proto = to_onnx(model)
    (folder / f'{name}.onnx').write_bytes(store_as_fp16(proto).SerializeToString())
    ov.save_model(to_int8(proto, samples), folder / f'{name}.int8.xml', compress_to_fp16=True)
