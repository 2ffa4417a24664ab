"""Runs the shipped files in Python, as the reference for the daemon: tensors in, logits out."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import openvino as ov

Run = Callable[[np.ndarray], dict[str, np.ndarray]]


def openvino_f32(xml: Path) -> Run:
    """One picture at a time on the CPU; f32 hint, else figures differ between processors."""
    compiled = ov.Core().compile_model(xml, 'CPU', {'INFERENCE_PRECISION_HINT': 'f32'})
    names = [output.get_any_name() for output in compiled.outputs]

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
