// Draws /status.json as it comes by server-sent events. Whatever a name or text says, it only ever becomes text: nothing
// here makes markup of strings, and the page's policy would not let it. Elements are kept from one event to the next, so
// that focus, selection and what is unfolded stay.
'use strict';

const $ = id => document.getElementById(id);

function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function show(element, shown) {
  element.hidden = !shown;
}

// One element for each item, made from a template when its key is new, in the items' order; fill() says what is in it.
function list(parent, template, items, key, fill) {
  const known = parent.entries ??= new Map();
  const wanted = new Map();
  for (const item of items) {
    let name = key(item);
    while (wanted.has(name)) name += '+';
    wanted.set(name, item);
  }
  for (const [name, element] of known) {
    if (wanted.has(name)) continue;
    element.remove();
    known.delete(name);
  }
  let place = parent.firstElementChild;
  for (const [name, item] of wanted) {
    let element = known.get(name);
    if (!element) {
      element = $(template).content.firstElementChild.cloneNode(true);
      element.parts = {};
      for (const part of element.querySelectorAll('[data-f]')) element.parts[part.dataset.f] = part;
      known.set(name, element);
    }
    fill(item, element.parts, element);
    if (element === place) place = place.nextElementSibling;
    else parent.insertBefore(element, place);
  }
}

function level(element, name) {
  for (const one of ['ok', 'warning', 'critical', 'idle']) element.classList.toggle(one, one === name);
}

// --- numbers and times for people ---

function count(number) {
  if (number < 10000) return String(number);
  for (const [size, unit] of [[1e9, 'G'], [1e6, 'M'], [1e3, 'k']]) {
    if (number >= size) return (number / size).toFixed(number < 10 * size ? 1 : 0) + ' ' + unit;
  }
}

function rate(number) {
  return number === 0 ? '0' : number < 100 ? number.toFixed(1) : count(Math.round(number));
}

function milliseconds(number) {
  if (number === null) return '–';
  if (number < 10) return number.toFixed(1) + ' ms';
  return number < 1000 ? Math.round(number) + ' ms' : (number / 1000).toFixed(1) + ' s';
}

function age(seconds) {
  if (seconds < 60) return Math.max(0, Math.floor(seconds)) + ' s';
  if (seconds < 3600) return Math.floor(seconds / 60) + ' min';
  if (seconds < 86400) return Math.floor(seconds / 3600) + ' h ' + Math.floor(seconds / 60 % 60) + ' min';
  return Math.floor(seconds / 86400) + ' d ' + Math.floor(seconds / 3600 % 24) + ' h';
}

function bytes(number) {
  return number === 0 ? '' : number < 1 << 30 ? Math.round(number / (1 << 20)) + ' MiB' : (number / (1 << 30)).toFixed(1) + ' GiB';
}

function plural(number, one, more = one + 's') {
  return number === 1 ? `1 ${one}` : `${count(number)} ${more}`;
}

const joined = parts => parts.filter(part => part).join(' · ');
const moment = text => text.slice(0, 19).replace('T', ' ') + ' UTC';

// --- parts of the page ---

const STATE_LEVELS = {
  available: 'ok', ready: 'ok', serving: 'ok', starting: 'warning', draining: 'idle', stopping: 'idle', stopped: 'idle',
  unchecked: 'warning', failing: 'critical', unhealthy: 'critical', ejected: 'critical', lost: 'critical',
  backoff: 'critical', parked: 'critical', offline: 'warning',
};

function headline(status) {
  const reasons = status.verdict.reasons;
  const state = status.state === 'draining' ? 'Draining' : 'Serving';
  const more = reasons.length === 0 ? (state === 'Serving' ? ', all is well' : '')
                                    : `, ${reasons.length === 1 ? 'one thing needs' : reasons.length + ' things need'} attention`;
  say($('headline'), state + more);
  level($('headline'), status.verdict.level);
  const {program, configuration} = status;
  say($('version'), program.version);
  say($('summary'), joined([`up ${age(program.uptime_seconds)}`, `process ${program.pid}`, plural(program.workers, 'worker'),
                            `configuration ${configuration.generation}`]));
  list($('reasons'), 'reason', reasons, one => one.level + one.subject + one.text.replace(/\d+/g, ''), (one, part, row) => {
    level(row, one.level);
    level(part.level, one.level);
    say(part.level, one.level);
    say(part.subject, one.subject);
    say(part.text, one.text);
  });
  document.title = (reasons.length === 0 ? '✓ ' : `(${reasons.length}) `) + 'Gatehouse';
}

// Points at one second each, the newest at the right edge; null leaves a gap.
function spark(svg, values) {
  const top = Math.max(...values.map(value => value ?? 0), 1e-9);
  const first = 120 - values.length;
  const y = value => (30 - 28 * value / top).toFixed(1);
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
  svg.querySelector('.line').setAttribute('d', line);
  svg.querySelector('.area').setAttribute('d', area);
}

