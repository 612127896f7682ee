// When and where a photograph says it was taken. Loaded when the first photograph is chosen.
import ExifReader from 'exifreader'
import type { Spot } from './geo'

export interface Taken {
  at: Date | null
  spot: Spot | null
}

/** Reads the head of the file only. A photograph that says nothing, or cannot be read, is no error. */
export async function taken(blob: Blob): Promise<Taken> {
  try {
    const tags = ExifReader.load(await blob.slice(0, 256 * 1024).arrayBuffer(), { expanded: true })
    const lat = tags.gps?.Latitude
    const lon = tags.gps?.Longitude
    const text = tags.exif?.DateTimeOriginal?.description
    const offset = tags.exif?.OffsetTimeOriginal?.description
    const at = text ? new Date(`${text.slice(0, 10).replace(/:/g, '-')}T${text.slice(11, 19)}${offset && /^[+-]\d\d:\d\d$/.test(offset) ? offset : ''}`) : null
    return {
      at: at && !Number.isNaN(at.getTime()) ? at : null,
      spot: typeof lat === 'number' && typeof lon === 'number' && (lat !== 0 || lon !== 0) && Math.abs(lat) <= 90 && Math.abs(lon) <= 180 ? { lat, lon } : null,
    }
  } catch {
    return { at: null, spot: null }
  }
}
