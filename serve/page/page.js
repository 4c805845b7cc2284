import { $, percent, say } from './dom.js';
import * as server from './server.js';
import * as browser from './browser.js';
import { csv, row, show, summary } from './show.js';
import { callsOf } from './calls.js';
import { onPicture } from './camera.js';

let models = [];
let results = [];
let again = null; // the pictures, for another model or with a token
let current = 0; // the latest set of pictures

const model = () => models.find(m => m.name === $('model').value);
const here = () => $('here').checked && model()?.weights;

async function list() {
  const answer = await server.ask('/v1/models').catch(() => null);
  if (!answer) return say('The server cannot be reached.', true);
  $('access').hidden = answer.status !== 401;
  $('metrics').hidden = answer.status === 401 || server.hasToken(); // a link bears no token
  if (!answer.ok) return;
  const chosen = $('model').value;
  models = (await answer.json()).models;
  $('model').replaceChildren(...models.map(m => new Option(`${m.name} (${m.task === 'detect' ? 'finds' : 'names'} ${m.classes} ${m.classes === 1 ? 'class' : 'classes'})`, m.name, false, m.name === chosen)));
  chose();
}

// chose shows what goes with the model.
function chose() {
  const m = model();
  $('where').hidden = !m?.weights;
  $('least').hidden = m?.task !== 'detect';
  $('whither').textContent = here() ? 'They stay in this browser.' : 'They go to this server and are not kept.';
  callsOf(m);
}

async function take(files) {
  files = [...files];
  if (!files.length) return;
  const set = ++current;
  const [m, score, looks] = [model(), Number($('score').value), here() ? browser.look : server.look];
  if (!m) return say('There is no model.', true);
  again = files;
  results = [];
  $('rows').replaceChildren();
  $('one').hidden = true;
  $('many').hidden = files.length < 2;
  for (const [i, file] of files.entries()) {
    say(files.length > 1 ? `Picture ${i + 1} of ${files.length} …` : 'Looking …');
    const result = { name: file.name || 'pasted picture', file };
    try {
      result.answer = await looks(file, m, score);
    } catch (e) {
      result.error = e.message;
    }
    if (set !== current) return;
    results.push(result);
    if (files.length > 1) row(result);
    else if (result.answer) show(file, result.answer);
  }
  conclude();
  live();
}

// conclude says how it ended.
function conclude() {
  const failed = results.filter(r => r.error);
  if (results.length > 1) {
    if (failed.length) say(`${failed.length} of ${results.length} pictures could not be read.`, true);
    else say(`${results.length} pictures.`);
  } else if (failed.length) {
    say(failed[0].error, true);
  } else {
    const s = summary(results[0].answer);
    say(s.p === undefined ? `${s.text}.` : `${s.text}, ${results[0].answer.boxes?.length > 1 ? 'the surest ' : ''}${percent(s.p)}.`);
  }
}

function save() {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([csv(results)], { type: 'text/csv' }));
  link.download = 'pictures.csv';
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

// live shows how many pictures the server has judged, and how fast.
async function live() {
  const answer = await server.ask('/v2/models/stats').catch(() => null);
  if (!answer?.ok) return;
  let pictures = 0, requests = 0, ns = 0;
  for (const m of (await answer.json()).model_stats) {
    pictures += m.inference_count;
    requests += m.inference_stats.success.count;
    ns += m.inference_stats.success.ns;
  }
  if (requests) $('live').textContent = `${pictures === 1 ? '1 picture' : pictures + ' pictures'} since the server started, ${(ns / requests / 1e6).toFixed(1)} ms a request`;
}

$('files').onchange = e => { take(e.target.files); e.target.value = ''; };
$('model').onchange = () => { chose(); if (again) take(again); };
$('here').onchange = () => { chose(); if (again) take(again); };
$('score').oninput = () => { $('scored').textContent = Math.round(100 * $('score').value) + ' %'; };
$('score').onchange = () => { if (again) take(again); };
$('csv').onclick = save;
$('clear').onclick = () => { current++; again = null; results = []; $('many').hidden = $('one').hidden = true; say(''); $('files').focus(); };
$('access').onsubmit = async e => {
  e.preventDefault();
  server.setToken($('token').value.trim());
  await list();
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
onPicture(take);
callsOf();
list();
live();
