// Networks that run in a worker of this page.
import { ask } from './server.js';

let worker = null;
let opened = null; // the model that the worker has, or is about to have
let calls = 0;
const waiting = new Map();

function call(message, transfer = []) {
  if (!worker) {
    worker = new Worker('/page/worker.js');
    worker.onmessage = e => {
      const { done, fail } = waiting.get(e.data.id);
      waiting.delete(e.data.id);
      if (e.data.error) fail(new Error(e.data.error));
      else done(e.data.answer);
    };
    worker.onerror = e => {
      for (const { fail } of waiting.values()) fail(new Error(e.message || 'the network stopped'));
      waiting.clear();
      worker = opened = null;
    };
  }
  const id = ++calls;
  return new Promise((done, fail) => {
    waiting.set(id, { done, fail });
    worker.postMessage({ id, ...message }, transfer);
  });
}

// open fetches a model's weights, unless they are here.
async function open(model) {
  const key = model.name + ' ' + model.version;
  if (opened?.key !== key) {
    const ready = (async () => {
      const answer = await ask(`/v1/models/${encodeURIComponent(model.name)}/weights`);
      if (!answer.ok) throw new Error((await answer.json()).error);
      const weights = await answer.arrayBuffer();
      await call({ what: 'open', file: weights }, [weights]);
    })();
    opened = { key, ready };
    ready.catch(() => { opened = null; });
  }
  return opened.ready;
}

// look runs the model on a picture.
export async function look(file, model, score) {
  await open(model);
  const begin = performance.now();
  const content = await file.arrayBuffer();
  const body = await call({ what: 'look', file: content, score }, [content]);
  body.seconds.total = (performance.now() - begin) / 1000;
  return body;
}
