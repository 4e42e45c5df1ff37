/**
 * `spec.scaling.schedule`: times of the week in which a model is there before anybody asks for it.
 */
import { z } from "zod";
import { textLike } from "./text.ts";

export const WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"] as const;
export type Weekday = (typeof WEEKDAYS)[number];

const TimeOfDay = textLike(5, /^([01][0-9]|2[0-3]):[0-5][0-9]$/, "a time such as 08:30");

export const ScheduleWindow = z.strictObject({
  days: z
    .array(z.enum(WEEKDAYS))
    .min(1)
    .max(7)
    .exactOptional()
    .describe("Days of the week on which it begins. Absent: all.")
    .meta({ "x-kubernetes-list-type": "atomic" }),
  from: TimeOfDay.describe("When it begins, such as `08:00`."),
  to: TimeOfDay.describe(
    "When it ends. At or before `from`: on the next day, so `00:00` to `00:00` is a whole day.",
  ),
  timeZone: textLike(
    64,
    /^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+)*$/,
    "a time zone such as Europe/Berlin",
  )
    .default("UTC")
    .describe("Whose clocks are meant, as the IANA database names it, such as `Europe/Berlin`."),
  minReplicas: z.int().min(1).max(1000).default(1).describe("Fewest replicas in this time."),
});
export type ScheduleWindow = z.infer<typeof ScheduleWindow>;

export const Schedule = z
  .array(ScheduleWindow)
  .max(32)
  .describe(
    "In a cluster: times of the week that have a `minReplicas` of their own; the greatest of all that are open counts.",
  )
  .meta({ "x-kubernetes-list-type": "atomic" });
