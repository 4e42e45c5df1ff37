/**
 * How many replicas the times of the week ask for: pure, by what clocks in each window's time zone show.
 *
 * Only what a clock shows is compared, never times that were calculated ahead, so the hour that is skipped or comes twice
 * needs no care: a window is open while the clock is inside of it.
 */
import { type ScheduleWindow, type Weekday, WEEKDAYS } from "./schedule-spec.ts";

type Scheduled = {
  /** 0: no window is open. */
  readonly minReplicas: number;
  /** When to look again; undefined: there are no windows. */
  readonly againInMs: number | undefined;
};

const MINUTE_MS = 60_000;
const DAY_MINUTES = 24 * 60;
/** Clocks are put forward and back at quarters of an hour. */
const LOOK_AGAIN_MINUTES = 15;

export function scheduledAt(windows: readonly ScheduleWindow[], nowMs: number): Scheduled {
  const clocks = windows.map((window) => ({ window, clock: clockIn(window.timeZone, nowMs) }));
  const open = clocks.filter(({ window, clock }) => isOpen(window, clock));
  const minutes = clocks.flatMap(({ window: { from, to }, clock }) =>
    [from, to].map((time) => minutesUntil(time, clock)),
  );
  const inMs = Math.min(...minutes, LOOK_AGAIN_MINUTES) * MINUTE_MS - (nowMs % MINUTE_MS);
  return {
    minReplicas: Math.max(0, ...open.map(({ window }) => window.minReplicas)),
    againInMs: windows.length === 0 ? undefined : inMs,
  };
}

/** A zone that this machine does not know. */
export function unknownTimeZone(windows: readonly ScheduleWindow[]): string | undefined {
  return windows.find(({ timeZone }) => formatIn(timeZone) === undefined)?.timeZone;
}

type Clock = { readonly day: Weekday; readonly minute: number };

function isOpen({ days, from, to }: ScheduleWindow, { day, minute }: Clock): boolean {
  const beginsOn = (one: Weekday): boolean => days === undefined || days.includes(one);
  const [begins, ends] = [minuteOf(from), minuteOf(to)];
  if (begins < ends) return beginsOn(day) && begins <= minute && minute < ends;
  return minute >= begins ? beginsOn(day) : minute < ends && beginsOn(dayBefore(day));
}

/** One at least: what begins now has begun. */
function minutesUntil(time: string, { minute }: Clock): number {
  const minutes = (minuteOf(time) - minute + DAY_MINUTES) % DAY_MINUTES;
  return minutes === 0 ? DAY_MINUTES : minutes;
}

function minuteOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(":").map(Number);
  return hours * 60 + minutes;
}

function dayBefore(day: Weekday): Weekday {
  return WEEKDAYS.at(WEEKDAYS.indexOf(day) - 1) ?? day;
}

/** UTC's, in a zone that is not known. */
function clockIn(timeZone: string, nowMs: number): Clock {
  const format = formatIn(timeZone) ?? formatIn("UTC");
  const parts = new Map(format?.formatToParts(nowMs).map(({ type, value }) => [type, value]));
  const minute = Number(parts.get("hour")) * 60 + Number(parts.get("minute"));
  return { day: WEEKDAYS.find((day) => day === parts.get("weekday")) ?? "Mon", minute };
}

const formats = new Map<string, Intl.DateTimeFormat | undefined>();
const FORMATS_MAX = 1000;

/** Made once for each zone: making one takes longer than all else here. */
function formatIn(timeZone: string): Intl.DateTimeFormat | undefined {
  if (formats.has(timeZone)) return formats.get(timeZone);
  if (formats.size >= FORMATS_MAX) formats.clear();
  const format = newFormat(timeZone);
  formats.set(timeZone, format);
  return format;
}

function newFormat(timeZone: string): Intl.DateTimeFormat | undefined {
  try {
    return new Intl.DateTimeFormat("en-US", {
      timeZone,
      weekday: "short",
      hour: "2-digit",
      minute: "2-digit",
      hourCycle: "h23",
    });
  } catch {
    return undefined;
  }
}
