const $ = id => document.getElementById(id);
let token = sessionStorage.getItem('token') || '';
let results = [];
let again = null; // pictures to send when there is a token
let current = 0; // the latest set of pictures

function ask(path, init = {}) {
  const headers = token ? { Authorization: 'Bearer ' + token } : {};
  return fetch(path, { ...init, headers: { ...headers, ...init.headers } });
}

function say(text, bad = false) {
  $('status').textContent = text;
  $('status').classList.toggle('bad', bad);
}

function element(name, text, className) {
  const e = document.createElement(name);
  if (text !== undefined) e.textContent = text;
  if (className) e.className = className;
  return e;
}

const percent = p => (100 * p).toFixed(1) + ' %';
const ms = s => (1000 * s).toFixed(1) + ' ms';

async function models() {
  const answer = await ask('/v2/models').catch(() => null);
  if (!answer) return say('The server cannot be reached.', true);
  $('access').hidden = answer.status !== 401;
  if (!answer.ok) return;
  const chosen = $('model').value;
  $('model').replaceChildren(...(await answer.json()).models.map(m => new Option(m, m, false, m === chosen)));
  code();
}

// classify sends one picture. It waits and tries again while the server is busy.
async function classify(file) {
  const query = new URLSearchParams({ model: $('model').value, top: 5, input: 1 });
  const begin = performance.now();
  for (let attempt = 0; ; attempt++) {
    let answer;
    try {
      answer = await ask('/v1/classify?' + query, { method: 'POST', body: file, headers: { 'Content-Type': 'application/octet-stream' } });
    } catch {
      throw new Error('the server cannot be reached, or refused the picture while it was sent');
    }
    if (answer.status === 503 && attempt < 5 && answer.headers.get('Retry-After')) {
      await new Promise(done => setTimeout(done, 1000 * answer.headers.get('Retry-After')));
      continue;
    }
    const body = await answer.json().catch(() => ({ error: 'an answer that is not understood, status ' + answer.status }));
    if (answer.status === 401) {
      $('access').hidden = false;
      $('token').focus();
    }
    if (!answer.ok) throw Object.assign(new Error(body.error), { status: answer.status });
    body.seconds.total = (performance.now() - begin) / 1000;
    return body;
  }
}

async function take(files) {
  files = [...files];
  if (!files.length) return;
  const set = ++current;
  again = files;
  results = [];
  $('rows').replaceChildren();
  $('one').hidden = true;
  $('many').hidden = files.length < 2;
  for (const [i, file] of files.entries()) {
    say(files.length > 1 ? `Picture ${i + 1} of ${files.length} …` : 'Looking …');
    const result = { name: file.name || 'pasted picture' };
    try {
      result.answer = await classify(file);
    } catch (e) {
      result.error = e.message;
    }
    if (set !== current) return;
    results.push(result);
    if (files.length > 1) row(result);
    else if (result.answer) show(file, result.answer);
  }
  const failed = results.filter(r => r.error);
  if (files.length === 1 && failed.length) say(failed[0].error, true);
  else if (failed.length) say(`${failed.length} of ${files.length} pictures could not be read.`, true);
  else if (files.length > 1) say(`${files.length} pictures.`);
  else say(`${results[0].answer.predictions[0].label}, ${percent(results[0].answer.predictions[0].probability)}.`);
  live();
}

function show(file, a) {
  for (const id of ['whole', 'seen']) URL.revokeObjectURL($(id).src);
  $('whole').src = URL.createObjectURL(file);
  const png = Uint8Array.from(atob(a.input), c => c.charCodeAt(0));
  $('seen').src = URL.createObjectURL(new Blob([png], { type: 'image/png' }));
  $('facts').textContent = `${a.picture.width} × ${a.picture.height}, ${a.picture.format.toUpperCase()}`;
  $('bars').replaceChildren(...a.predictions.map(p => {
    const item = element('li'), line = element('div', undefined, 'line'), track = element('div', undefined, 'track'), bar = element('div');
    line.append(element('span', p.label), element('span', percent(p.probability)));
    bar.style.width = 100 * p.probability + '%';
    track.append(bar);
    item.append(line, track);
    return item;
  }));
  const names = { read: 'Receiving', prepare: 'Decoding, scaling', queue: 'Waiting', network: 'Network', total: 'From here and back' };
  $('times').replaceChildren(...Object.keys(names).map(k => {
    const pair = element('div');
    pair.append(element('dt', names[k]), element('dd', ms(a.seconds[k])));
    return pair;
  }));
  $('one').hidden = false;
}

function row(r) {
  const line = element('tr');
  line.append(element('td', r.name));
  if (r.error) {
    const cell = element('td', r.error, 'bad');
    cell.colSpan = 4;
    line.append(cell);
  } else {
    const [first, ...rest] = r.answer.predictions;
    line.append(element('td', first.label), element('td', percent(first.probability)), element('td', rest.slice(0, 2).map(p => p.label).join(', ')), element('td', ms(r.answer.seconds.total)));
  }
  $('rows').append(line);
}

