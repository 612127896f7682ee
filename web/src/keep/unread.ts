// How many notices were not read.
import { signal } from '@preact/signals'
import { get } from '../api/http'

export const unread = signal(0)

export async function countUnread(): Promise<void> {
  try {
    unread.value = (await get<{ unread: number }>('/v1/notices?unread=true&limit=1')).unread
  } catch {
    // Not to be known now.
  }
}
