// Runs networks for browser.js, with what serve's Options.Browser holds.
importScripts('/page/browser/wasm_exec.js');

const started = (async () => {
  const go = new Go();
  const program = await WebAssembly.instantiateStreaming(fetch('/page/browser/mixnet.wasm'), go.importObject);
  go.run(program.instance);
})();

onmessage = async e => {
  const { id, what, file, score } = e.data;
  try {
    await started;
    const content = new Uint8Array(file);
    const answer = JSON.parse(what === 'open' ? mixnetOpen(content) : mixnetLook(content, score));
    postMessage(answer.error ? { id, error: answer.error } : { id, answer });
  } catch (error) {
    postMessage({ id, error: 'the network cannot run in this browser: ' + error.message });
  }
};
