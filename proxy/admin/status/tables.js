// The tables: upstreams and apps with what they consist of, routes, listeners, faults.
import {$, filtering, folded, identify, level, list, passes, row_id, say, show} from './rows.js';
import {age, at_home, bytes, clock, count, day, joined, milliseconds, moment, percent, plain, plural, rate, zone} from './text.js';

const STATE_LEVELS = {
  available: 'ok', ready: 'ok', serving: 'ok', starting: 'warning', draining: 'idle', stopping: 'idle', stopped: 'idle',
  unchecked: 'warning', failing: 'critical', unhealthy: 'critical', ejected: 'critical', lost: 'critical',
  backoff: 'critical', parked: 'critical', offline: 'warning',
};
const MANY_ERRORS = 0.05;
const SOME_ERRORS = 0.01;

export function mark(element, state, name) {
  level(element, state);
  say(element, name);
}

// How many there are, how many of them pass the filter, and what stands there if none does.
function head(id, shown, all, noun) {
  say($(`${id}-count`), filtering() ? `${count(shown)} of ${plural(all, noun)}` : all > 0 ? plural(all, noun) : '');
  for (const table of $(id).querySelectorAll('table')) show(table, table.tBodies.length > 0);
  const empty = $(`${id}-empty`);
  show(empty, shown === 0);
  say(empty, all > 0 ? 'None of them passes the filter.' : 'None.');
}

function number(element, text) {
  say(element, text);
  element.classList.toggle('nothing', text === '0' || text === '–' || text === '0 %');
}

// Rates and durations of an upstream, endpoint or route.
function recent(part, figures) {
  const all = figures.requests_per_second_1m;
  const share = all > 0 ? figures.errors_per_second_1m / all : null;
  number(part.now, rate(figures.requests_per_second));
  number(part.minute, rate(all));
  number(part.errors, percent(share));
  level(part.errors, share >= MANY_ERRORS ? 'critical' : share >= SOME_ERRORS ? 'warning' : 'none');
  for (const quantile of ['p50', 'p95', 'p99']) number(part[quantile], milliseconds(figures[`${quantile}_ms`]));
}

const connections_of = endpoint => endpoint.connections.active + endpoint.connections.idle;
const sum = (items, value) => items.reduce((all, item) => all + value(item), 0);

function why(part, text, state, now) {
  level(part.note, state);
  say(part.why, at_home(text ?? '', now));
  show(part.note, Boolean(text));
}

const waiting = upstream => upstream.waiting > 0 ? `${upstream.waiting} waiting, of ${upstream.queue} at most` : '';

// --- upstreams ---

const endpoint_texts = endpoint => [endpoint.name, endpoint.address, endpoint.state];
const upstream_texts = upstream => [upstream.name, ...upstream.endpoints.flatMap(endpoint_texts)];
const well = upstream => upstream.endpoints_well === upstream.endpoints.length && !upstream.why;

function upstream_state(upstream) {
  const members = upstream.endpoints.length;
  if (members === 0) return [upstream.why ? 'critical' : 'idle', 'no endpoint'];
  const state = upstream.endpoints_well === 0 ? 'critical' : upstream.endpoints_well < members ? 'warning' : 'ok';
  if (members === 1) return [STATE_LEVELS[upstream.endpoints[0].state], upstream.endpoints[0].state];
  return [state, state === 'ok' ? `all ${members} well` : `${upstream.endpoints_well} of ${members} well`];
}

// One endpoint alone is told in the upstream's own row.
function upstream_row(upstream, now) {
  const alone = upstream.endpoints.length === 1 ? upstream.endpoints[0] : null;
  const id = row_id('upstream', upstream.name);
  return {key: id, template: 'upstream', fill(part, element) {
    identify(element, id);
    say(part.name, upstream.name);
    const balance = upstream.balance === 'least_requests' ? '' : upstream.balance.replaceAll('_', ' ');
    say(part.facts, joined([alone?.name, balance, waiting(upstream)]));
    const [state, text] = upstream_state(upstream);
    mark(part.state, state, text);
    recent(part, upstream.recent);
    number(part.in_flight, count(sum(upstream.endpoints, one => one.in_flight)));
    number(part.connections, count(sum(upstream.endpoints, connections_of)));
    why(part, alone ? alone.why ?? upstream.why : upstream.endpoints.length === 0 ? upstream.why : '', state, now);
  }};
}