// csv quotes what a spreadsheet would take for the end of a cell or a formula.
function csv() {
  const cell = v => {
    let text = String(v);
    if (typeof v === 'string' && /^[=+\-@\t\r]/.test(text)) text = "'" + text;
    return /[",\n\r]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
  };
  const lines = [['picture', 'rank', 'class', 'label', 'probability', 'error']];
  for (const r of results) {
    if (r.error) lines.push([r.name, '', '', '', '', r.error]);
    else r.answer.predictions.forEach((p, i) => lines.push([r.name, i + 1, p.class, p.label, p.probability, '']));
  }
  const link = element('a');
  link.href = URL.createObjectURL(new Blob([lines.map(l => l.map(cell).join(',') + '\r\n').join('')], { type: 'text/csv' }));
  link.download = 'pictures.csv';
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

const examples = {
  curl: (url, t) => `curl --data-binary @photo.jpg${t ? " \\\n  -H 'Authorization: Bearer TOKEN'" : ''} \\\n  '${url}'`,
  Go: (url, t) => `file, err := os.Open("photo.jpg")
if err != nil {
	return err
}
defer file.Close()
r, err := http.NewRequest("POST", "${url}", file)
if err != nil {
	return err
}
${t ? 'r.Header.Set("Authorization", "Bearer TOKEN")\n' : ''}answer, err := http.DefaultClient.Do(r)
if err != nil {
	return err
}
defer answer.Body.Close()
var found struct {
	Predictions []struct {
		Label       string
		Probability float64
	}
	Error string
}
err = json.NewDecoder(answer.Body).Decode(&found)`,
  Python: (url, t) => `import json, urllib.request

photo = open("photo.jpg", "rb").read()
request = urllib.request.Request("${url}", photo${t ? ',\n    {"Authorization": "Bearer TOKEN"}' : ''})
for p in json.load(urllib.request.urlopen(request))["predictions"]:
    print(p["probability"], p["label"])`,
};
let language = 'curl';

function code() {
  const url = `${location.origin}/v1/classify?model=${encodeURIComponent($('model').value)}&top=5`;
  $('code').textContent = examples[language](url, token !== '');
  for (const tab of $('tabs').children) {
    const on = tab.textContent === language;
    tab.setAttribute('aria-selected', on);
    tab.tabIndex = on ? 0 : -1;
    if (on) $('code').setAttribute('aria-labelledby', tab.id);
  }
}

for (const name of Object.keys(examples)) {
  const tab = element('button', name);
  Object.assign(tab, { type: 'button', id: 'tab-' + name });
  tab.setAttribute('role', 'tab');
  tab.setAttribute('aria-controls', 'code');
  tab.onclick = () => { language = name; code(); };
  tab.onkeydown = e => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
    if (!step) return;
    const all = [...$('tabs').children];
    const next = all[(all.indexOf(tab) + step + all.length) % all.length];
    next.click();
    next.focus();
  };
  $('tabs').append(tab);
}

async function copy() {
  try {
    await navigator.clipboard.writeText($('code').textContent);
    $('copy').textContent = 'Copied';
  } catch {
    getSelection().selectAllChildren($('code'));
    $('copy').textContent = 'Selected';
  }
  setTimeout(() => { $('copy').textContent = 'Copy'; }, 1500);
}

// live shows how many pictures the server has judged, and how fast.
async function live() {
  const answer = await ask('/v2/models/stats').catch(() => null);
  if (!answer || !answer.ok) return;
  const all = (await answer.json()).model_stats;
  const pictures = all.reduce((n, m) => n + m.inference_count, 0);
  const { count, ns } = all.reduce((t, m) => ({ count: t.count + m.inference_stats.success.count, ns: t.ns + m.inference_stats.success.ns }), { count: 0, ns: 0 });
  $('live').textContent = count ? `${pictures === 1 ? '1 picture' : pictures + ' pictures'} since the start, ${ms(ns / count / 1e9)} a request` : '';
}

for (const id of ['files', 'camera']) $(id).onchange = e => { take(e.target.files); };
for (const id of ['files', 'camera']) $(id).onclick = e => { e.target.value = ''; };
$('model').onchange = () => { code(); if (again) take(again); };
$('csv').onclick = csv;
$('clear').onclick = () => { current++; again = null; results = []; $('many').hidden = true; say(''); $('files').focus(); };
$('copy').onclick = copy;
$('access').onsubmit = async e => {
  e.preventDefault();
  token = $('token').value.trim();
  sessionStorage.setItem('token', token);
  await models();
  if ($('access').hidden && again) take(again);
  else if (!$('access').hidden) say('That is not the token.', true);
};
document.addEventListener('paste', e => {
  const files = [...e.clipboardData.files].filter(f => f.type.startsWith('image/'));
  if (files.length) { e.preventDefault(); take(files); }
});
let depth = 0;
document.addEventListener('dragenter', () => { depth++; $('drop').classList.add('over'); });
document.addEventListener('dragleave', () => { if (--depth === 0) $('drop').classList.remove('over'); });
document.addEventListener('dragover', e => e.preventDefault());
document.addEventListener('drop', e => {
  e.preventDefault();
  depth = 0;
  $('drop').classList.remove('over');
  take(e.dataTransfer.files);
});

models();
live();
