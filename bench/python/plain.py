"""What a user would write instead: OpenCV, OpenVINO and paho-mqtt, one frame to one PUBACK.

sync: one frame after the other. async: AsyncInferQueue. Prints one line of JSON.
"""

import argparse
import json
import pathlib
import time

import cv2
import numpy as np
import openvino as ov
import paho.mqtt.client as mqtt

WARM_UP_S = 1


def read_arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mode", choices=["sync", "async"], required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--input", required=True, help="the input of model.json, as JSON")
    parser.add_argument("--labels", type=int, required=True)
    parser.add_argument("--frames", required=True)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--broker", required=True, help="host:port")
    parser.add_argument("--precision", default="")
    return parser.parse_args()


class Preprocess:
    """The picture of a camera to the tensor of the model: fit crop, INTER_AREA."""

    def __init__(self, spec):
        self.size = (spec["width"], spec["height"])
        self.mean = np.float32(spec["mean"])
        self.scale = np.float32(spec["scale"])

    def __call__(self, jpeg):
        picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        height, width = picture.shape[:2]
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        square = picture[top : top + side, left : left + side]
        small = cv2.resize(square, self.size, interpolation=cv2.INTER_AREA)
        rgb = cv2.cvtColor(small, cv2.COLOR_BGR2RGB)
        tensor = (rgb.astype(np.float32) - self.mean) / self.scale
        return tensor.transpose(2, 0, 1)[None]


def answer(logits):
    scores = np.exp(logits - logits.max())
    scores /= scores.sum()
    best = np.argsort(scores)[::-1][:4]
    return json.dumps({"candidates": [{"class": int(i), "score": float(scores[i])} for i in best]})


def connect(broker):
    host, port = broker.rsplit(":", 1)
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.max_inflight_messages_set(16)
    client.connect(host, int(port))
    client.loop_start()
    return client


def logits_of(outputs, classes):
    for port, value in outputs:
        if value.size == classes:
            return value.reshape(-1)
    raise SystemExit(f"no output of {classes} values")


def run_sync(frames, compiled, preprocess, client, arguments, begin, end):
    request = compiled.create_infer_request()
    times = []
    for index in range(1 << 60):
        start = time.perf_counter()
        if start >= end:
            return times
        result = request.infer([preprocess(frames[index % len(frames)])])
        logits = logits_of(result.items(), arguments.labels)
        client.publish("bench/python/frames/bench", answer(logits), qos=1).wait_for_publish()
        if start >= begin:
            times.append((time.perf_counter() - start) * 1000)


def run_async(frames, compiled, preprocess, client, arguments, begin, end):
    times, open_messages = [], {}

    def published(_client, _userdata, mid, *_rest):
        start = open_messages.pop(mid, None)
        if start is not None and start >= begin:
            times.append((time.perf_counter() - start) * 1000)

    def inferred(request, start):
        logits = logits_of([(None, t.data) for t in request.output_tensors], arguments.labels)
        message = client.publish("bench/python/frames/bench", answer(logits), qos=1)
        open_messages[message.mid] = start

    client.on_publish = published
    queue = ov.AsyncInferQueue(compiled)
    queue.set_callback(inferred)
    for index in range(1 << 60):
        start = time.perf_counter()
        if start >= end:
            break
        queue.start_async([preprocess(frames[index % len(frames)])], start)
    queue.wait_all()
    deadline = time.perf_counter() + 2
    while open_messages and time.perf_counter() < deadline:
        time.sleep(0.001)
    return times


def main():
    arguments = read_arguments()
    hint = "THROUGHPUT" if arguments.mode == "async" else "LATENCY"
    options = {"PERFORMANCE_HINT": hint}
    if arguments.precision:
        options["INFERENCE_PRECISION_HINT"] = arguments.precision
    compiled = ov.Core().compile_model(arguments.model, "CPU", options)
    frames = [p.read_bytes() for p in sorted(pathlib.Path(arguments.frames).glob("*.jpg"))]
    preprocess = Preprocess(json.loads(arguments.input))
    client = connect(arguments.broker)
    begin = time.perf_counter() + WARM_UP_S
    end = begin + arguments.seconds
    run = run_sync if arguments.mode == "sync" else run_async
    times = sorted(run(frames, compiled, preprocess, client, arguments, begin, end))
    elapsed = time.perf_counter() - begin
    client.disconnect()
    at = lambda share: times[min(len(times) - 1, int(share * len(times)))] if times else 0
    print(
        json.dumps(
            {
                "frames": len(times),
                "fps": len(times) / elapsed,
                "latencyMs": {"p50": at(0.5), "p99": at(0.99)},
            }
        )
    )


main()