function traffic(status) {
  const {total, protocols, history, window_seconds: seconds} = status.traffic;
  say($('window'), `over the last ${seconds} s; the lines show two minutes`);
  say($('rps'), rate(total.requests_per_second));
  say($('eps'), rate(total.errors_per_second));
  say($('p50'), milliseconds(total.p50_ms));
  say($('p99'), milliseconds(total.p99_ms));
  say($('in-flight'), count(total.in_flight));
  say($('connections'), count(status.listeners.reduce((sum, one) => sum + one.connections, 0)));
  const share = total.requests_per_second > 0 ? 100 * total.errors_per_second / total.requests_per_second : 0;
  say($('error-share'), share === 0 ? '0 %' : share < 10 ? share.toFixed(1) + ' %' : Math.round(share) + ' %');
  spark($('spark-requests'), history.requests);
  spark($('spark-errors'), history.errors);
  spark($('spark-p99'), history.p99_ms);
  list($('protocols'), 'protocol', Object.entries(protocols), ([name]) => name, ([name, figures], part) => {
    say(part.name, name);
    say(part.rps, rate(figures.requests_per_second));
    say(part.p50, milliseconds(figures.p50_ms));
    say(part.p99, milliseconds(figures.p99_ms));
    say(part.eps, rate(figures.errors_per_second));
    say(part.in_flight, count(figures.in_flight));
    const width = total.requests_per_second > 0 ? 100 * figures.requests_per_second / total.requests_per_second : 0;
    part.meter.style.width = width.toFixed(1) + '%';
  });
}

// Apps are upstreams too; they are shown once, with their processes.
function upstreams(status) {
  const listed = status.upstreams.filter(one => one.kind === 'listed');
  show($('upstreams'), listed.length > 0);
  show($('to-upstreams'), listed.length > 0);
  say($('upstreams-count'), plural(listed.length, 'upstream'));
  list($('upstream-list'), 'upstream', listed, one => one.name, (upstream, part, card) => {
    const members = upstream.endpoints;
    const state = upstream.endpoints_well === 0 ? 'critical' : upstream.endpoints_well < members.length ? 'warning' : 'ok';
    level(card, state);
    level(part.well, state);
    say(part.name, upstream.name);
    say(part.well, members.length === 0 ? 'no endpoint' : `${upstream.endpoints_well} of ${members.length} well`);
    say(part.facts, joined([upstream.balance.replaceAll('_', ' '), waiting(upstream)]));
    say(part.why, members.length === 0 ? upstream.why ?? '' : '');
    list(part.endpoints, 'endpoint', members, one => one.name, (endpoint, field, row) => {
      level(row, STATE_LEVELS[endpoint.state]);
      level(field.name, STATE_LEVELS[endpoint.state]);
      say(field.name, endpoint.name);
      say(field.numbers, joined([endpoint.well ? '' : endpoint.state, load(endpoint)]));
      say(field.why, endpoint.why ?? '');
    });
  });
}

function waiting(upstream) {
  return upstream.waiting > 0 ? `${upstream.waiting} waiting, of ${upstream.queue} at most` : 'none waiting';
}

function load(endpoint) {
  return joined([`${endpoint.in_flight} in flight`, plural(endpoint.requests_total, 'request')]);
}

function apps(status) {
  const known = new Map(status.upstreams.map(one => [one.name, one]));
  show($('apps'), status.apps.length > 0);
  show($('to-apps'), status.apps.length > 0);
  say($('apps-count'), plural(status.apps.length, 'app'));
  list($('app-list'), 'app', status.apps, one => one.name, (app, part, card) => {
    const state = app.well ? STATE_LEVELS[app.state] : app.state === 'serving' ? 'warning' : STATE_LEVELS[app.state];
    level(card, state);
    level(part.state, state);
    say(part.name, app.name);
    say(part.state, app.state);
    const upstream = known.get(app.name);
    const ends = Object.entries(app.exits).map(([reason, times]) => `${times} ${reason.replaceAll('_', ' ')}`).join(', ');
    say(part.facts, joined([plural(app.starts.ok ?? 0, 'start'), plural(app.restarts, 'restart'), ends && `ended: ${ends}`,
                            upstream && waiting(upstream)]));
    say(part.why, app.why ?? '');
    show(part.output, app.last_output.length > 0);
    say(part.lines, app.last_output.join('\n'));
    list(part.instances, 'instance', app.instances, one => `${one.slot}/${one.pid}`, (instance, field, row) => {
      const endpoint = upstream?.endpoints.find(one => one.pid === instance.pid);
      const sick = endpoint && !endpoint.well && instance.state === 'ready';
      const doing = sick ? endpoint.state : instance.state;
      level(row, STATE_LEVELS[doing]);
      level(field.name, STATE_LEVELS[doing]);
      say(field.name, `${app.name}#${instance.slot}`);
      say(field.numbers, joined([doing, `pid ${instance.pid}`, `for ${age(instance.seconds_in_state)}`,
                                 bytes(instance.resident_bytes), endpoint && load(endpoint)]));
      say(field.why, sick ? endpoint.why ?? '' : '');
    });
  });
}

