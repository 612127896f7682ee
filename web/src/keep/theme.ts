// Light, dark, or for the sun; by the phone's own setting where nothing was chosen.
import { signal } from '@preact/signals'

export type Theme = 'auto' | 'light' | 'dark' | 'sun'
const KEY = 'theme'
export const theme = signal<Theme>('auto')

export function startTheme(): void {
  wear((localStorage.getItem(KEY) as Theme | null) ?? 'auto')
}

export function wear(chosen: Theme): void {
  theme.value = chosen
  localStorage.setItem(KEY, chosen)
  if (chosen === 'auto') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = chosen
}

export const isDark = (): boolean => theme.value === 'dark' || (theme.value === 'auto' && matchMedia('(prefers-color-scheme: dark)').matches)
