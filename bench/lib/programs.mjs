// Runs one program to its end and reads the JSON it prints.
import { spawn } from 'node:child_process'

/** Rejects with the program's own words when it fails. */
export function run(command, args, env = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: { ...process.env, ...env } })
    let out = ''
    let words = ''
    child.stdout.on('data', chunk => (out += chunk))
    child.stderr.on('data', chunk => (words += chunk))
    child.on('error', reject)
    child.on('exit', code => {
      if (code === 0) resolve(out)
      else reject(new Error(`${command} ended with ${code}: ${words.slice(-2000)}`))
    })
  })
}

export const runJson = async (...given) => {
  const out = await run(...given)
  return JSON.parse(out.slice(out.indexOf('{')))
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
