// Dates, numbers and the parameters of texts, in the reader's language and the organisation's time zone.

export type Language = 'es' | 'fr' | 'en';
export const languages: readonly Language[] = ['es', 'fr', 'en'];
export const languageNames: Record<Language, string> = { es: 'Español', fr: 'Français', en: 'English' };

export type ParamValue = string | number | boolean | null | undefined;
export type Params = Record<string, ParamValue>;

export interface Formats {
  language: Language;
  /** IANA name, such as `Europe/Madrid`. */
  zone: string;
  number(value: number): string;
  /** 18:00 */
  time(at: string): string;
  /** 18:00:00.214 */
  preciseTime(at: string): string;
  /** Thursday 19 November, or with the year when it is not this one. */
  day(at: string, now?: Date): string;
  /** 19 Nov 2026 */
  date(at: string): string;
  /** 19 Nov, or with the year when it is not this one. */
  shortDate(at: string, now?: Date): string;
  /** today, 18:00; yesterday, 18:00; otherwise its short date. For what is read down a list. */
  recent(at: string, now?: Date): string;
  /** Thursday 19 November, 18:00 */
  moment(at: string, now?: Date): string;
  /** 2026-11-19 in the zone: equal for all times of one day there. */
  dayKey(at: string): string;
  /** Madrid */
  place: string;
  /** 38 KB, in French 38 Ko */
  size(bytes: number): string;
  /** 40 seconds, or above two minutes 15 minutes: how long to wait. */
  duration(seconds: number): string;
  /** The name of a language, in the reader's. */
  languageName(code: string): string;
  /** The name of a country, in the reader's language. */
  regionName(code: string): string;
}

function valid(at: string): Date | undefined {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

/** Formatters for one language and zone; an unknown zone falls back to UTC, a time that is none is shown as it came. */
export function formatsFor(language: Language, wantedZone: string): Formats {
  const zone = isZone(wantedZone) ? wantedZone : 'UTC';
  // British English: days before months, twenty-four hours.
  const locale = language === 'en' ? 'en-GB' : language;
  const make = (options: Intl.DateTimeFormatOptions) => {
    const format = new Intl.DateTimeFormat(locale, { timeZone: zone, hourCycle: 'h23', ...options });
    return (at: string) => {
      const date = valid(at);
      return date === undefined ? at : format.format(date);
    };
  };
  const year = new Intl.DateTimeFormat('en', { timeZone: zone, year: 'numeric' });
  const key = new Intl.DateTimeFormat('en-CA', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit' });
  const time = make({ hour: '2-digit', minute: '2-digit' });
  const thisYear = make({ weekday: 'long', day: 'numeric', month: 'long' });
  const otherYear = make({ day: 'numeric', month: 'long', year: 'numeric' });
  const numbers = new Intl.NumberFormat(locale);
  const languageNamed = new Intl.DisplayNames([locale], { type: 'language', fallback: 'code' });
  const regionNamed = new Intl.DisplayNames([locale], { type: 'region', fallback: 'code' });
  const fullDate = make({ day: 'numeric', month: 'short', year: 'numeric' });
  const shortDate = make({ day: 'numeric', month: 'short' });
  const isThisYear = (moment: Date, now: Date) => year.format(moment) === year.format(now);

  const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
  const shortDateOf = (at: string, now = new Date()) => {
    const moment = valid(at);
    return moment !== undefined && isThisYear(moment, now) ? shortDate(at) : fullDate(at);
  };
  const recent = (at: string, now = new Date()) => {
    const moment = valid(at);
    if (moment === undefined) return at;
    // Days are those of the zone, which are not always 24 hours long: so their dates are compared.
    const days = (Date.parse(key.format(moment)) - Date.parse(key.format(now))) / 86_400_000;
    return days === 0 || days === -1 ? `${relative.format(days, 'day')}, ${time(at)}` : shortDateOf(at, now);
  };
  const day = (at: string, now = new Date()) => {
    const moment = valid(at);
    if (moment === undefined) return at;
    return isThisYear(moment, now) ? thisYear(at) : otherYear(at);
  };
  return {
    language,
    zone,
    number: (value) => numbers.format(value),
    time,
    preciseTime: make({ hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3 }),
    day,
    date: fullDate,
    shortDate: shortDateOf,
    recent,
    moment: (at, now) => (valid(at) === undefined ? at : `${day(at, now)}, ${time(at)}`),
    dayKey: (at) => {
      const date = valid(at);
      return date === undefined ? at : key.format(date);
    },
    place: zone.split('/').pop()?.replaceAll('_', ' ') ?? zone,
    size: (bytes) => {
      const kilo = new Intl.NumberFormat(locale, { maximumFractionDigits: bytes < 10_240 ? 1 : 0 });
      return `${kilo.format(bytes / 1024)} ${language === 'fr' ? 'Ko' : 'KB'}`;
    },
    duration: (seconds) => {
      const inMinutes = seconds > 120;
      const units = new Intl.NumberFormat(locale, { style: 'unit', unit: inMinutes ? 'minute' : 'second', unitDisplay: 'long', maximumFractionDigits: 0 });
      return units.format(inMinutes ? Math.ceil(seconds / 60) : seconds);
    },
    languageName: (code) => named(languageNamed, code),
    regionName: (code) => named(regionNamed, code),
  };
}

/** What is no code of its kind is shown as it came. */
function named(names: Intl.DisplayNames, code: string): string {
  try {
    return names.of(code) ?? code;
  } catch {
    return code;
  }
}

function isZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** How a parameter is shown: `_at` names are times, numbers are grouped, nothing is a dash. */
export function formatParam(name: string, value: ParamValue, formats: Formats): string {
  if (value === null || value === undefined || value === '') return '–';
  if (typeof value === 'number') return formats.number(value);
  if (typeof value === 'boolean') return String(value);
  return name === 'at' || name.endsWith('_at') ? formats.moment(value) : value;
}
