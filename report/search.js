(() => {
  const table = document.getElementById('trials');
  if (!table) return;
  const body = table.tBodies[0], rows = [...body.rows];
  const names = [...table.tHead.rows[0].cells].map(c => c.textContent);
  const value = (row, i) => row.cells[i].dataset.v === undefined ? row.cells[i].textContent : +row.cells[i].dataset.v;
  let by = -1, up = false;
  table.tHead.addEventListener('click', e => {
    const th = e.target.closest('th');
    if (!th) return;
    up = by === th.cellIndex ? !up : false;
    by = th.cellIndex;
    for (const c of th.parentNode.cells) c.removeAttribute('aria-sort');
    th.setAttribute('aria-sort', up ? 'ascending' : 'descending');
    rows.sort((a, b) => { const x = value(a, by), y = value(b, by); return (x < y ? -1 : x > y ? 1 : 0) * (up ? 1 : -1); });
    body.append(...rows);
  });
  const scale = {score: 0.01, macs: 1e6, params: 1e6, activations: 1e6};
  const filter = document.getElementById('filter'), shown = document.getElementById('shown');
  filter.addEventListener('input', () => {
    let n = 0;
    for (const row of rows) {
      row.hidden = !filter.value.toLowerCase().split(/[\s,]+/).every(word => {
        const m = word.match(/^([a-z]+)([<>])([\d.]+)$/), i = m ? names.indexOf(m[1]) : -1;
        if (i < 0) return row.textContent.toLowerCase().includes(word);
        const v = value(row, i), limit = +m[3] * (scale[m[1]] || 1);
        return m[2] === '<' ? v < limit : v > limit;
      });
      if (!row.hidden) n++;
    }
    shown.textContent = n + ' of ' + rows.length;
  });
})();
