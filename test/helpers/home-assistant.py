# Home Assistant's own reading of a discovery message: its schemas, and its templates upon our messages. JSON in, JSON out.
import asyncio
import json
import sys
import tempfile

from homeassistant.components.mqtt import binary_sensor, discovery, sensor
from homeassistant.core import HomeAssistant
from homeassistant.helpers import frame
from homeassistant.helpers.template import TemplateEnvironment
from voluptuous import Invalid

platforms = {"sensor": sensor, "binary_sensor": binary_sensor}


def render(template, text):
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    return TemplateEnvironment(None).from_string(template).render(value=text, value_json=value)


def read(text, messages):
    """For each component what is wrong, which keys nobody takes, and what it shows."""
    if not discovery.TOPIC_MATCHER.match(messages["topic"].removeprefix("homeassistant/")):
        return {"error": "no topic of discovery"}
    payload = json.loads(text)
    try:
        discovery.DEVICE_DISCOVERY_SCHEMA(json.loads(text))
    except Invalid as error:
        return {"error": str(error)}
    shown = {}
    for key, given in payload["components"].items():
        platform = given.pop("platform")
        discovery._merge_common_device_options(given, payload)
        given |= {"device": payload["device"], "origin": payload["origin"]}
        try:
            taken = platforms[platform].DISCOVERY_SCHEMA(given)
        except Invalid as error:
            shown[key] = {"error": str(error)}
            continue
        shown[key] = {
            "qos": taken["qos"],
            "ignored": sorted(set(given) - set(taken)),
            "value": render(given["value_template"], messages[given["state_topic"]]),
        }
        if "json_attributes_template" in given:
            topic = given["json_attributes_topic"]
            shown[key]["attributes"] = json.loads(render(given["json_attributes_template"], messages[topic]))
        for one in given["availability"]:
            shown[key]["available"] = render(one["value_template"], messages[one["topic"]])
    return shown


async def main(asked):
    # Its schemas look for the instance that they belong to.
    with tempfile.TemporaryDirectory() as folder:
        frame.async_setup(HomeAssistant(folder))
        print(json.dumps(read(asked["discovery"], asked["messages"])))


asyncio.run(main(json.load(sys.stdin)))
