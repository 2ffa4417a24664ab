"""Gives an IR v10 graph that came without weights a seeded .bin, and the answer that Python's
OpenVINO gives then: the compatibility case of the addon's tests, not a model of anything."""

import argparse
import json
import shutil
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import openvino as ov

SEED = 10
TYPES = {'f32': np.float32, 'i64': np.int64, 'i32': np.int32}


class Graph:
    """The XML's layers and edges, as far as constants need them."""

    def __init__(self, xml: Path):
        root = ElementTree.parse(xml).getroot()
        self.layers = {layer.get('id'): layer for layer in root.find('layers')}
        self.users: dict[str, list[tuple[str, int]]] = {}
        for edge in root.find('edges'):
            user = edge.get('to-layer'), int(edge.get('to-port'))
            self.users.setdefault(edge.get('from-layer'), []).append(user)

    def constants(self):
        return (layer for layer in self.layers.values() if layer.get('type') == 'Const')

    def ports(self, layer: str, side: str) -> list[list[int]]:
        ports = self.layers[layer].findall(f'{side}/port')
        return [[int(dim.text) for dim in port.findall('dim')] for port in ports]

    def after(self, layer: str, kind: str) -> str:
        """The next layer of a kind, down the first edges."""
        while self.layers[layer].get('type') != kind:
            layer = self.users[layer][0][0]
        return layer


def integers(graph: Graph, user: str, port: int) -> list[int]:
    """What an integer constant must be, from the shapes that the graph states around its user."""
    kind = graph.layers[user].get('type')
    into, out = graph.ports(user, 'input'), graph.ports(user, 'output')
    if kind == 'Pad':  # "same" padding of even sizes: the odd pixel comes last
        grown = np.subtract(out[0], into[0])
        return list(grown // 2 if port == 1 else grown - grown // 2)
    if kind == 'Concat':  # parts of a shape: they are the dimensions of the Reshape that takes it
        return [graph.ports(graph.after(user, 'Reshape'), 'output')[0][port]]
    if kind == 'Transpose':
        return [0, 3, 1, 2] if out[0][1] == into[0][3] else [0, 2, 3, 1]
    known = {'ReduceMean': [2, 3], 'Unsqueeze': [0], 'Reshape': out[0],
             'StridedSlice': [0] if port == 1 else [1]}
    return known[kind]


def floats(graph: Graph, user: str, shape: list[int], random: np.random.Generator) -> np.ndarray:
    """Kernels scaled by their fan-in so that signals neither die nor explode; small biases."""
    kind = graph.layers[user].get('type')
    if int(np.prod(shape)) == 1:  # the graph's own scaling of pixels, and the value of pads
        return np.full(shape, {'Multiply': 1 / 127.5, 'Add': -1}.get(kind, 0))
    if kind == 'Add':
        return random.normal(0, 0.1, shape)
    kernel = shape[2:] if kind == 'GroupConvolution' else shape[1:]
    # a wide last layer, else the softmax is so flat that a wrong answer would look right
    gain = 16 if kind == 'MatMul' else np.sqrt(2)
    return random.normal(0, gain / np.sqrt(np.prod(kernel)), shape)


def fill(graph: Graph) -> bytes:
    """The whole .bin: every constant at its offset."""
    random = np.random.default_rng(SEED)
    places = [layer.find('data') for layer in graph.constants()]
    weights = bytearray(max(int(at.get('offset')) + int(at.get('size')) for at in places))
    for layer in graph.constants():
        place, (user, port) = layer.find('data'), graph.users[layer.get('id')][0]
        kind = TYPES[place.get('element_type')]
        shape = [int(part) for part in place.get('shape').split(',') if part.strip()]
        values = (floats(graph, user, shape, random) if kind is np.float32
                  else integers(graph, user, port))
        raw = np.asarray(values, kind).tobytes()
        at, size = int(place.get('offset')), int(place.get('size'))
        if len(raw) != size:
            raise ValueError(f'Expected {size} bytes for {layer.get("name")}, made {len(raw)}')
        weights[at:at + size] = raw
    return bytes(weights)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--graph', type=Path, required=True, help='folder with saved_model.xml')
    parser.add_argument('--out', type=Path, required=True,
                        help='gets saved_model.{xml,bin}, labels.csv, input.f32, expected.json')
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for name in ('saved_model.xml', 'labels.csv'):
        shutil.copyfile(options.graph / name, options.out / name)
    xml = options.out / 'saved_model.xml'
    xml.with_suffix('.bin').write_bytes(fill(Graph(xml)))

    image = np.random.default_rng(SEED).uniform(0, 255, (1, 3, 224, 224)).astype(np.float32)
    image.tofile(options.out / 'input.f32')
    compiled = ov.Core().compile_model(xml, 'CPU', {'INFERENCE_PRECISION_HINT': 'f32'})
    softmax = next(iter(compiled(image).values()))[0]
    (options.out / 'expected.json').write_text(json.dumps(
        {'input': 'input.f32', 'shape': list(image.shape), 'softmax': softmax.tolist()}) + '\n')
    print(f'{xml}: class {softmax.argmax()} with {softmax.max():.4f}, sum {softmax.sum():.6f}')


if __name__ == '__main__':
    main()
