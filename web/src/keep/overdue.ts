// Overdue is a matter of the clock: what the server said when it answered is not asked, but the
// deadline.
import { MENDABLE } from '../api/lifecycle'
import type { Issue } from '../api/wire'
import { now } from './clock'
import { tick } from './ticking'

type Timed = Pick<Issue, 'state' | 'deadline'>

/** As the server reckons it: the deadline has passed while the issue waits to be mended. */
export function isOverdue(issue: Timed, at: number = now().getTime()): boolean {
  // Read so that whoever shows it is drawn anew when time moves on.
  void tick.value
  if (issue.deadline === null || !MENDABLE.includes(issue.state)) return false
  return Date.parse(issue.deadline) < at
}
