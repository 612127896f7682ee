// Names for the shapes of the contract, as generated from the server's own description.
import type { components } from './schema'

type S = components['schemas']
export type Issue = S['Issue']
export type Changes = S['Changes']
export type IssuePage = S['IssuePage']
export type Nearby = S['Nearby']
export type ReportIn = S['ReportIn']
export type ReportAnswer = S['ReportAnswer']
export type Photo = S['Photo']
export type Ref = S['Ref']
export type PublicIssue = S['PublicIssue']
export type Me = S['Me']
export type Held = S['Held']
export type Group = S['Group']
export type Category = S['Category']
export type Feature = S['AreaFeature']
export type Features = S['AreaFeatures']
export type TimelineEntry = S['TimelineEntry']
export type Notice = S['Notice']
export type MyRecord = S['MyRecord']
export type Patrol = S['Patrol']
export type Coverage = S['Coverage']
export type Person = S['Person']
export type Unit = S['Unit']
export type Authority = S['Authority']
export type BlackSpot = S['BlackSpot']
export type Summary = S['AreaSummary']
export type CellSummary = S['CellSummary']
export type Hotspots = S['Hotspots']
export type Invitation = S['Invitation']
export type Device = S['Device']
export type Channel = S['Channel']

export interface Page<T> {
  items: T[]
  next_cursor: string | null
}