function endpoint_row(upstream, endpoint, now) {
  const id = row_id('endpoint', `${upstream.name}/${endpoint.name}`);
  return {key: id, template: 'upstream', fill(part, element) {
    identify(element, id, true);
    say(part.name, endpoint.name);
    say(part.facts, joined([endpoint.address !== endpoint.name && !endpoint.name.endsWith(endpoint.address) ? endpoint.address : '',
                            endpoint.weight !== 1 ? `weight ${endpoint.weight}` : '']));
    mark(part.state, STATE_LEVELS[endpoint.state], endpoint.state);
    recent(part, endpoint.recent);
    number(part.in_flight, count(endpoint.in_flight));
    number(part.connections, count(connections_of(endpoint)));
    why(part, endpoint.why, STATE_LEVELS[endpoint.state], now);
  }};
}

// Of an upstream whose name does not pass the filter, only the endpoints that do.
function members(items, name, texts) {
  const some = passes(name) ? items : items.filter(item => passes(name, ...texts(item)));
  return some.length > 0 ? some : items;
}

function upstream_rows(upstream, now, redraw) {
  const rows = [upstream_row(upstream, now)];
  if (upstream.endpoints.length < 2) return rows;
  return [...rows, ...folded(`upstream/${upstream.name}`, members(upstream.endpoints, upstream.name, endpoint_texts), {
    id: endpoint => row_id('endpoint', `${upstream.name}/${endpoint.name}`), unwell: endpoint => !endpoint.well,
    row: endpoint => [endpoint_row(upstream, endpoint, now)], columns: 10, redraw})];
}

// Apps are upstreams too; they are shown once, with their processes.
export function upstreams(status, now, redraw) {
  const all = status.upstreams.filter(one => one.kind === 'listed');
  const shown = all.filter(one => passes(...upstream_texts(one)));
  show($('upstreams'), all.length > 0);
  show($('to-upstreams'), all.length > 0);
  list($('upstream-table'), folded('upstreams', shown, {
    id: one => row_id('upstream', one.name), unwell: one => !well(one), row: one => upstream_rows(one, now, redraw), columns: 10, redraw}));
  head('upstreams', shown.length, all.length, 'upstream');
}

// --- apps ---

const instance_texts = instance => [`pid ${instance.pid}`, instance.address, instance.state];
const app_texts = app => [app.name, app.state, ...app.instances.flatMap(instance_texts)];

function app_level(app) {
  if (app.well) return STATE_LEVELS[app.state];
  return app.state === 'serving' ? 'warning' : STATE_LEVELS[app.state];
}

function app_row(app, upstream, now) {
  const id = row_id('app', app.name);
  return {key: id, template: 'app', fill(part, element) {
    identify(element, id);
    say(part.name, app.name);
    const next = app.next_recycle && new Date(app.next_recycle);
    say(part.facts, joined([upstream && waiting(upstream), next && `recycled next ${day(next)} ${clock(next)} ${zone(next)}`]));
    mark(part.state, app_level(app), app.state);
    if (upstream) recent(part, upstream.recent);
    number(part.in_flight, count(sum(upstream?.endpoints ?? [], one => one.in_flight)));
    number(part.memory, bytes(sum(app.instances, one => one.resident_bytes)));
    number(part.restarts, count(app.restarts));
    number(part.exit, (app.last_exit ?? '–').replaceAll('_', ' '));
    why(part, app.why, app_level(app), now);
    show(part.output, app.last_output.length > 0);
    // Lines are told apart by us; within one a tabulator is a space.
    const lines = app.last_output.map(line => plain(line.replaceAll('\t', '    '))).join('\n');
    if (part.lines.textContent !== lines) part.lines.textContent = lines;
  }};
}

