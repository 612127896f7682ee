// Light, dark, or for the sun; by the phone's own setting where nothing was chosen.
import { signal } from '@preact/signals'
import { remember, remembered } from './remembering'

export type Theme = 'auto' | 'light' | 'dark' | 'sun'
const KEY = 'theme'
export const theme = signal<Theme>('auto')
const phone = matchMedia('(prefers-color-scheme: dark)')

export function startTheme(): void {
  wear((remembered(KEY) as Theme | null) ?? 'auto')
  phone.addEventListener?.('change', () => wear(theme.value))
}

export function wear(chosen: Theme): void {
  theme.value = chosen
  remember(KEY, chosen)
  document.documentElement.dataset['theme'] = chosen === 'auto' ? (phone.matches ? 'dark' : 'light') : chosen
}

export const isDark = (): boolean => document.documentElement.dataset['theme'] === 'dark'
