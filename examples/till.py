# A till in forty lines (pip install paho-mqtt): opens a session, shows what lies on the counter, confirms what is sure; over MQTT 5 or 3.1.1.
# python3 examples/till.py 127.0.0.1 1883 grocerd/demo 5
import json
import sys
import time
import uuid

import paho.mqtt.client as mqtt

defaults = ["127.0.0.1", "1883", "grocerd/demo", "5"]
host, port, prefix, version = sys.argv[1:] + defaults[len(sys.argv) - 1 :]
session = f"till-{time.time_ns()}"
known = set()


def command(verb, **payload):
    # Each command has an id of its own: sent twice it does nothing twice.
    text = json.dumps({"requestId": str(uuid.uuid4()), **payload})
    broker.publish(f"{prefix}/cmd/{verb}", text, qos=1)


def on_connect(client, userdata, flags, reason, properties):
    client.subscribe([(f"{prefix}/{name}", 1) for name in ("items", "status", "reply/+")])
    command("session", op="open", session=session)


def on_message(client, userdata, packet):
    text = packet.payload.decode()
    if packet.topic.endswith("/status"):
        return print("kiosk", text, flush=True)
    message = json.loads(text)
    if "/reply/" in packet.topic:
        if not message["ok"]:
            print("refused:", message["error"]["code"], message["error"]["message"], flush=True)
        return
    # The same event may come twice, and an old one must never sell anything.
    if message["id"] in known or message["replayed"]:
        return
    known.add(message["id"])
    item = message["item"]
    print(message["action"], item["decision"], item["name"] or "unknown", flush=True)
    if message["action"] == "placed" and item["decision"] == "sure":
        command("confirm", session=session, itemId=item["itemId"], sku=item["sku"], by="shopper")


protocol = mqtt.MQTTv311 if version == "3.1.1" else mqtt.MQTTv5
broker = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=protocol)
broker.on_connect, broker.on_message = on_connect, on_message
broker.connect(host, int(port))
broker.loop_forever()
