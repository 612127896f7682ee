// How many notices were not read.
import { signal } from '@preact/signals'
import { get } from '../api/http'
import { me } from './session'

export const unread = signal(0)

export async function countUnread(): Promise<void> {
  const account = me.value?.id
  if (!account) return
  try {
    const found = await get<{ unread: number }>('/v1/notices?unread=true&limit=1')
    if (me.value?.id === account) unread.value = found.unread
  } catch {
    // Not to be known now.
  }
}
