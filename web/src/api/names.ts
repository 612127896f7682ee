// Written by web/contract.py from the service's own words.
export const NAMES: Record<'zh-CN' | 'en', Record<string, string>> = {
  "zh-CN": {
    "as.reporter": "上报人",
    "as.sole_reporter": "上报人",
    "as.late_reporter": "上报人",
    "as.leader": "网格长",
    "as.staff": "社区工作人员",
    "as.assignee": "经办单位",
    "as.inspector": "督查员",
    "as.clock": "系统",
    "as.system": "系统",
    "as.import": "历史导入",
    "reason.cannot_be_mended": "无法整改",
    "reason.not_our_matter": "不属于本社区职责",
    "reason.gone": "问题已不存在",
    "reason.duplicate": "重复",
    "reason.other": "其他"
  },
  "en": {
    "as.reporter": "reporter",
    "as.sole_reporter": "reporter",
    "as.late_reporter": "reporter",
    "as.leader": "grid leader",
    "as.staff": "office staff",
    "as.assignee": "unit",
    "as.inspector": "inspector",
    "as.clock": "the system",
    "as.system": "the system",
    "as.import": "import",
    "reason.cannot_be_mended": "Cannot be mended",
    "reason.not_our_matter": "Not our matter",
    "reason.gone": "No longer there",
    "reason.duplicate": "Duplicate",
    "reason.other": "Other"
  }
}