// The same fault at the same place, told once.
function grouped(faults) {
  const groups = new Map();
  for (const fault of faults) {
    const key = JSON.stringify([fault.fault, fault.route, fault.upstream, fault.endpoint, fault.status, fault.protocol]);
    const group = groups.get(key);
    if (group) ++group.times;
    else groups.set(key, {key, last: fault, times: 1});
  }
  return [...groups.values()];
}

function faults(status) {
  const now = Date.parse(status.time);
  show($('faults').querySelector('table'), status.faults.length > 0);
  show($('faults').querySelector('.empty'), status.faults.length === 0);
  say($('faults-count'), status.faults.length > 1 ? `the last ${status.faults.length}, the same ones together` : '');
  list($('fault-list'), 'fault', grouped(status.faults), one => one.key, ({last, times}, part) => {
    level(part.fault, last.blame === 'client' ? 'idle' : last.blame === 'proxy' ? 'warning' : 'critical');
    say(part.time, age((now - Date.parse(last.time)) / 1000) + ' ago');
    part.time.dateTime = last.time;
    part.time.title = moment(last.time);
    say(part.fault, last.fault);
    say(part.answer, joined([times > 1 ? `${times} times` : '', last.status === null ? 'no answer' : String(last.status), last.protocol]));
    say(part.route, last.route ?? '');
    say(part.endpoint, last.endpoint ?? last.upstream ?? '');
    say(part.cause, last.cause);
    say(part.id, last.request_id ?? '');
  });
}

function listeners(status) {
  list($('listener-list'), 'listener', status.listeners, one => one.name, (listener, part) => {
    say(part.address, `${listener.scheme}://${listener.address}`);
    if (part.protocols.textContent !== listener.protocols.join('')) {
      part.protocols.replaceChildren(...listener.protocols.map(name => {
        const chip = document.createElement('span');
        chip.className = 'chip';
        chip.textContent = name;
        return chip;
      }));
    }
    say(part.facts, joined([plural(listener.connections, 'connection'), listener.alt_svc && `Alt-Svc ${listener.alt_svc}`,
                            listener.redirects_to_https && 'redirects to https']));
    list(part.certificates, 'certificate', listener.certificates, one => one.file, (certificate, field, row) => {
      const left = certificate.expires_in_seconds;
      const state = left <= 0 ? 'critical' : left < 7 * 86400 ? 'warning' : 'ok';
      level(row, state);
      level(field.names, state);
      say(field.names, certificate.names.join(', ') || certificate.file);
      const day = certificate.expires.slice(0, 10);
      say(field.expires, left <= 0 ? `expired on ${day}` : `expires in ${left < 86400 ? age(left) : plural(Math.floor(left / 86400), 'day')}, ${day}`);
      row.title = certificate.file;
    });
  });
}

function routes(status) {
  const most = 200;
  say($('routes-count'), status.routes.length > most ? `${status.routes.length}, the first ${most}` : plural(status.routes.length, 'route'));
  list($('route-list'), 'route', status.routes.slice(0, most), one => one.name, (route, part) => {
    say(part.name, route.name);
    say(part.to, route.action === 'forward' ? route.to : route.action === 'redirect' ? `redirect to ${route.to}` : 'fixed answer');
    say(part.requests, count(route.requests_total));
    say(part.errors, count(route.errors_total));
  });
}

function configuration(status) {
  const {file, generation, in_force_since: since, last_reload: reload} = status.configuration;
  say($('file'), file ?? 'from the command line');
  say($('generation'), String(generation));
  say($('in-force'), moment(since));
  say($('reload'), `${reload.success ? 'succeeded' : 'failed'}, ${moment(reload.time)}`);
  list($('diagnostics'), 'diagnostic', reload.diagnostics, one => one, (one, part, row) => say(row, one));
}

function draw(status) {
  for (const part of [headline, traffic, upstreams, apps, faults, listeners, routes, configuration]) part(status);
}

// --- the stream ---

const PATIENCE = 5000;  // an event comes each second
const RETRY = 2000;
let stream = null;
let watchdog = 0;
let shown = '';  // when what is shown was told

function live(on) {
  $('live').className = 'live ' + (on ? 'on' : 'off');
  say($('live'), on ? 'live' : 'not connected');
  document.body.classList.toggle('stale', !on && shown !== '');
  show($('lost'), !on);
  if (!on) say($('lost'), 'The connection is lost; trying again.' + (shown && ` What you see is from ${moment(shown)}.`));
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
    const status = JSON.parse(event.data);
    shown = status.time;
    live(true);
    draw(status);
  };
}

// A page that nobody sees does not ask.
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) return listen();
  clearTimeout(watchdog);
  stream?.close();
  stream = null;
});

listen();
