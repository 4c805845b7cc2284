export const $ = id => document.getElementById(id);

export function element(name, text, className) {
  const e = document.createElement(name);
  if (text !== undefined) e.textContent = text;
  if (className) e.className = className;
  return e;
}

export const percent = p => (100 * p).toFixed(1) + ' %';
export const ms = s => (1000 * s).toFixed(1) + ' ms';

export function say(text, bad = false) {
  $('status').textContent = text;
  $('status').classList.toggle('bad', bad);
}
