// The words of the live page: what codes and numbers mean to a person. No DOM.

export const statusWords = {
  starting: ['Starting', 'wait'],
  ready: ['Ready', 'good'],
  degraded: ['Needs attention', 'bad'],
  stopping: ['Stopping', 'wait'],
}

export const decisionWords = {
  sure: ['Sure', 'good', 'The till preselects it; one touch confirms.'],
  ask: ['Not sure', 'ask', 'The till shows these to choose from.'],
  unknown: ['Unknown', 'bad', 'The till shows these above its own menu.'],
}

export const askWords = {
  confidence: 'Two or more products look alike here.',
  variant: 'It could be another variety of the same product.',
  conflict: 'The evidence does not agree.',
  quality: 'The picture is not good enough to be sure.',
  restricted: 'This product needs an attendant.',
  presentAtOpen: 'It lay here before the session was opened.',
}

/** A picture without anything to name, by the look of the scene. */
export const sceneWords = {
  empty: ['The counter is empty', 'Nothing to announce until something is placed.'],
  moving: ['Something is moving', 'It is announced when it lies still.'],
  dark: ['Too dark to see', 'Check the light, and that nothing covers the camera.'],
  object: ['Looking', ''],
}

export const cameraWords = {
  connecting: ['connecting', 'wait'],
  live: ['live', 'good'],
  stalled: ['gives no pictures', 'bad'],
  lost: ['lost, trying again', 'bad'],
  dark: ['dark or covered', 'bad'],
  frozen: ['shows an old picture', 'bad'],
  covered: ['covered', 'bad'],
  blurred: ['out of focus', 'bad'],
  moved: ['was moved', 'bad'],
  ended: ['ended', 'wait'],
}

export const reasonWords = {
  taken: 'Taken away',
  hidden: 'Hidden',
  retracted: 'Withdrawn',
  sessionEnd: 'Session ended',
}

export const actionWords = { placed: 'Placed', changed: 'Changed', removed: 'Removed' }

/** noConsensus -> No consensus; words stay words. */
export const sentence = code => {
  const words = String(code)
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .replaceAll('_', ' ')
    .toLowerCase()
  return words.charAt(0).toUpperCase() + words.slice(1)
}

export const percent = score => {
  if (score >= 0.995) return '>99 %'
  return score < 0.005 ? '<1 %' : `${Math.round(score * 100)} %`
}

export const milliseconds = ms => {
  if (ms === null || ms === undefined) return ''
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
}

export const mebibytes = bytes => `${Math.round(bytes / 1024 ** 2)} MiB`

export const timeOfDay = iso =>
  new Date(iso).toLocaleTimeString('en-GB', {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  })

export const ago = ms => {
  if (ms < 1500) return 'now'
  if (ms < 60_000) return `${Math.round(ms / 1000)} s ago`
  return ms < 3_600_000
    ? `${Math.round(ms / 60_000)} min ago`
    : `${Math.round(ms / 3_600_000)} h ago`
}
