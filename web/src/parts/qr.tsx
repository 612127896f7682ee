// A link as QR and text, to be scanned from this screen or sent.
import type { FunctionComponent } from 'preact'
import { t } from '../words'
import { say } from './bits'

interface Props {
  url: string
  qr: string
  alt: string
  hint: string
  onClose: () => void
}

export const Qr: FunctionComponent<Props> = ({ url, qr, alt, hint, onClose }) => (
  <>
    {/* An SVG that the server has drawn, shown as a picture so that nothing in it could run. */}
    <div class="qr"><img src={`data:image/svg+xml;utf8,${encodeURIComponent(withNamespace(qr))}`} alt={alt} width="256" height="256" style={{ margin: '0 auto', background: '#fff' }} /></div>
    <p class="small" style={{ overflowWrap: 'anywhere' }}>{url}</p>
    <p class="small quiet">{hint}</p>
    <div class="foot">
      <button class="button" onClick={() => void navigator.clipboard?.writeText(url).then(() => say(t('copied')))}>{t('copy')}</button>
      <button class="button first" onClick={onClose}>{t('done')}</button>
    </div>
  </>
)

const withNamespace = (svg: string): string => (svg.includes('xmlns=') ? svg : svg.replace('<svg', '<svg xmlns="http://www.w3.org/2000/svg"'))
