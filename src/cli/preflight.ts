// A configuration as run, check and the demo want it: with all that can be known to be wrong before anything starts.
import { parseSource } from '../cameras/schemes.js'
import { loadConfig } from '../config/load.js'
import type { Config } from '../config/schema.js'
import { readSecret } from '../config/secret.js'
import { describeError } from '../errors.js'
import { readCatalogue } from '../recognition/catalogue.js'
import { readPriors, sharesAt } from '../recognition/priors.js'

function wrongSource(uri: string): string | null {
  try {
    parseSource(uri, 1)
    return null
  } catch (error) {
    // The line of the configuration says already which source is meant.
    return describeError(error).message.replace(/^source "(?:[^"\\]|\\.)*": /, '')
  }
}

/**
 * The model is not looked at: a kiosk whose model is damaged must come up and say so over MQTT.
 * Throws CONFIG_NOT_FOUND, CONFIG_INVALID, CATALOGUE_INVALID, PRIORS_INVALID, all of exit code 78.
 */
export function loadChecked(path: string): Config {
  const config = loadConfig(path, process.env, { source: wrongSource })
  const { kiosk, mqtt, http, catalogue, recognition } = config
  if (mqtt.passwordFile) readSecret(mqtt.passwordFile, 'mqtt.passwordFile')
  if (http.tokenFile) readSecret(http.tokenFile, 'http.tokenFile')
  if (catalogue) readCatalogue(catalogue)
  const { priors } = recognition
  if (priors) sharesAt(readPriors(priors), kiosk.site, priors)
  return config
}
