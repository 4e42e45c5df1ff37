/** Times as templates write them: C's `strftime`, in English and in local time. Other codes stay as they are. */

function padded(value: number, width = 2, fill = "0"): string {
  return String(value).padStart(width, fill);
}

function dayOfYear(date: Date): number {
  const start = Date.UTC(date.getFullYear(), 0, 0);
  return (Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) - start) / 86_400_000;
}

const CODES: Readonly<Record<string, (date: Date) => string>> = {
  "%Y": (date) => String(date.getFullYear()),
  "%y": (date) => padded(date.getFullYear() % 100),
  "%m": (date) => padded(date.getMonth() + 1),
  "%d": (date) => padded(date.getDate()),
  "%e": (date) => padded(date.getDate(), 2, " "),
  "%j": (date) => padded(dayOfYear(date), 3),
  "%b": (date) => named(date, { month: "short" }),
  "%B": (date) => named(date, { month: "long" }),
  "%a": (date) => named(date, { weekday: "short" }),
  "%A": (date) => named(date, { weekday: "long" }),
  "%w": (date) => String(date.getDay()),
  "%H": (date) => padded(date.getHours()),
  "%I": (date) => padded(date.getHours() % 12 || 12),
  "%p": (date) => (date.getHours() < 12 ? "AM" : "PM"),
  "%M": (date) => padded(date.getMinutes()),
  "%S": (date) => padded(date.getSeconds()),
  "%f": (date) => padded(date.getMilliseconds() * 1000, 6),
  "%F": (date) => formatTime(date, "%Y-%m-%d"),
  "%T": (date) => formatTime(date, "%H:%M:%S"),
  "%D": (date) => formatTime(date, "%m/%d/%y"),
  "%n": () => "\n",
  "%t": () => "\t",
  "%%": () => "%",
};

function named(date: Date, options: Intl.DateTimeFormatOptions): string {
  return date.toLocaleDateString("en", options);
}

export function formatTime(date: Date, format: string): string {
  return format.replaceAll(/%-?[A-Za-z%]/g, (code) => {
    const text = CODES[code.replace("-", "")]?.(date);
    if (text === undefined) return code;
    return code.startsWith("%-") ? text.replace(/^[0 ]+(?=.)/, "") : text;
  });
}