function instance_row(app, upstream, instance, now) {
  const id = row_id('instance', `${app.name}/${instance.slot}/${instance.pid}`);
  const endpoint = upstream?.endpoints.find(one => one.pid === instance.pid);
  const sick = endpoint && !endpoint.well && instance.state === 'ready';
  const doing = sick ? endpoint.state : instance.state;
  return {key: id, template: 'app', fill(part, element) {
    identify(element, id, true);
    say(part.name, `${app.name}#${instance.slot}`);
    say(part.facts, joined([`pid ${instance.pid}`, age(instance.seconds_in_state)]));
    mark(part.state, STATE_LEVELS[doing], doing);
    if (endpoint) recent(part, endpoint.recent);
    number(part.in_flight, endpoint ? count(endpoint.in_flight) : '–');
    number(part.memory, bytes(instance.resident_bytes));
    why(part, sick ? endpoint.why : '', STATE_LEVELS[doing], now);
    show(part.output, false);
  }};
}

function app_rows(app, upstream, now, redraw) {
  const texts = instance => [`${app.name}#${instance.slot}`, ...instance_texts(instance)];
  return [app_row(app, upstream, now), ...folded(`app/${app.name}`, members(app.instances, `${app.name} ${app.state}`, texts), {
    id: one => row_id('instance', `${app.name}/${one.slot}/${one.pid}`),
    unwell: one => one.state !== 'ready' || upstream?.endpoints.some(endpoint => endpoint.pid === one.pid && !endpoint.well),
    row: one => [instance_row(app, upstream, one, now)], columns: 12, redraw})];
}

export function apps(status, now, redraw) {
  const known = new Map(status.upstreams.map(one => [one.name, one]));
  const shown = status.apps.filter(app => passes(...app_texts(app)));
  show($('apps'), status.apps.length > 0);
  show($('to-apps'), status.apps.length > 0);
  list($('app-table'), folded('apps', shown, {
    id: app => row_id('app', app.name), unwell: app => !app.well, row: app => app_rows(app, known.get(app.name), now, redraw),
    columns: 12, redraw}));
  head('apps', shown.length, status.apps.length, 'app');
}

// --- routes ---

function leads_to(route) {
  switch (route.action) {
    case 'forward': return route.to;
    case 'redirect': return `redirect to ${route.to}`;
    case 'files': return `files of ${route.to}`;
    default: return 'fixed response';
  }
}

// What stands between a client and where the route leads.
function route_facts({auth, cache}) {
  const hits = cache && cache.requests_total > 0 ? `${percent(cache.hits_total / cache.requests_total)} from the cache` : 'cached';
  return joined([auth && `sign-in by ${auth.join(', ')}`, cache && hits]);
}

export function routes(status, now, redraw) {
  const shown = status.routes.filter(route => passes(route.name, ...route.hosts, route.path, leads_to(route)));
  list($('route-table'), folded('routes', shown, {
    id: route => row_id('route', route.name), unwell: () => false, most: 20, noun: 'more', columns: 9, redraw,
    row: route => [{key: row_id('route', route.name), template: 'route', fill(part, element) {
      identify(element, row_id('route', route.name));
      say(part.host, route.hosts.join(', ') || 'any');
      say(part.path, route.path || '/');
      say(part.to, leads_to(route));
      say(part.facts, route_facts(route));
      recent(part, route.recent);
    }}]}));
  head('routes', shown.length, status.routes.length, 'route');
  const {cache} = status;
  show($('cache'), cache !== null);
  if (cache) say($('cache'), joined([`Cache: ${bytes(cache.bytes)} of ${bytes(cache.bytes_limit)}`, plural(cache.entries, 'response'),
                                     cache.evictions_total > 0 && `${count(cache.evictions_total)} evicted`]));
}

// --- what processes have registered ---

export function registrations(status, now, redraw) {
  const all = status.registrations;
  const shown = all.filter(one => passes(one.prefix, one.reservation, one.target, `pid ${one.pid}`, String(one.user)));
  show($('registrations'), all.length > 0);
  show($('to-registrations'), all.length > 0);
  const id = one => row_id('registration', one.prefix);
  list($('registration-table'), folded('registrations', shown, {
    id, unwell: one => one.why !== null, most: 20, noun: 'more', columns: 6, redraw,
    row: one => [{key: id(one), template: 'registration', fill(part, element) {
      identify(element, id(one));
      say(part.prefix, one.prefix);
      say(part.user, String(one.user));
      number(part.pid, one.pid === null ? '–' : String(one.pid));
      say(part.target, one.target);
      number(part.requests, count(one.requests_total));
      number(part.in_flight, count(one.in_flight));
      why(part, one.why, 'warning', now);
    }}]}));
  head('registrations', shown.length, all.length, 'registration');
}

