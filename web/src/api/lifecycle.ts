// Written by web/contract.py from the lifecycle table: the fields that each action needs, and may have; the states, and which are open.
export const ACTIONS = {
  withdraw: { needs: [], may: ["reason"] },
  accept: { needs: [], may: ["public_place"] },
  reject: { needs: ["reason"], may: [] },
  merge: { needs: ["into"], may: ["reason"] },
  unmerge: { needs: [], may: ["reason"] },
  assign: { needs: [], may: ["unit", "assignee", "deadline", "reason", "note"] },
  start: { needs: [], may: [] },
  rectify: { needs: ["photos"], may: ["note"] },
  verify: { needs: [], may: ["note"] },
  send_back: { needs: ["reason"], may: [] },
  hand_over: { needs: ["authority", "reply_by"], may: ["note"] },
  reply: { needs: ["to", "note"], may: ["photos"] },
  request_extension: { needs: ["deadline", "reason"], may: [] },
  grant_extension: { needs: ["deadline", "reason"], may: [] },
  refuse_extension: { needs: ["reason"], may: [] },
  close_unresolved: { needs: ["reason_code"], may: ["reason"] },
  reopen: { needs: ["reason"], may: [] },
  comment: { needs: ["note"], may: ["photos"] },
  pass_inspection: { needs: [], may: ["note", "photos"] },
  fail_inspection: { needs: ["reason"], may: ["photos"] },
  name_premises: { needs: [], may: ["premises", "reason"] },
  reclassify: { needs: ["category"], may: ["reason"] },
  relocate: { needs: ["position"], may: ["place", "reason"] },
  name_place: { needs: ["public_place"], may: [] },
} as const

export type ActionName = keyof typeof ACTIONS

export const STATES = ["reported", "accepted", "assigned", "in_progress", "handed_over", "rectified", "closed", "rejected", "withdrawn", "merged"] as const
export const OPEN: readonly string[] = ["reported", "accepted", "assigned", "in_progress", "handed_over", "rectified"]
/** In these an issue whose deadline has passed is overdue. */
export const MENDABLE: readonly string[] = ["reported", "accepted", "assigned", "in_progress"]
