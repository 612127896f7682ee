// Small settings of this browser. It may have no place for them, refuse it, or be full: then they
// hold until the page is closed, and nothing else fails for it.

export function remembered(key: string): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}

export function remember(key: string, value: string): void {
  try {
    localStorage.setItem(key, value)
  } catch {
    // It is not remembered.
  }
}
