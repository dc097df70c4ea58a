// Numbers, times and names as people read them. Pure but for the viewer's time zone.

// What is not seen or changes how other characters are shown: controls, marks that turn the direction of text, what
// has no width, halves of characters. A name could otherwise look like another one.
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;

// The text with each of these as its code point: "a\u{202e}b".
export function plain(text) {
  return text.replace(UNSEEN, one => `\\u{${one.codePointAt(0).toString(16)}}`);
}

// --- numbers ---

export function count(number) {
  if (number < 10000) return String(number);
  for (const [size, unit] of [[1e9, 'G'], [1e6, 'M'], [1e3, 'k']]) {
    if (number >= size) return (number / size).toFixed(number < 10 * size ? 1 : 0) + ' ' + unit;
  }
}

export function rate(number) {
  return number === 0 ? '0' : number < 0.1 ? '<0.1' : number < 100 ? number.toFixed(1) : count(Math.round(number));
}

// Null is unknown: too few of them.
export function milliseconds(number) {
  if (number === null) return '–';
  if (number < 10) return number.toFixed(1) + ' ms';
  return number < 1000 ? Math.round(number) + ' ms' : (number / 1000).toFixed(1) + ' s';
}

// Of 0 to 1, or of nothing.
export function percent(share) {
  if (share === null) return '–';
  if (share === 0) return '0 %';
  const of100 = 100 * share;
  return of100 < 0.1 ? '<0.1 %' : of100 < 10 ? of100.toFixed(1) + ' %' : Math.round(of100) + ' %';
}

export function bytes(number) {
  if (number === 0) return '–';
  return number < 1 << 30 ? Math.round(number / (1 << 20)) + ' MiB' : (number / (1 << 30)).toFixed(1) + ' GiB';
}

export function plural(number, one, more = one + 's') {
  return number === 1 ? `1 ${one}` : `${count(number)} ${more}`;
}

export const joined = parts => parts.filter(part => part).join(' · ');

// --- times ---

export function age(seconds) {
  if (seconds < 60) return Math.max(0, Math.floor(seconds)) + ' s';
  if (seconds < 3600) return Math.floor(seconds / 60) + ' min';
  if (seconds < 86400) return Math.floor(seconds / 3600) + ' h ' + Math.floor(seconds / 60 % 60) + ' min';
  return Math.floor(seconds / 86400) + ' d ' + Math.floor(seconds / 3600 % 24) + ' h';
}

const two = number => String(number).padStart(2, '0');
export const clock = date => [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
export const day = date => [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-');

// "CET", "GMT+1": the viewer's zone as it is at that moment.
export function zone(date) {
  return new Intl.DateTimeFormat('en', {timeZoneName: 'short'}).formatToParts(date).find(part => part.type === 'timeZoneName').value;
}

// In the viewer's time: "14:05:09 CET (3 min ago)", with the day where it is another one than that of `now`.
export function moment(date, now) {
  const when = day(date) === day(now) ? '' : day(date) + ' ';
  return `${when}${clock(date)} ${zone(date)} (${age((now - date) / 1000)} ago)`;
}

// Sentences of the status tell clock times of the last 24 hours in UTC; here they are the viewer's.
export function at_home(text, now) {
  return text.replace(/\b(\d\d:\d\d:\d\d) UTC\b/g, (all, time) => {
    const date = new Date(`${now.toISOString().slice(0, 10)}T${time}Z`);
    if (isNaN(date)) return all;
    if (date - now > 60000) date.setUTCDate(date.getUTCDate() - 1);
    return `${clock(date)} ${zone(date)}`;
  });
}
