// Draws /status.json as it comes by server-sent events: what is above the tables, the filter, and the stream itself.
// tables.js has the rest; text.js says how things are written.
import {$, filter_by, give_roles, level, list, row_id, say, show, unfold} from './rows.js';
import {apps, faults, listeners, mark, registrations, routes, upstreams} from './tables.js';
import {age, at_home, clock, count, joined, milliseconds, moment, percent, plural, rate, zone} from './text.js';

const MOST_CAUSES = 4;
let status = null;      // what is shown
let all_causes = false;

// --- above the tables ---

function headline() {
  const {program, configuration, verdict, listeners: open} = status;
  const state = status.state === 'draining' ? 'Draining' : 'Serving';
  const many = verdict.causes;
  const attention = `, ${many === 1 ? 'one thing needs' : many + ' things need'} attention`;
  mark($('headline'), verdict.level, state + (many > 0 ? attention : state === 'Serving' ? ', all is well' : ''));
  say($('version'), program.version);
  const since = new Date(configuration.in_force_since);
  say($('summary'), joined([`up ${age(program.uptime_seconds)}`, `process ${program.pid}`, plural(program.workers, 'worker'),
                            plural(open.length, 'listener'),
                            `configuration ${configuration.generation}, in force since ${moment(since, new Date(status.time))}`]));
  document.title = (many === 0 ? '✓ ' : `(${many}) `) + 'Gatehouse';
}

// Where a cause is told: a row, or a section that has no rows.
const place_of = about => about.name === null ? about.kind : row_id(about.kind, about.name);

function causes() {
  const {reasons, causes: many} = status.verdict;
  const shown = all_causes ? reasons : reasons.slice(0, MOST_CAUSES);
  list($('reasons'), shown.map(one => ({
    key: one.level + one.subject + one.text.replace(/\d+/g, ''), template: 'reason', fill(part, row) {
      level(row, one.level);
      mark(part.level, one.level, one.level);
      say(part.subject, one.subject);
      if (one.about) part.subject.href = '#' + fragment(place_of(one.about));
      else part.subject.removeAttribute('href');
      say(part.text, at_home(one.text, new Date(status.time)));
    }})));
  const button = $('more-reasons');
  show(button, many > MOST_CAUSES);
  say(button, all_causes ? 'Show fewer' : `and ${many - MOST_CAUSES} more`);
  button.setAttribute('aria-expanded', String(all_causes));
}

// Points at one second each, the newest at the right edge; null leaves a gap. Its scale begins at zero.
function spark(name, what, values, written) {
  const highest = Math.max(...values.map(value => value ?? 0), 0);
  const top = Math.max(highest, 1e-9);
  const first = 120 - values.length;
  const y = value => (31 - 30 * value / top).toFixed(1);
  let line = '';
  let area = '';
  let begun = null;
  values.forEach((value, i) => {
    const x = first + i;
    if (value !== null) {
      line += `${begun === null ? 'M' : 'L'}${x} ${y(value)}`;
      area += begun === null ? `M${x} 31L${x} ${y(value)}` : `L${x} ${y(value)}`;
      begun ??= x;
    }
    const ends = begun !== null && (value === null || i === values.length - 1);
    if (!ends) return;
    const last = value === null ? x - 1 : x;
    if (last === begun) line += 'h.01';
    area += `L${last} 31Z`;
    begun = null;
  });
  const svg = $(`spark-${name}`);
  svg.querySelector('.line').setAttribute('d', line);
  svg.querySelector('.area').setAttribute('d', area);
  svg.classList.toggle('none', highest === 0);
  const most = highest > 0 ? written(highest) : '–';
  say($(`scale-${name}`), `2 min, max ${most}`);
  const last = values.at(-1);
  svg.setAttribute('aria-label', `${what} over the last two minutes: ${last == null ? 'unknown' : written(last)} in the last second, ${most} at most`);
}

function traffic() {
  const {total, protocols, history, window_seconds: seconds} = status.traffic;
  say($('window'), `last ${seconds} s`);
  say($('rps'), rate(total.requests_per_second));
  say($('eps'), rate(total.errors_per_second));
  say($('p99'), milliseconds(total.p99_ms));
  say($('in-flight'), count(total.in_flight));
  say($('tunnels'), count(total.tunnels));
  say($('waiting'), count(status.upstreams.reduce((sum, one) => sum + one.waiting, 0)));
  say($('connections'), count(status.listeners.reduce((sum, one) => sum + one.connections, 0)));
  say($('error-share'), percent(total.requests_per_second > 0 ? total.errors_per_second / total.requests_per_second : null));
  spark('requests', 'Requests', history.requests, count);
  spark('errors', '5xx', history.errors, count);
  spark('p99', 'p99 of durations', history.p99_ms, milliseconds);
  list($('protocol-table'), Object.entries(protocols).map(([name, figures]) => ({key: name, template: 'protocol', fill(part) {
    say(part.name, name);
    say(part.rps, rate(figures.requests_per_second));
    say(part.eps, rate(figures.errors_per_second));
    say(part.p50, milliseconds(figures.p50_ms));
    say(part.p99, milliseconds(figures.p99_ms));
    say(part.in_flight, count(figures.in_flight));
    say(part.tunnels, count(figures.tunnels));
  }})));
}

