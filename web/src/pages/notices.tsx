// The inbox.
import type { FunctionComponent } from 'preact'
import { useEffect } from 'preact/hooks'
import { Link } from 'wouter-preact'
import { call } from '../api/http'
import type { Notice } from '../api/wire'
import { useKept } from '../keep/kept'
import { usePulse } from '../keep/pulse'
import { unread } from '../keep/unread'
import { Age, Empty } from '../parts/bits'
import { Picture } from '../parts/picture'
import { Page } from '../shell'
import { ago, t } from '../words'

export const NoticesPage: FunctionComponent = () => {
  const kept = useKept<{ items: Notice[]; unread: number }>('/v1/notices?limit=100', usePulse())
  useEffect(() => {
    if (!kept.fresh || !kept.body?.items.length) return
    // What lies on the screen has been read; what comes later has not.
    const seen = kept.body.items.filter((notice) => !notice.read_at).map((notice) => notice.id)
    if (seen.length) void call('POST', '/v1/notices/read', { ids: seen.slice(0, 200) }).then(() => (unread.value = Math.max(0, kept.body!.unread - seen.length)), () => {})
  }, [kept.fresh, kept.body])
  return (
    <Page title={t('notices')} back="/">
      <Age kept={kept} />
      {kept.body?.items.length === 0 && <Empty title={t('no-notices')} />}
      <ul class="items">
        {kept.body?.items.map((notice) => (
          <li key={notice.id} class="card">
            <p>{!notice.read_at && <span class="badge calm">{t('new')}</span>} {notice.text}</p>
            {notice.photo && <div class="photos"><Picture id={notice.photo} alt={t('photo')} /></div>}
            <p class="row apart small quiet"><span>{ago(notice.created_at)}</span>{notice.issue && <Link href={`/app/issues/${notice.issue}`} class="button small">{t('see-issue')}</Link>}</p>
          </li>
        ))}
      </ul>
    </Page>
  )
}
