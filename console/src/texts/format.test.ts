import { describe, expect, it } from 'vitest';
import { formatParam, formatsFor } from './format';

const now = new Date('2026-11-24T09:00:00Z');

describe('formats', () => {
  it('show a time in the zone of the organisation, not of the reader', () => {
    expect(formatsFor('en', 'Europe/Madrid').time('2026-11-19T17:00:00.000Z')).toBe('18:00');
    expect(formatsFor('en', 'America/Bogota').time('2026-11-19T17:00:00.000Z')).toBe('12:00');
  });

  it('write midnight as 00, not 24', () => {
    expect(formatsFor('es', 'UTC').time('2026-11-19T00:05:00Z')).toBe('00:05');
  });

  it('leave the year out when it is this one', () => {
    expect(formatsFor('en', 'UTC').day('2026-11-19T17:00:00Z', now)).toBe('Thursday 19 November');
    expect(formatsFor('en', 'UTC').day('2025-03-14T17:00:00Z', now)).toBe('14 March 2025');
  });

  it('say today and yesterday as people do, by the days of the zone', () => {
    const formats = formatsFor('es', 'Europe/Madrid');
    expect(formats.recent('2026-11-24T08:05:00Z', now)).toBe('hoy, 09:05');
    expect(formats.recent('2026-11-22T23:30:00Z', now)).toBe('ayer, 00:30');
    expect(formats.recent('2026-11-22T22:30:00Z', now)).toBe('22 nov');
    expect(formatsFor('fr', 'UTC').recent('2025-11-22T22:30:00Z', now)).toBe('22 nov. 2025');
    // The night on which clocks went back.
    expect(formatsFor('en', 'Europe/Madrid').recent('2026-10-24T23:30:00Z', new Date('2026-10-26T11:00:00Z'))).toBe('yesterday, 01:30');
  });

  it('put a late evening on the day it is there', () => {
    expect(formatsFor('fr', 'Europe/Paris').dayKey('2026-11-19T23:30:00Z')).toBe('2026-11-20');
  });

  it('fall back to UTC for a zone that is none, and show a time that is none as it came', () => {
    const formats = formatsFor('en', 'Mars/Olympus');
    expect(formats.zone).toBe('UTC');
    expect(formats.moment('soon')).toBe('soon');
  });

  it('measure in the units of the language', () => {
    expect(formatsFor('fr', 'UTC').size(38 * 1024)).toBe('38 Ko');
    expect(formatsFor('es', 'UTC').size(1536)).toBe('1,5 KB');
    expect(formatsFor('en', 'UTC').duration(1)).toBe('1 second');
    expect(formatsFor('es', 'UTC').duration(900)).toBe('15 minutos');
  });

  it('format parameters by their names and types', () => {
    const formats = formatsFor('en', 'UTC');
    expect(formatParam('until_at', '2025-11-20T07:30:00Z', formats)).toBe('20 November 2025, 07:30');
    expect(formatParam('count', 31749, formats)).toBe('31,749');
    expect(formatParam('topic', null, formats)).toBe('–');
    expect(formatParam('missing', 'first_name', formats)).toBe('first_name');
  });
});
