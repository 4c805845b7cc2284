// How programs ask the server.
import { $, element } from './dom.js';
import { hasToken } from './server.js';

const field = m => m.task === 'detect' ? 'boxes' : 'predictions';
const number = m => m.task === 'detect' ? 'score' : 'probability';
const title = s => s[0].toUpperCase() + s.slice(1);

const examples = {
  curl: (url, t) => `curl --data-binary @photo.jpg${t ? " \\\n  -H 'Authorization: Bearer TOKEN'" : ''} \\\n  '${url}'`,
  Go: (url, t, m) => `file, err := os.Open("photo.jpg")
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
	${title(field(m))} []struct {
		Label string
		${title(number(m))} float64${m.task === 'detect' ? '\n		X1, Y1, X2, Y2 float64' : ''}
	}
	Error string
}
err = json.NewDecoder(answer.Body).Decode(&found)`,
  Python: (url, t, m) => `import json, urllib.request

photo = open("photo.jpg", "rb").read()
request = urllib.request.Request("${url}", photo${t ? ',\n    {"Authorization": "Bearer TOKEN"}' : ''})
for p in json.load(urllib.request.urlopen(request))["${field(m)}"]:
    print(p["${number(m)}"], p["label"]${m.task === 'detect' ? ', p["x1"], p["y1"], p["x2"], p["y2"]' : ''})`,
};
let language = 'curl';
let model = { name: '', task: 'classify' };

function code() {
  const query = new URLSearchParams({ ...(model.name && { model: model.name }), ...(model.task === 'detect' ? { score: 0.5 } : { top: 5 }) });
  $('code').textContent = examples[language](`${location.origin}/v1/${model.task}?${query}`, hasToken(), model);
  for (const tab of $('tabs').children) {
    const on = tab.textContent === language;
    tab.setAttribute('aria-selected', on);
    tab.tabIndex = on ? 0 : -1;
    if (on) $('code').setAttribute('aria-labelledby', tab.id);
  }
}

export function callsOf(m) {
  if (m) model = m;
  code();
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
$('copy').onclick = copy;
