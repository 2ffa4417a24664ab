// The sheet as files, for people and for programs, beside those of earlier commissionings.
import { chownSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { openPicture } from '../../sharp.js'
import { writeWhole } from '../../whole-file.js'
import { renderSheet, type Sheet } from './sheet.js'

const pictureSide = 480

async function dataUri(jpeg: Uint8Array): Promise<string> {
  const small = await openPicture(jpeg)
    .resize({ width: pictureSide, height: pictureSide, fit: 'inside', withoutEnlargement: true })
    .jpeg({ quality: 78 })
    .toBuffer()
  return `data:image/jpeg;base64,${small.toString('base64')}`
}

/** What a program reads of it; pictures are in the page only. */
export function sheetJson({ state, camera, ...rest }: Sheet): object {
  const { version, model, runtime, device, gallery, readiness, reasons } = state
  const steps = rest.steps.map(({ picture: _, ...step }) => step)
  const { id, mode, roi, mask } = camera
  const seen = { version, model, runtime, device, gallery, readiness, reasons }
  return { format: 1, ...rest, camera: { id, mode, roi, mask }, ...seen, steps }
}

/** Root may write what the daemon's user must be able to read. */
function giveLike(path: string, example: string): void {
  const { uid, gid } = statSync(example)
  if (process.getuid?.() === 0) chownSync(path, uid, gid)
}

/** @param owner the folder whose user all shall belong to; null: who writes them */
export async function writeSheet(
  dir: string,
  sheet: Sheet,
  owner: string | null,
): Promise<{ html: string; json: string; text: string }> {
  const pictures = new Map<string, string>()
  for (const { id, picture } of sheet.steps) if (picture) pictures.set(id, await dataUri(picture))
  const time = sheet.endedAt.toISOString().slice(0, 19).replaceAll(':', '-')
  const name = join(dir, `${sheet.kiosk.id}-${sheet.camera.id}-${time}Z`)
  const text = `${JSON.stringify(sheetJson(sheet), null, 1)}\n`
  const files = { html: `${name}.html`, json: `${name}.json` }
  writeWhole(files.html, renderSheet(sheet, pictures))
  writeWhole(files.json, text)
  if (owner !== null) for (const path of [dir, files.html, files.json]) giveLike(path, owner)
  return { ...files, text }
}
