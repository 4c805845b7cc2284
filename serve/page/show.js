import { $, element, ms, percent } from './dom.js';

// inPicture turns a box of the stored picture to the upright one that is shown.
function inPicture(b, a) {
  const [w, h, o] = [a.width, a.height, a.orientation];
  const point = (x, y) => {
    const [fx, fy] = [w - x, h - y];
    return { 1: [x, y], 2: [fx, y], 3: [fx, fy], 4: [x, fy], 5: [y, x], 6: [fy, x], 7: [fy, fx], 8: [y, fx] }[o];
  };
  const [x1, y1] = point(b.x1, b.y1), [x2, y2] = point(b.x2, b.y2);
  return { x: Math.min(x1, x2), y: Math.min(y1, y2), width: Math.abs(x2 - x1), height: Math.abs(y2 - y1) };
}

function svg(name, attributes, text) {
  const e = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
  if (text) e.textContent = text;
  return e;
}

function drawBoxes(a) {
  const { width, height } = a.picture;
  const line = Math.max(width, height) / 250, size = Math.max(width, height) / 28;
  $('boxes').setAttribute('viewBox', `0 0 ${width} ${height}`);
  $('boxes').replaceChildren(...(a.boxes || []).flatMap((b, i) => {
    const box = inPicture(b, a);
    return [
      svg('rect', { ...box, class: 'halo', 'stroke-width': 2.5 * line }), svg('rect', { ...box, 'stroke-width': line }),
      svg('text', { x: box.x + 2 * line, y: Math.max(box.y - 2 * line, size), 'font-size': size, 'stroke-width': line }, String(i + 1)),
    ];
  }));
}

function bar(label, p) {
  const item = element('li'), line = element('div', undefined, 'line'), track = element('div', undefined, 'track'), bar = element('div');
  line.append(element('span', label), element('span', percent(p)));
  bar.style.width = 100 * p + '%';
  track.append(bar);
  item.append(line, track);
  return item;
}

function setImage(id, blob) {
  URL.revokeObjectURL($(id).src);
  $(id).src = URL.createObjectURL(blob);
}

const png = text => new Blob([Uint8Array.from(atob(text), c => c.charCodeAt(0))], { type: 'image/png' });

// summary is an answer in a few words.
export function summary(a) {
  if (a.predictions) return { text: a.predictions[0].label, p: a.predictions[0].probability, next: a.predictions.slice(1, 3).map(p => p.label).join(', ') };
  if (!a.boxes.length) return { text: 'nothing', next: '' };
  const counts = {};
  for (const b of a.boxes) counts[b.label] = (counts[b.label] || 0) + 1;
  return { text: Object.entries(counts).map(([label, n]) => `${n} × ${label}`).join(', '), p: a.boxes[0].score, next: '' };
}

// show shows what there is to say about one picture.
export function show(file, a) {
  setImage('whole', file);
  setImage('seen', png(a.input));
  $('facts').textContent = `${a.picture.width} × ${a.picture.height}, ${a.picture.format.toUpperCase()}`;
  drawBoxes(a);
  $('looks').hidden = !a.map;
  if (a.map) {
    setImage('map', png(a.map));
    $('legend').textContent = `Where it looks: red speaks for ${a.predictions[0].label}, blue against it`;
  }
  $('kind').textContent = a.predictions ? 'Most probable' : a.boxes.length ? 'Found' : 'Nothing found';
  const items = a.predictions ? a.predictions.map(p => bar(p.label, p.probability)) : a.boxes.map((b, i) => bar(`${i + 1} ${b.label}`, b.score));
  $('bars').replaceChildren(...items);
  const names = { read: 'Receiving', queue: 'Waiting', prepare: 'Decoding, scaling', network: 'Network', total: 'queue' in a.seconds ? 'From here and back' : 'Altogether' };
  $('times').replaceChildren(...Object.keys(names).filter(k => k in a.seconds).map(k => {
    const pair = element('div');
    pair.append(element('dt', names[k]), element('dd', ms(a.seconds[k])));
    return pair;
  }));
  $('one').hidden = false;
}

// row adds a result to the table; its name shows it.
export function row(r) {
  const line = element('tr'), name = element('td');
  line.append(name);
  if (r.error) {
    name.textContent = r.name;
    const cell = element('td', r.error, 'bad');
    cell.colSpan = 4;
    line.append(cell);
  } else {
    const button = element('button', r.name, 'link');
    button.type = 'button';
    button.onclick = () => { show(r.file, r.answer); $('one').scrollIntoView({ block: 'nearest' }); };
    name.append(button);
    const s = summary(r.answer);
    line.append(element('td', s.text), element('td', s.p === undefined ? '' : percent(s.p)), element('td', s.next), element('td', ms(r.answer.seconds.total)));
  }
  $('rows').append(line);
}

// csv quotes what a spreadsheet would take for the end of a cell or a formula.
export function csv(results) {
  const cell = v => {
    let text = String(v ?? '');
    if (typeof v === 'string' && /^[=+\-@\t\r]/.test(text)) text = "'" + text;
    return /[",\n\r]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
  };
  const lines = [['picture', 'rank', 'class', 'label', 'probability', 'x1', 'y1', 'x2', 'y2', 'error']];
  for (const r of results) {
    if (r.error) lines.push([r.name, , , , , , , , , r.error]);
    r.answer?.predictions?.forEach((p, i) => lines.push([r.name, i + 1, p.class, p.label, p.probability, , , , , ,]));
    r.answer?.boxes?.forEach((b, i) => lines.push([r.name, i + 1, b.id, b.label, b.score, b.x1, b.y1, b.x2, b.y2, ,]));
  }
  return Array.from(lines, l => Array.from({ length: 10 }, (_, i) => cell(l[i])).join(',') + '\r\n').join('');
}
