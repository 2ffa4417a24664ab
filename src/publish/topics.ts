// The topics under the prefix of a kiosk; asyncapi.yaml is held against this list by a test.

/** Every topic below the prefix, with its direction as the kiosk sees it. */
export const topicTable = {
  status: { direction: 'out', qos: 1, retain: true },
  state: { direction: 'out', qos: 1, retain: true },
  items: { direction: 'out', qos: 1, retain: false },
  basket: { direction: 'out', qos: 1, retain: true },
  'frames/{camera}': { direction: 'out', qos: 0, retain: false },
  assist: { direction: 'out', qos: 1, retain: false },
  'reply/{verb}': { direction: 'out', qos: 1, retain: false },
  'cmd/{verb}': { direction: 'in', qos: 1, retain: false },
  ack: { direction: 'in', qos: 1, retain: false },
  pos: { direction: 'in', qos: 1, retain: false },
  scale: { direction: 'in', qos: 0, retain: false },
  till: { direction: 'in', qos: 1, retain: true },
} as const

export type Topics = ReturnType<typeof topicsOf>

/** @param prefix `topicPrefix(config)`, without a slash at its end. */
export const topicsOf = (prefix: string) => ({
  prefix,
  status: `${prefix}/status`,
  state: `${prefix}/state`,
  items: `${prefix}/items`,
  basket: `${prefix}/basket`,
  frames: (camera: string) => `${prefix}/frames/${camera}`,
  assist: `${prefix}/assist`,
  reply: (verb: string) => `${prefix}/reply/${verb}`,
  /** What a kiosk subscribes to, with the QoS of each. */
  incoming: {
    [`${prefix}/cmd/+`]: { qos: 1 as const },
    [`${prefix}/ack`]: { qos: 1 as const },
    [`${prefix}/pos`]: { qos: 1 as const },
    [`${prefix}/scale`]: { qos: 0 as const },
    [`${prefix}/till`]: { qos: 1 as const },
  },
})
