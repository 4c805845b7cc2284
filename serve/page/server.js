import { $ } from './dom.js';

let token = sessionStorage.getItem('token') || '';

export const hasToken = () => token !== '';

export function setToken(text) {
  token = text;
  sessionStorage.setItem('token', text);
}

export function ask(path, init = {}) {
  const headers = token ? { Authorization: 'Bearer ' + token } : {};
  return fetch(path, { ...init, headers: { ...headers, ...init.headers } });
}

// look sends a picture to the server. It waits and tries again while that is busy.
export async function look(file, model, score) {
  const query = new URLSearchParams({ model: model.name, input: 1 });
  if (model.task === 'detect') query.set('score', score);
  else if (model.maps) query.set('explain', 1);
  const begin = performance.now();
  for (let attempt = 0; ; attempt++) {
    let answer;
    try {
      answer = await ask(`/v1/${model.task}?${query}`, { method: 'POST', body: file, headers: { 'Content-Type': 'application/octet-stream' } });
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
    if (!answer.ok) throw new Error(body.error);
    body.seconds.total = (performance.now() - begin) / 1000;
    return body;
  }
}