function configuration() {
  const {file, generation, in_force_since: since, last_reload: reload} = status.configuration;
  const now = new Date(status.time);
  say($('file'), file ?? 'from the command line');
  say($('generation'), String(generation));
  for (const [id, time] of [['in-force', since], ['reload-time', reload.time]]) {
    say($(id), moment(new Date(time), now));
    $(id).dateTime = time;
  }
  mark($('reload'), reload.success ? 'ok' : 'critical', reload.success ? 'succeeded' : 'failed');
  list($('diagnostics'), reload.diagnostics.map(one => ({key: one, template: 'diagnostic', fill: part => say(part.text, one)})));
}

function draw() {
  const now = new Date(status.time);
  headline();
  causes();
  traffic();
  for (const table of [upstreams, apps, routes, registrations, listeners, faults]) table(status, now, draw);
  configuration();
}

// --- where the viewer is, in the fragment: "#upstream:shop&q=ejected" ---

function fragment(place) {
  const text = $('filter').value.trim();
  return [place, text && `q=${encodeURIComponent(text)}`].filter(part => part).join('&');
}

// Links to sections keep the filter.
function filter(text) {
  filter_by(text);
  for (const link of document.querySelectorAll('.bar a')) link.hash = fragment(link.hash.slice(1).split('&')[0]);
  if (status) draw();
}

function keep(place) {
  const text = fragment(place);
  history.replaceState(null, '', text ? '#' + text : location.pathname);
}

// To a section or to a row, which may be folded away or kept out by the filter.
function go() {
  const parts = location.hash.slice(1).split('&');
  const text = new URLSearchParams(location.hash.slice(1)).get('q') ?? '';
  if ($('filter').value.trim() !== text) $('filter').value = text;
  const place = parts.find(part => part && !part.startsWith('q='));
  filter(text);
  if (!status) return;
  if (place && !$(place)) {
    $('filter').value = '';
    unfold(`${place.split(':')[0]}s`);
    filter('');
    keep(place);
  }
  const element = place && $(place);
  if (!element) return;
  element.scrollIntoView({block: place.includes(':') ? 'center' : 'start'});
  element.focus({preventScroll: true});
}

// --- the stream ---

const PATIENCE = 5000;  // an event comes each second
const RETRY = 2000;
let stream = null;
let watchdog = 0;

function live(on) {
  $('live').className = 'live ' + (on ? 'on' : 'off');
  say($('live'), on ? 'live' : 'not connected');
  document.body.classList.toggle('stale', !on && status !== null);
  show($('lost'), !on);
  if (on) return;
  const seen = status && new Date(status.time);
  say($('lost'), 'The connection is lost; trying again.' + (seen ? ` What you see is from ${clock(seen)} ${zone(seen)}.` : ''));
}

function lose(retry) {
  clearTimeout(watchdog);
  live(false);
  stream?.close();
  stream = null;
  watchdog = setTimeout(listen, retry);
}

function listen() {
  clearTimeout(watchdog);
  stream?.close();
  stream = new EventSource('/status/events');
  watchdog = setTimeout(() => lose(RETRY), PATIENCE);
  stream.onerror = () => lose(RETRY);
  stream.onmessage = event => {
    clearTimeout(watchdog);
    watchdog = setTimeout(() => lose(0), PATIENCE);
    const first = status === null;
    status = JSON.parse(event.data);
    live(true);
    first ? go() : draw();
  };
}

// A page that nobody sees does not ask.
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) return listen();
  clearTimeout(watchdog);
  stream?.close();
  stream = null;
});

$('filter').addEventListener('input', () => {
  filter($('filter').value);
  keep('');
});
$('search').addEventListener('submit', event => event.preventDefault());
$('more-reasons').addEventListener('click', () => {
  all_causes = !all_causes;
  causes();
});
document.addEventListener('keydown', event => {
  if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey || event.target === $('filter')) return;
  event.preventDefault();
  $('filter').select();
});
addEventListener('hashchange', go);
give_roles(document);
for (const template of document.querySelectorAll('template')) give_roles(template.content);
go();
listen();
