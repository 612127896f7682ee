// The client's icons: one for each kind of problem, by the catalogue's codes, and those of the frame.
import {
  Ban, Biohazard, Bike, Brush, Building, Car, Cigarette, Construction, Dog, Droplets, Ellipsis, Flag, Flame, Footprints, Hammer, Lamp, Leaf, type LucideIcon, Milk,
  Package, PackageOpen, Plug, Rat, Recycle, ShieldAlert, ShoppingCart, Signpost, Skull, Snowflake, Sprout, StickyNote, Store, TrafficCone, Trash, TreeDeciduous, TreePine, TriangleAlert, Trees, Waves, Wrench,
} from 'lucide-preact'
import type { FunctionComponent } from 'preact'

const KINDS: Record<string, LucideIcon> = {
  litter: Trash, cigarette_ends: Cigarette, waste_animal_human: Footprints, black_spot: ShieldAlert, household_waste_heap: Milk, green_belt_rubbish: Trees, septic_overflow: Droplets, blocked_drain: Waves,
  overflowing_bin: Recycle, dead_animal: Skull, pests: Rat, building_waste: Construction, unauthorised_structure: Building, stairway_clutter: PackageOpen, shopfront_clutter: Package,
  street_vending: ShoppingCart, shopfront_duty: Store, illegal_parking: Car, non_motor_parking: Bike, jaywalking: Ban, abandoned_vehicle: Car, fly_posting: StickyNote, damaged_banner: Flag, graffiti: Brush,
  dog_off_leash: Dog, untended_planting: Leaf, lost_saplings: Sprout, fallen_leaves: Leaf, fallen_tree: TreeDeciduous, no_litter_bin: Trash, street_lamp: Lamp, broken_paving: TrafficCone, no_notice_board: StickyNote,
  damaged_sign: Signpost, damaged_facility: Wrench, fire_lane: Flame, unsafe_wiring: Plug, flooding: Waves, hazardous_sharps: Biohazard, snow_ice: Snowflake, other: Ellipsis,
}
const GROUPS: Record<string, LucideIcon> = {
  sanitation: Trash, construction: Construction, clutter: Package, trade: Store, traffic: Car, posting: StickyNote, animals: Dog, green: TreePine, facilities: Hammer, safety: TriangleAlert, other: Ellipsis,
}

/** The icon of a category; of one that the office has added, its group's. */
export const KindIcon: FunctionComponent<{ code: string; group?: string | undefined }> = ({ code, group }) => {
  const Icon = KINDS[code] ?? GROUPS[group ?? 'other'] ?? Ellipsis
  return <Icon class="icon" aria-hidden="true" />
}
