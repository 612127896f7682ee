// When and where a photograph says it was taken. Loaded when the first photograph is chosen.
import ExifReader from 'exifreader'
import type { Spot } from './geo'
import { instant, position, text } from './said'

export interface Taken {
  at: Date | null
  spot: Spot | null
}

/** Reads the head of the file only. A photograph that says nothing, or cannot be read, is no error. */
export async function taken(blob: Blob): Promise<Taken> {
  try {
    const tags = ExifReader.load(await blob.slice(0, 256 * 1024).arrayBuffer(), { expanded: true })
    const exif = (tags.exif ?? {}) as Record<string, { value?: unknown } | undefined>
    const value = (name: string): unknown => exif[name]?.value
    const offsets = ['OffsetTimeOriginal', 'OffsetTimeDigitized', 'OffsetTime'].map((name) => text(value(name)))
    const said = ['DateTimeOriginal', 'DateTimeDigitized'].map((name) => text(value(name)))
    return {
      at: said.map((time) => instant(time, offsets, new Date())).find((at) => at !== null) ?? null,
      spot: position(value('GPSLatitude'), value('GPSLatitudeRef'), value('GPSLongitude'), value('GPSLongitudeRef')),
    }
  } catch {
    return { at: null, spot: null }
  }
}
