"""Runs the shipped files in Python, as the reference for the daemon: tensors in, outputs by name."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import openvino as ov

Run = Callable[[np.ndarray], dict[str, np.ndarray]]


def openvino_f32(xml: Path) -> Run:
    """One picture at a time on the CPU; f32 hint, else figures differ between processors."""
    model = ov.Core().read_model(xml)
    names = [output.get_any_name() for output in model.outputs]  # compiled ones have further names
    compiled = ov.Core().compile_model(model, 'CPU', {'INFERENCE_PRECISION_HINT': 'f32'})

    def run(inputs: np.ndarray) -> dict[str, np.ndarray]:
        rows = [list(compiled(tensor[None]).values()) for tensor in inputs]
        return {name: np.concatenate([row[at] for row in rows]) for at, name in enumerate(names)}
    return run


def onnx_runtime(file: Path) -> Run:
    """One picture at a time on the CPU provider."""
    session = onnxruntime.InferenceSession(file, providers=['CPUExecutionProvider'])
    names = [output.name for output in session.get_outputs()]
    entry = session.get_inputs()[0].name

    def run(inputs: np.ndarray) -> dict[str, np.ndarray]:
        rows = [session.run(None, {entry: tensor[None]}) for tensor in inputs]
        return {name: np.concatenate([row[at] for row in rows]) for at, name in enumerate(names)}
    return run
