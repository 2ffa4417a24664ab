// What Home Assistant is told of a kiosk, so that it makes a device of it by itself: one retained message (MQTT device discovery).
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Config, topicPrefix } from '../config/schema.js'
import { writeJson } from '../json-file.js'
import { version } from '../version.js'
import { topicsOf } from './topics.js'

/** Home Assistant's own default prefix of discovery. */
export const discoveryTopic = (kiosk: string): string =>
  `homeassistant/device/grocerd_${kiosk}/config`

const json = (path: string) => `{{ value_json.${path} }}`

/** The message; Home Assistant 2024.11 and newer read it. */
export function discoveryMessage(config: Pick<Config, 'kiosk' | 'cameras' | 'mqtt'>): object {
  const { id, site } = config.kiosk
  const { status, state, basket, items } = topicsOf(topicPrefix(config as Config))
  const entity = (
    key: string,
    platform: string,
    name: string,
    topic: string,
    template: string,
  ) => ({
    platform,
    name,
    unique_id: `grocerd_${id}_${key}`,
    state_topic: topic,
    value_template: template,
    // Here, for Home Assistant took no notice of it at the device's level until 2025.
    qos: 1,
  })
  const problem = (key: string, name: string, condition: string) => ({
    ...entity(key, 'binary_sensor', name, state, `{{ 'OFF' if ${condition} else 'ON' }}`),
    device_class: 'problem',
    entity_category: 'diagnostic',
  })
  // A blurred camera is a problem too, though events go on.
  const cameraIsLive = (camera: string) =>
    `(value_json.cameras | selectattr('id', 'eq', '${camera}') | map(attribute='status') | first) == 'live'`
  const number = { state_class: 'measurement', entity_category: 'diagnostic' }
  return {
    device: {
      identifiers: [`grocerd_${id}`],
      name: `grocerd ${id}`,
      manufacturer: 'grocerd',
      model: 'Grocery recognition kiosk',
      sw_version: version,
      ...(site === null ? {} : { suggested_area: site }),
    },
    origin: { name: 'grocerd', sw_version: version },
    // `stopped` is neither word of Home Assistant's.
    availability: [
      { topic: status, value_template: "{{ 'online' if value == 'online' else 'offline' }}" },
    ],
    components: {
      readiness: {
        ...entity('readiness', 'sensor', 'Readiness', state, json('readiness')),
        json_attributes_topic: state,
        json_attributes_template: '{{ {"reasons": value_json.reasons} | tojson }}',
      },
      problem: problem('problem', 'Problem', "value_json.readiness == 'ready'"),
      paused: {
        ...entity(
          'paused',
          'binary_sensor',
          'Paused',
          state,
          "{{ 'OFF' if value_json.reasons | selectattr('code', 'eq', 'CAMERA_PAUSED') | list == [] else 'ON' }}",
        ),
        entity_category: 'diagnostic',
      },
      // With a dot it would be the method of Python's dict.
      items: entity(
        'items',
        'sensor',
        'Items on the counter',
        basket,
        "{{ value_json['items'] | length }}",
      ),
      last: entity('last', 'sensor', 'Last product', items, json('item.name')),
      waiting: {
        ...entity('waiting', 'sensor', 'Events waiting', state, json('outbox.depth')),
        ...number,
      },
      memory: {
        ...entity('memory', 'sensor', 'Memory', state, json('memory.usedBytes')),
        ...number,
        device_class: 'data_size',
        unit_of_measurement: 'B',
      },
      ...Object.fromEntries(
        config.cameras.map(camera => [
          `camera_${camera.id}`,
          problem(`camera_${camera.id}`, `Camera ${camera.id}`, cameraIsLive(camera.id)),
        ]),
      ),
    },
  }
}

/** Remembers in the state directory that the device was announced: only then is there anything to take back. */
export class HomeAssistant {
  readonly #config: Config
  readonly #note: string

  constructor(config: Config) {
    this.#config = config
    this.#note = join(config.outbox.dir, 'home-assistant.json')
  }

  /** At each connection. @param publish a retained message; an empty one takes the device away */
  async announce(publish: (topic: string, payload: string) => Promise<unknown>): Promise<void> {
    const { kiosk, mqtt, outbox } = this.#config
    const topic = discoveryTopic(kiosk.id)
    if (mqtt.homeAssistant) {
      await publish(topic, JSON.stringify(discoveryMessage(this.#config)))
      mkdirSync(outbox.dir, { recursive: true })
      writeJson(this.#note, { topic })
    } else if (existsSync(this.#note)) {
      await publish(topic, '')
      rmSync(this.#note)
    }
  }
}
