import type { FunctionComponent } from 'preact'
import { language, speak } from '../words'

/** Each language in its own words, so that it is found by who cannot read the other. */
export const LanguageChoice: FunctionComponent = () => (
  <div class="row" role="group" aria-label="语言 Language">
    <button class="button small" lang="zh-CN" aria-pressed={language() === 'zh-CN'} onClick={() => speak('zh-CN')}>中文</button>
    <button class="button small" lang="en" aria-pressed={language() === 'en'} onClick={() => speak('en')}>English</button>
  </div>
)
