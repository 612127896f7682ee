// What changes on the screen without having the focus is said to who does not see it.
import { signal } from '@preact/signals'
import type { FunctionComponent } from 'preact'

const said = signal('')

/** Say it, also when it is what was said last. */
export function announce(text: string): void {
  said.value = ''
  // A region is read when its text changes: the empty one must have been there.
  setTimeout(() => {
    said.value = text
  }, 50)
}

/** Stands in the page from the beginning: a region that comes with its text is often not read. */
export const Announcer: FunctionComponent = () => (
  <p class="hidden" role="status" aria-live="polite" data-announcer>
    {said.value}
  </p>
)
