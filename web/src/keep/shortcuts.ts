// Whether single letters do something: who speaks to the phone, or strikes a key by accident, can
// turn them off (WCAG 2.1.4).
import { signal } from '@preact/signals'
import { remember, remembered } from './remembering'

const KEY = 'shortcuts'
export const shortcuts = signal<boolean>(remembered(KEY) !== 'off')

export function allowShortcuts(on: boolean): void {
  shortcuts.value = on
  remember(KEY, on ? 'on' : 'off')
}

/**
 * Whether a key that was pressed is a letter meant for the page: not one that is typed, nor one
 * over a dialog.
 */
export function isShortcut(event: KeyboardEvent): boolean {
  if (
    !shortcuts.value ||
    event.ctrlKey ||
    event.metaKey ||
    event.altKey ||
    event.isComposing ||
    event.defaultPrevented
  )
    return false
  if (document.querySelector('dialog[open]')) return false
  const target = event.target
  return !(
    target instanceof HTMLElement &&
    (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  )
}
