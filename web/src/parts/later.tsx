// A part of the client that is fetched when it is first looked at. What could not be fetched is
// fetched again: when the network is back, or when somebody asks. Some browsers remember for ever
// that a part failed; then only loading the page anew helps, which is asked.
import type { ComponentType, FunctionComponent, JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { online, useReturn } from '../keep/connection'

export interface Failed {
  again: () => void
  /** It failed though there is a network: `again` loads the page anew. */
  anew: boolean
  error: unknown
}

interface Options<P> {
  waiting: (props: P) => JSX.Element
  failed: (failed: Failed, props: P) => JSX.Element
}

export function later<P extends object>(
  load: () => Promise<ComponentType<P>>,
  { waiting, failed }: Options<P>,
): FunctionComponent<P> {
  let loaded: ComponentType<P> | null = null
  return function Later(props: P) {
    const [, draw] = useState(0)
    const [tries, setTries] = useState(0)
    const [trouble, setTrouble] = useState<{ error: unknown; online: boolean } | null>(null)
    useEffect(() => {
      if (loaded) return
      let gone = false
      load().then(
        (found) => {
          loaded = found
          if (!gone) draw((n) => n + 1)
        },
        (error: unknown) =>
          !gone && setTrouble({ error, online: navigator.onLine && online.value }),
      )
      return () => {
        gone = true
      }
    }, [tries])
    const again = () => {
      setTrouble(null)
      setTries((n) => n + 1)
    }
    useReturn(trouble !== null, again)
    const Loaded = loaded
    if (Loaded) return <Loaded {...props} />
    if (!trouble) return waiting(props)
    const anew = trouble.online && tries > 0
    return failed(
      { again: anew ? () => location.reload() : again, anew, error: trouble.error },
      props,
    )
  }
}
