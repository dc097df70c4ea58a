// Elements for lists of things, kept from one event to the next, so that focus, selection and what is unfolded stay;
// which things are shown, and in what order. Whatever a name or text says, it only ever becomes text: nothing here
// makes markup of strings, and the page's policy would not let it.
import {count, plain} from './text.js';

export const $ = id => document.getElementById(id);

// The only way by which a text gets into the page. What it says already is left alone, so that nothing is drawn anew.
export function say(element, text) {
  if (element.said === text) return;
  element.said = text;
  element.textContent = plain(text);
}

export function show(element, shown) {
  if (element.hidden === shown) element.hidden = !shown;
}

export function level(element, name) {
  if (element.level === name) return;
  element.level = name;
  for (const one of ['ok', 'warning', 'critical', 'idle']) element.classList.toggle(one, one === name);
}

// Tables that a narrow screen shows as stacks are tables for screen readers there, too.
const ROLES = {TABLE: 'table', THEAD: 'rowgroup', TBODY: 'rowgroup', TR: 'row', TD: 'cell', TH: 'columnheader'};
export function give_roles(root) {
  for (const element of root.querySelectorAll('table, thead, tbody, tr, td, th')) {
    element.setAttribute('role', element.scope === 'row' ? 'rowheader' : ROLES[element.tagName]);
  }
}

function made(template) {
  const element = $(template).content.firstElementChild.cloneNode(true);
  element.parts = {};
  for (const part of [element, ...element.querySelectorAll('[data-f]')]) {
    if (part.dataset.f) element.parts[part.dataset.f] = part;
  }
  return element;
}

// One element for each row {key, template, fill}, in their order, behind what the parent has of its own; a key that
// is new gets a copy of the template, and fill(parts, element) says what is in it.
export function list(parent, rows) {
  const known = parent.kept ??= new Map();
  if (parent.own === undefined) parent.own = parent.lastElementChild;
  const wanted = new Map();
  for (const row of rows) {
    let key = row.key;
    while (wanted.has(key)) key += '+';
    wanted.set(key, row);
  }
  for (const [key, element] of known) {
    if (wanted.has(key)) continue;
    element.remove();
    known.delete(key);
  }
  let place = parent.own ? parent.own.nextElementSibling : parent.firstElementChild;
  for (const [key, row] of wanted) {
    let element = known.get(key);
    if (!element) known.set(key, element = made(row.template));
    row.fill(element.parts, element);
    if (element === place) place = place.nextElementSibling;
    else parent.insertBefore(element, place);
  }
}

// A row that a link can lead to; an inner one is part of the one above it.
export function identify(element, id, inner = false) {
  if (element.id === id) return;
  element.id = id;
  element.classList.toggle('inner', inner);
}

// What a link to a row names, and its element's id: "upstream:shop".
export const row_id = (kind, name) => `${kind}:${encodeURIComponent(name)}`;

// --- what is shown of a list ---

const MOST_WELL = 10;    // together with those that are not well
const MOST_SHOWN = 500;  // of a list that is unfolded
const LINGERS = 30000;   // ms that one stays on top once it is well again: it may not last

const unfolded = new Set();
const restless = new Map();  // row id: until when it is kept on top
export const unfold = place => unfolded.add(place);

function on_top(id, unwell, now) {
  if (unwell) restless.set(id, now + LINGERS);
  else if (restless.get(id) <= now) restless.delete(id);
  return restless.has(id);
}

// Those that are not well, then the others, each in the order of the configuration; `row` makes rows of one of them.
// Beyond ten the others are folded, so that the last row says how many they are.
export function folded(place, items, {id, unwell, row, most = MOST_WELL, columns, noun = 'healthy', redraw}) {
  const now = performance.now();
  const first = [];
  const others = [];
  for (const item of items) (on_top(id(item), unwell(item), now) ? first : others).push(item);
  const open = unfolded.has(place);
  const room = open ? MOST_SHOWN : Math.max(0, most - first.length);
  const shown = [...first.slice(0, MOST_SHOWN), ...others.slice(0, room)];
  const rows = shown.flatMap(row);
  const hidden = items.length - shown.length;
  if (hidden === 0 && !(open && items.length > most)) return rows;
  rows.push({key: `fold ${place}`, template: 'fold', fill(parts, element) {
    parts.cell.colSpan = columns;
    const beyond = hidden > 0 && (open || first.length > MOST_SHOWN);
    say(parts.button, beyond ? `${count(hidden)} more: narrow them with the filter` : open ? 'Show fewer' : `${count(hidden)} ${noun}, show`);
    parts.button.setAttribute('aria-expanded', String(open));
    element.classList.toggle('inner', place.includes('/'));
    parts.button.onclick = () => {
      if (!unfolded.delete(place)) unfolded.add(place);
      redraw();
    };
  }});
  return rows;
}

// --- the filter ---

let words = [];

export function filter_by(text) {
  words = text.toLowerCase().split(/\s+/).filter(word => word);
}

export const filtering = () => words.length > 0;

// Whether all of the filter's words are in these texts.
export function passes(...texts) {
  if (words.length === 0) return true;
  const all = texts.filter(text => text).join(' ').toLowerCase();
  return words.every(word => all.includes(word));
}
