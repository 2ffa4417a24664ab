// grocerd docs: writes the parts of docs/ that are made from code, or checks that they are as the code says.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { z } from 'zod'
import { errorTable } from '../errors.js'
import { manifestSchema } from '../inference/manifest.js'
import { priceRow } from '../learn/prices.js'
import { messageSchemas, schemaText } from '../publish/schemas.js'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** docs/errors.md, from the one table. */
export function errorsText(): string {
  const head = [
    '# Errors',
    '',
    'Every message of grocerd has a code. Match by the code, never by the words.',
    'This page is made from `src/errors.ts` by `npm run docs`.',
    '',
  ]
  const sections = Object.entries(errorTable).flatMap(([code, entry]) => [
    `## ${code}`,
    '',
    entry.meaning,
    '',
    `**What to do:** ${entry.remedy}`,
    '',
    ...('exit' in entry ? [`A command ends with exit code ${entry.exit}.`, ''] : []),
  ])
  return [...head, ...sections].join('\n')
}

/** Every file that is made from code, by its path in the project. */
export function generatedDocs(): Map<string, string> {
  const files = new Map([['docs/errors.md', errorsText()]])
  for (const [name, schema] of Object.entries(messageSchemas())) {
    files.set(`docs/api/schemas/${name}.schema.json`, schemaText(schema))
  }
  const manifest = z.toJSONSchema(manifestSchema, { io: 'input', unrepresentable: 'any' })
  files.set(
    'docs/api/schemas/model.schema.json',
    schemaText({ title: 'model.json of a model directory', ...manifest }),
  )
  files.set(
    'docs/api/schemas/prices.schema.json',
    schemaText({
      title: 'One row of the price list of grocerd evaluate --prices',
      ...z.toJSONSchema(priceRow, { io: 'input' }),
    }),
  )
  return files
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}

function docs(options: { write?: boolean }): void {
  let stale = 0
  for (const [name, text] of generatedDocs()) {
    const path = join(root, name)
    if (readOrNull(path) === text) continue
    stale++
    if (options.write) {
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, text)
    }
    process.stdout.write(`${options.write ? 'written' : 'stale'}: ${name}\n`)
  }
  if (stale > 0 && !options.write) process.exitCode = 1
}

export const docsCommand = (): Command =>
  new Command('docs')
    .description('check the parts of docs/ that are made from code')
    .option('--write', 'write them')
    .option('--check', 'only say which are stale, and end with 1 if any is (default)')
    .action(docs)