// --- listeners and certificates ---

// What answers say of HTTP/3, or why they say nothing.
function http3(listener) {
  const state = listener.alt_svc_state;
  const hint = state && state.standing !== 'advertised' && `HTTP/3 is not advertised${state.reason ? `: ${state.reason}` : ' yet'}`;
  return joined([listener.alt_svc && `Alt-Svc ${listener.alt_svc}`, hint, listener.redirects_to_https && 'redirects to https']);
}

function certificate_row(certificate, now) {
  const id = row_id('certificate', certificate.file);
  const left = certificate.expires_in_seconds;
  const date = day(new Date(certificate.expires));
  return {key: id, template: 'certificate', fill(part, element) {
    identify(element, id);
    mark(part.names, left <= 0 ? 'critical' : certificate.renewal_due_in_seconds <= 0 ? 'warning' : 'ok', certificate.names.join(', ') || certificate.file);
    say(part.expires, left <= 0 ? `expired ${date}, ${age(-left)} ago` : `${date}, in ${left < 86400 ? age(left) : plural(Math.floor(left / 86400), 'day')}`);
    say(part.file, certificate.file);
  }};
}

export function listeners(status, now) {
  const shown = status.listeners.filter(one => passes(one.name, one.scheme, one.address, ...one.protocols, http3(one)));
  list($('listener-table'), shown.map(listener => ({key: listener.name, template: 'listener', fill(part, element) {
    identify(element, row_id('listener', listener.name));
    say(part.address, `${listener.scheme}://${listener.address}`);
    say(part.protocols, listener.protocols.join(' '));
    number(part.connections, count(listener.connections));
    say(part.facts, http3(listener));
  }})));
  const all = new Map(status.listeners.flatMap(one => one.certificates).map(one => [one.file, one]));
  const certificates = [...all.values()].filter(one => passes(one.file, ...one.names));
  list($('certificate-table'), certificates.map(one => certificate_row(one, now)));
  head('listeners', shown.length + certificates.length, status.listeners.length + all.size, 'row');
  if (!filtering()) say($('listeners-count'), plural(status.listeners.length, 'listener'));
}

// --- faults ---

const places = new Map();  // group of faults: a number, the higher the later it was first seen

// The same fault at the same place, told once, at the place where it first appeared: what repeats does not move.
function grouped(faults) {
  const groups = new Map();
  for (const fault of faults) {
    const key = JSON.stringify([fault.fault, fault.route, fault.upstream, fault.endpoint, fault.status, fault.protocol]);
    const group = groups.get(key);
    if (group) ++group.times;
    else groups.set(key, {key, last: fault, times: 1});
  }
  for (const key of places.keys()) if (!groups.has(key)) places.delete(key);
  const next = Math.max(0, ...places.values()) + 1;
  [...groups.keys()].filter(key => !places.has(key)).reverse().forEach((key, i) => places.set(key, next + i));
  return [...groups.values()].sort((a, b) => places.get(b.key) - places.get(a.key));
}

export function faults(status, now) {
  const all = grouped(status.faults);
  const shown = all.filter(({last}) => passes(last.fault, last.blame, last.route, last.upstream, last.endpoint, last.protocol, last.cause, last.request_id));
  say($('when'), `Last at, ${zone(now)}`);
  list($('fault-table'), shown.map(({key, last, times}) => ({key, template: 'fault', fill(part) {
    const time = new Date(last.time);
    say(part.time, day(time) === day(now) ? clock(time) : `${day(time)} ${clock(time)}`);
    part.time.dateTime = last.time;
    part.time.title = moment(time, now);
    say(part.age, `${age((now - time) / 1000)} ago`);
    mark(part.fault, last.blame === 'client' ? 'idle' : last.blame === 'proxy' ? 'warning' : 'critical', last.fault);
    say(part.times, count(times));
    number(part.status, last.status === null ? '–' : String(last.status));
    say(part.route, last.route ?? '');
    say(part.endpoint, last.endpoint ?? last.upstream ?? '');
    say(part.cause, joined([last.cause, last.protocol]));
    say(part.id, last.request_id ?? '');
  }})));
  head('faults', shown.length, all.length, 'fault');
  if (all.length === 0) say($('faults-empty'), 'None since the start.');
}
