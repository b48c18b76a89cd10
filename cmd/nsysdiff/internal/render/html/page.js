// Draws what the page's data hold and makes its tables sort and filter. All
// text goes in as text nodes and attribute values, never as markup.
(() => {
'use strict';

const root = document.documentElement;
root.classList.remove('no-js');
const data = JSON.parse(document.getElementById('data').textContent);
const $ = (selector, from = document) => from.querySelector(selector);
const $$ = (selector, from = document) => [...from.querySelectorAll(selector)];

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? '' : value);
  }
  for (const child of children) {
    if (child !== null && child !== undefined) node.append(child);
  }
  return node;
}
const el = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) => fill(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);
const text = (x, y, s, attributes) => svg('text', {x, y, ...attributes}, s);
const bdi = s => el('bdi', {}, s);
const round = x => Math.round(x * 10) / 10;

// Times are nanoseconds.
function unitFor(ns) {
  const units = [['ns', 1, 0], ['µs', 1e3, 2], ['ms', 1e6, 2], ['s', 1e9, 2]];
  let i = 0;
  while (i + 1 < units.length && ns >= units[i + 1][1]) i++;
  return units[i];
}
function time(ns) {
  const [name, size, digits] = unitFor(Math.abs(ns));
  return (ns / size).toFixed(digits) + ' ' + name;
}
function shortTime(ns) { // for axes
  const [name, size] = unitFor(Math.abs(ns));
  return +(ns / size).toPrecision(4) + ' ' + name;
}
const percent = share => (100 * share).toFixed(1) + '%';
const ratio = r => r >= 100 ? r.toFixed(0) : r < 0.1 ? String(+r.toPrecision(2)) : r.toFixed(2);
const count = (n, one, many) => n.toLocaleString('en-US') + ' ' + (n === 1 ? one : many);

// ticks returns round values from lo to hi, about n of them.
function ticks(lo, hi, n) {
  const raw = (hi - lo) / Math.max(n, 1), power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].find(s => s * power >= raw * 0.999) * power;
  const out = [];
  for (let k = Math.ceil(lo / step - 1e-9); k * step <= hi * (1 + 1e-12) + step * 1e-9; k++) out.push(k * step);
  return out;
}
// logTicks returns values of 1, 2 and 5 times powers of ten.
function logTicks(lo, hi) {
  const all = [], tens = [];
  for (let e = Math.floor(Math.log10(lo)); e <= Math.ceil(Math.log10(hi)); e++) {
    for (const m of [1, 2, 5]) {
      const v = m * 10 ** e;
      if (v < lo * 0.999 || v > hi * 1.001) continue;
      all.push(v);
      if (m === 1) tens.push(v);
    }
  }
  return all.length > 8 && tens.length > 1 ? tens : all;
}
function sums(differences) {
  let last = 0;
  return (differences || []).map(d => last += d);
}

// ---- theme ----

const themes = ['auto', 'light', 'dark'];
function setTheme(theme) {
  if (theme === 'auto') delete root.dataset.theme; else root.dataset.theme = theme;
  $('#theme span').textContent = theme;
  try { localStorage.setItem('nsysdiff-theme', theme); } catch { /* a page from disk may have no storage */ }
}
let stored = null;
try { stored = localStorage.getItem('nsysdiff-theme'); } catch { /* likewise */ }
setTheme(themes.includes(stored) ? stored : 'auto');
$('#theme').addEventListener('click', () => setTheme(themes[(themes.indexOf($('#theme span').textContent) + 1) % 3]));

// ---- tables ----

for (const table of $$('table.sortable')) {
  const head = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
  head.forEach((th, column) => {
    if (!th.dataset.key) return;
    th.replaceChildren(el('button', {type: 'button'}, ...th.childNodes));
    th.firstChild.addEventListener('click', () => {
      closeDetail();
      const was = th.getAttribute('aria-sort');
      // Numbers that matter are large; names and numbers of sites begin small.
      const first = th.dataset.key === 'number' && column > 0 ? 'descending' : 'ascending';
      const order = !was ? first : was === 'ascending' ? 'descending' : 'ascending';
      for (const other of head) other.removeAttribute('aria-sort');
      th.setAttribute('aria-sort', order);
      const key = row => {
        const cell = row.cells[column];
        if (th.dataset.key === 'text') return cell.textContent;
        return Number(cell.dataset.k ?? cell.textContent);
      };
      const body = table.tBodies[0], sign = order === 'ascending' ? 1 : -1;
      const rows = $$('tr', body).map((row, i) => ({row, i, key: key(row)}));
      const compare = th.dataset.key === 'text'
        ? (a, b) => a.key < b.key ? -1 : a.key > b.key ? 1 : 0
        : (a, b) => a.key - b.key;
      rows.sort((a, b) => sign * compare(a, b) || a.i - b.i);
      body.append(...rows.map(x => x.row));
    });
  });
}

// A name opens where it stands, instead of at the end of the page.
document.addEventListener('click', event => {
  const link = event.target.closest && event.target.closest('td.name a');
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (link.closest('#site-table')) return; // its row opens
  const open = link.parentNode.querySelector('.whole');
  if (open) { open.remove(); link.setAttribute('aria-expanded', 'false'); return; }
  link.after(el('span', {class: 'whole'}, bdi(data.names[Number(link.hash.slice(2))])));
  link.setAttribute('aria-expanded', 'true');
});

// ---- the table of sites: filters and the chosen site ----

const siteTable = $('#site-table');
const siteRows = siteTable ? $$('tr[data-v]', siteTable) : [];
const rowOf = new Map(siteRows.map(row => [Number(row.id.slice(1)), row]));
const wanted = new Set();

const searchTexts = new Map();
function searchText(row) {
  let s = searchTexts.get(row);
  if (s === undefined) {
    const site = data.sites[Number(row.id.slice(1))];
    const names = [site.m, site.e].filter(i => i >= 0).map(i => data.names[i]);
    s = (names.join('\n') + '\n' + row.textContent).toLowerCase();
    searchTexts.set(row, s);
  }
  return s;
}
function filter() {
  const words = $('#filter').value.toLowerCase().split(/\s+/).filter(Boolean);
  let n = 0;
  for (const row of siteRows) {
    const show = (!wanted.size || wanted.has(row.dataset.v)) && words.every(word => searchText(row).includes(word));
    row.hidden = !show;
    if (show) n++;
    else if (row === chosenRow) closeDetail();
  }
  $('#shown').textContent = n === siteRows.length ? '' : `${n.toLocaleString('en-US')} of ${siteRows.length.toLocaleString('en-US')}`;
  $('#none').hidden = n > 0;
}
if (siteTable) {
  $('#filter').addEventListener('input', filter);
  for (const chip of $$('[data-verdict]')) {
    chip.addEventListener('click', () => {
      const v = chip.dataset.verdict, on = !wanted.has(v);
      if (on) wanted.add(v); else wanted.delete(v);
      chip.setAttribute('aria-pressed', on);
      filter();
    });
  }
  $('#clear').addEventListener('click', () => {
    wanted.clear();
    for (const chip of $$('[data-verdict]')) chip.setAttribute('aria-pressed', false);
    $('#filter').value = '';
    filter();
    $('#filter').focus();
  });
  siteTable.tBodies[0].addEventListener('click', event => {
    const row = event.target.closest('tr[data-v]');
    if (!row || String(getSelection())) return;
    if (row === chosenRow) closeDetail(); else choose(Number(row.id.slice(1)));
  });
  siteTable.tBodies[0].addEventListener('keydown', event => {
    if (event.key === 'Escape' && chosenRow) {
      const link = $('.name a', chosenRow);
      closeDetail();
      link.focus();
    }
  });
}

let chosen = -1, chosenRow = null, detailRow = null;
function closeDetail() {
  if (!chosenRow) return;
  chosenRow.classList.remove('chosen');
  $('.name a', chosenRow).removeAttribute('aria-expanded');
  detailRow.remove();
  chosen = -1;
  chosenRow = detailRow = null;
  mark();
}
// choose opens a site's row; scroll brings it into view.
function choose(index, scroll) {
  const row = rowOf.get(index);
  if (!row) return;
  closeDetail();
  if (row.hidden) $('#clear').click();
  chosen = index;
  chosenRow = row;
  row.classList.add('chosen');
  $('.name a', row).setAttribute('aria-expanded', 'true');
  detailRow = el('tr', {class: 'detail', role: 'row'}, el('td', {colspan: 8, role: 'cell'}, detail(data.sites[index], index)));
  row.after(detailRow);
  mark();
  if (scroll) {
    row.scrollIntoView({block: 'start'});
    $('.name a', row).focus({preventScroll: true});
  }
}
// mark shows the chosen site in the drawings.
function mark() {
  for (const node of $$('#scatter .chosen, #timeline .chosen')) node.classList.remove('chosen');
  if (chosen >= 0) for (const node of $$(`#scatter [data-site="${chosen}"], #timeline [data-site="${chosen}"]`)) node.classList.add('chosen');
}
document.addEventListener('click', event => {
  const node = event.target.closest && event.target.closest('svg [data-site]');
  if (node) choose(Number(node.dataset.site), true);
});
function followHash() {
  const m = /^#s(\d+)$/.exec(location.hash);
  if (m) choose(Number(m[1]), true);
}
addEventListener('hashchange', followHash);
document.addEventListener('click', event => {
  const link = event.target.closest && event.target.closest('.at a');
  if (link && link.hash === location.hash) followHash();
});

// ---- one site ----

const short = site => data.short[site.m >= 0 ? site.m : site.e];
const samples = site => [['mock', data.sides[0], site.ms], ['e2e', data.sides[1], site.es]].filter(x => x[2]);

function detail(site, index) {
  const close = el('button', {type: 'button'}, 'Close');
  close.addEventListener('click', () => {
    const link = $('.name a', chosenRow);
    closeDetail();
    link.focus();
  });
  const facts = el('dl', {});
  const fact = (name, ...value) => facts.append(el('dt', {}, name), el('dd', {}, ...value));
  const code = s => el('code', {}, bdi(s));
  if (site.m >= 0 && site.m === site.e) fact('kernel', code(data.names[site.m]));
  else {
    if (site.m >= 0) fact(data.sides[0] + ' kernel', code(data.names[site.m]));
    if (site.e >= 0) fact(data.sides[1] + ' kernel', code(data.names[site.e]));
  }
  if (site.why) fact('why', bdi(site.why));
  if (site.p >= 0) fact('NVTX ranges', ...data.paths[site.p].flatMap((s, i) => i ? [' › ', bdi(s)] : [bdi(s)]));
  if (site.ms && site.es && site.ms.l === site.es.l) { if (site.ms.l) fact('launch', site.ms.l); }
  else for (const [, name, s] of samples(site)) if (s.l) fact(name + ' launch', s.l);
  for (const f of site.f || []) fact('', bdi(f));

  const head = ['', 'launches', 'median', '95 % interval', 'mean', 'stddev', 'min', 'p5', 'p95', 'max'];
  const table = el('table', {},
    el('thead', {}, el('tr', {}, ...head.map((h, i) => i ? el('th', {scope: 'col', class: 'num'}, h) : el('td', {})))),
    el('tbody', {}, ...samples(site).map(([id, name, s]) => {
      const [median, lo, hi, mean, stddev, min, p5, p95, max] = s.t;
      const cells = [s.n.toLocaleString('en-US'), time(median), hi ? `${time(lo)} – ${time(hi)}` : 'too few', time(mean), time(stddev), time(min), time(p5), time(p95), time(max)];
      return el('tr', {}, el('th', {scope: 'row', class: 'side ' + (id === 'mock' ? 's0' : 's1')}, name), ...cells.map(c => el('td', {class: 'num'}, c)));
    })));
  return el('div', {class: 'site', role: 'region', 'aria-label': 'Site ' + index},
    el('h3', {}, `Site ${index}`, el('span', {class: 'badge ' + site.c}, site.g + ' ' + site.w), close),
    facts,
    el('div', {class: 'plots'},
      el('figure', {}, el('figcaption', {}, 'Distribution'), distribution(site)),
      el('figure', {}, el('figcaption', {}, 'Over the capture'), trend(site))),
    el('div', {class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Durations'}, table));
}

// scaleOf maps values to pixels, by their logarithm where they lie far apart.
function scaleOf(lo, hi, from, to) {
  const log = lo > 0 && hi / lo > 3;
  const pad = log ? (hi / lo) ** 0.04 : (hi - lo || hi || 1) * 0.05;
  const a = log ? lo / pad : Math.max(lo - pad, 0), b = log ? hi * pad : hi + pad;
  const f = log ? Math.log : x => x;
  const at = v => from + (to - from) * (f(v) - f(a)) / (f(b) - f(a));
  return {at, log, lo: a, hi: b, ticks: n => log ? logTicks(a, b) : ticks(a, b, n)};
}
function extent(site) {
  let lo = Infinity, hi = 0;
  for (const [, , s] of samples(site)) {
    lo = Math.min(lo, s.t[5]);
    hi = Math.max(hi, s.t[8]);
  }
  return [lo, hi];
}

const plotWidth = 520;

function distribution(site) {
  const all = samples(site), left = 16, right = plotWidth - 16, height = 86;
  const scale = scaleOf(...extent(site), left, right);
  const bottom = all.length * height + 6;
  const picture = svg('svg', {viewBox: `0 0 ${plotWidth} ${bottom + 34}`, role: 'img',
    'aria-label': all.map(([, name, s]) => `${name}: median ${time(s.t[0])}, from ${time(s.t[5])} to ${time(s.t[8])}`).join('; ')});
  for (const v of scale.ticks(5)) {
    picture.append(svg('line', {class: 'grid', x1: round(scale.at(v)), x2: round(scale.at(v)), y1: 0, y2: bottom}),
      text(round(scale.at(v)), bottom + 15, shortTime(v), {'text-anchor': 'middle'}));
  }
  picture.append(text(right, bottom + 30, scale.log ? 'duration, logarithmic' : 'duration', {'text-anchor': 'end'}));
  all.forEach(([id, name, s], row) => {
    const base = (row + 1) * height - 12, [median, lo, hi, , , , p5, p95] = s.t;
    const values = s.dv ? sums(s.dv) : sums(s.d);
    const x = v => round(scale.at(v));
    if (hi) picture.append(svg('rect', {class: 'ci ' + id, x: x(lo), width: Math.max(x(hi) - x(lo), 1), y: base - 58, height: 58}));
    if (values.length < 12) {
      for (const v of values) picture.append(svg('circle', {class: 'bin ' + id, cx: x(v), cy: base - 12, r: 4}));
    } else {
      // Bins of equal width on the page; values stand for equal shares.
      const n = 64, bins = new Array(n).fill(0), width = (right - left) / n;
      for (const v of values) bins[Math.min(n - 1, Math.max(0, Math.floor((scale.at(v) - left) / width)))]++;
      const most = Math.max(...bins);
      bins.forEach((k, i) => {
        if (k) picture.append(svg('rect', {class: 'bin ' + id, x: round(left + i * width), width: round(Math.max(width - 0.5, 1)), y: round(base - 44 * k / most), height: round(44 * k / most)}));
      });
    }
    picture.append(
      svg('line', {class: 'axis', x1: left, x2: right, y1: base, y2: base}),
      svg('rect', {class: id, x: x(p5), width: Math.max(x(p95) - x(p5), 1), y: base + 3, height: 2}),
      svg('rect', {class: id, x: x(median) - 1, width: 2, y: base - 58, height: 66}));
    const end = x(median) > plotWidth / 2;
    picture.append(text(x(median) + (end ? -7 : 7), base - 50, `${name} ${time(median)}`, {class: 'strong', 'text-anchor': end ? 'end' : 'start'}));
  });
  return picture;
}

function trend(site) {
  const all = samples(site).filter(([, , s]) => s.d), left = 66, right = plotWidth - 16, top = 12, bottom = 158;
  const lines = all.map(([id, name, s]) => [id, name, sums(s.d)]);
  const values = lines.flatMap(l => l[2]);
  const scale = scaleOf(Math.min(...values), Math.max(...values), bottom, top);
  const picture = svg('svg', {viewBox: `0 0 ${plotWidth} 212`, role: 'img',
    'aria-label': lines.map(([, name, v]) => `${name}: medians of ${v.length} steps or blocks of steps, first ${time(v[0])}, last ${time(v[v.length - 1])}`).join('; ')});
  for (const v of scale.ticks(4)) {
    const y = round(scale.at(v));
    picture.append(svg('line', {class: 'grid', x1: left, x2: right, y1: y, y2: y}), text(left - 8, y + 4, shortTime(v), {'text-anchor': 'end'}));
  }
  for (const [id, , v] of lines) {
    const x = i => round(v.length > 1 ? left + 6 + (right - left - 12) * i / (v.length - 1) : (left + right) / 2);
    picture.append(svg('polyline', {class: 'line ' + id, points: v.map((y, i) => `${x(i)},${round(scale.at(y))}`).join(' ')}));
    v.forEach((y, i) => picture.append(id === 'mock'
      ? svg('circle', {class: id, cx: x(i), cy: round(scale.at(y)), r: 2.5})
      : svg('rect', {class: id, x: x(i) - 2.5, y: round(scale.at(y)) - 2.5, width: 5, height: 5})));
  }
  picture.append(svg('line', {class: 'axis', x1: left, x2: right, y1: bottom, y2: bottom}), text(left, bottom + 17, 'first step'), text(right, bottom + 17, 'last step', {'text-anchor': 'end'}));
  let at = left;
  for (const [id, name, v] of lines) {
    picture.append(svg('line', {class: 'line ' + id, x1: at, x2: at + 22, y1: 196, y2: 196}),
      id === 'mock' ? svg('circle', {class: id, cx: at + 11, cy: 196, r: 2.5}) : svg('rect', {class: id, x: at + 8.5, y: 193.5, width: 5, height: 5}),
      text(at + 28, 200, `${name}, ${count(v.length, 'step', 'steps')}`));
    at += 170;
  }
  return picture;
}

// ---- ratio against share of the time ----

function sign(kind, x, y, r) { // the shape says what the colour says
  switch (kind) {
    case 'bad': return svg('path', {d: `M${x},${round(y - r * 1.25)}l${r * 1.25},${r * 1.25}l${-r * 1.25},${r * 1.25}l${-r * 1.25},${-r * 1.25}z`});
    case 'unsure': return svg('rect', {x: round(x - r), y: round(y - r), width: 2 * r, height: 2 * r});
    case 'aside': return svg('path', {d: `M${x},${round(y - r * 1.2)}l${r * 1.2},${r * 2.1}h${-r * 2.4}z`});
  }
  return svg('circle', {cx: x, cy: y, r});
}

function scatter() {
  const figure = $('#scatter');
  if (!figure) return;
  const width = Math.max(figure.clientWidth, 300), narrow = width < 560, height = narrow ? 340 : 400;
  const left = narrow ? 60 : 70, right = width - (narrow ? 14 : 26), bottom = height - 60;
  const sites = data.sites.map((s, i) => ({s, i}));
  const absent = sites.some(p => p.s.m < 0 || p.s.e < 0), top = absent ? 50 : 32;
  const shares = sites.map(x => x.s.s).filter(x => x > 0);
  const least = Math.max(Math.min(...shares, 0.01), 1e-6);
  const lo = 10 ** Math.floor(Math.log10(least)), x = share => round(left + 14 + (right - left - 14) * Math.log(Math.max(share, lo) / lo) / Math.log(1 / lo));
  const ratios = sites.map(p => p.s.r).filter(r => r > 0), within = Math.max(data.max, 1.001);
  const most = Math.max(within ** 1.4, ...ratios.map(r => r * 1.15)), fewest = Math.min(within ** -1.4, ...ratios.map(r => r / 1.15));
  const y = r => round(bottom - (bottom - top) * Math.log(r / fewest) / Math.log(most / fewest));
  const n = sites.filter(p => p.s.c === 'bad').length;
  const picture = svg('svg', {width, height, viewBox: `0 0 ${width} ${height}`, role: 'img',
    'aria-label': `Ratio against share of the time of ${count(sites.length, 'site', 'sites')}, ${n} of which differ. The table of sites holds the same numbers.`});
  picture.append(svg('rect', {class: 'within', x: left, width: right - left, y: y(within), height: y(1 / within) - y(within)}));
  const marks = [1];
  for (const r of [within, 1 / within, ...logTicks(fewest, most)]) if (marks.every(m => Math.abs(y(m) - y(r)) > 14)) marks.push(r);
  for (const r of marks) {
    picture.append(svg('line', {class: r === 1 ? 'axis' : 'grid', x1: left, x2: right, y1: y(r), y2: y(r)}), text(left - 8, y(r) + 4, String(+r.toPrecision(3)), {'text-anchor': 'end'}));
  }
  for (const r of [within, 1 / within]) picture.append(svg('line', {class: 'bound', x1: left, x2: right, y1: y(r), y2: y(r)}));
  for (let s = lo; s <= 1.0001; s *= 10) {
    picture.append(svg('line', {class: 'grid', x1: x(s), x2: x(s), y1: top, y2: bottom}), text(x(s), bottom + 35, +(100 * s).toPrecision(1) + '%', {'text-anchor': s > 0.5 ? 'end' : 'middle'}));
  }
  const [above, below] = data.mode === 'regression' ? ['added', 'removed'] : ['extra', 'missing'];
  picture.append(text(right, bottom + 52, `share of the ${data.sides[1]}’s time`, {'text-anchor': 'end'}),
    text(left, 18, data.mode === 'regression' ? `${data.sides[1]}/${data.sides[0]}` : `${data.sides[0]}/${data.sides[1]}`, {class: 'strong'}));
  if (absent) {
    for (const [yy, word] of [[top - 16, above], [bottom + 13, below]]) picture.append(text(left - 8, yy + 4, word, {'text-anchor': 'end'}));
  }
  const place = p => {
    const up = data.mode === 'regression' ? p.s.m < 0 : p.s.e < 0;
    return p.s.m < 0 || p.s.e < 0 ? (up ? top - 16 : bottom + 13) : y(p.s.r || 1);
  };
  const cost = p => p.s.s * (p.s.m < 0 || p.s.e < 0 ? 3 : Math.abs(Math.log(p.s.r || 1)));
  // What costs most is drawn last, on top.
  for (const p of [...sites].sort((a, b) => (a.s.c === 'bad') - (b.s.c === 'bad') || cost(a) - cost(b))) {
    const node = sign(p.s.c, x(p.s.s), place(p), sites.length > 1000 ? 3 : 5);
    fill(node, {class: 'point ' + p.s.c, 'data-site': p.i}, [svg('title', {}, `${p.i} ${short(p.s)}\n${p.s.r ? 'ratio ' + ratio(p.s.r) + ', ' : ''}${percent(p.s.s)} of the time\n${p.s.w}`)]);
    picture.append(node);
  }
  // Labels of what costs most, where they do not cover each other.
  const taken = sites.slice(0, 2000).filter(p => p.s.c !== 'good').map(p => ({p, x0: x(p.s.s) - 6, x1: x(p.s.s) + 6, y0: place(p) - 6, y1: place(p) + 6}));
  let labels = 0;
  const named = new Map(); // sites of a name that differ
  for (const p of sites) if (p.s.c !== 'good') named.set(short(p.s), (named.get(short(p.s)) || 0) + 1);
  for (const p of [...sites].sort((a, b) => cost(b) - cost(a))) {
    if (labels >= (narrow ? 4 : 8) || cost(p) < 1e-3 || p.s.c === 'good') break;
    const name = short(p.s), longest = narrow ? 22 : 40, n = named.get(name);
    if (!n) continue; // labelled at a site that costs more
    const s = (name.length > longest ? name.slice(0, longest - 1) + '…' : name) + (n > 1 ? ' ×' + n : '');
    const w = s.length * 7, px = x(p.s.s), py = place(p);
    // Beside the mark, or else below or above it.
    for (const [dx, dy] of [[10, 0], [-10 - w, 0], [-w / 2, 16], [-w / 2, -16]]) {
      const box = {x0: px + dx, x1: px + dx + w, y0: py + dy - 8, y1: py + dy + 8};
      if (box.x0 < left || box.x1 > width - 4 || box.y1 > height - 40 || taken.some(t => t.p !== p && t.x0 < box.x1 && box.x0 < t.x1 && t.y0 < box.y1 && box.y0 < t.y1)) continue;
      taken.push(box);
      labels++;
      named.delete(name);
      const anchor = dx === 10 ? 'start' : dx < -10 && dy === 0 ? 'end' : 'middle';
      picture.append(text(round(anchor === 'start' ? px + 10 : anchor === 'end' ? px - 10 : px), round(py + dy + 4), s, {class: 'label', 'text-anchor': anchor, 'pointer-events': 'none'}));
      break;
    }
  }
  const key = el('p', {class: 'caption'});
  const seen = new Map(sites.map(p => [p.s.c, []]));
  for (const p of sites) if (!seen.get(p.s.c).includes(p.s.w)) seen.get(p.s.c).push(p.s.w);
  for (const [kind, words] of seen) {
    key.append(el('span', {}, svg('svg', {width: 16, height: 12, 'aria-hidden': true, style: 'display:inline-block;vertical-align:-1px'}, fill(sign(kind, 7, 6, 4.2), {class: kind}, [])), ' ' + words.join(', ')));
  }
  if (data.max) key.append(el('span', {}, `dashed: ratio ${+data.max.toPrecision(4)} either way`));
  figure.replaceChildren(picture, key);
}

// ---- the steps as they ran ----

const rowHeight = 24, bandHeight = 16;
let axis = 'time', zoom = 1, allRows = false;
const fewRows = 9;

// unpack returns the launches of a step by occurrence, those outside last.
function unpack(step) {
  const rows = Array.from({length: step.occ}, () => []), outside = [];
  let start = 0;
  for (let k = 0; k < step.x.length; k += 4) {
    start += step.x[k + 2];
    const launch = {site: step.x[k], start, end: start + step.x[k + 3]};
    if (launch.site < 0) launch.name = step.names[-1 - launch.site];
    (step.x[k + 1] >= 0 ? rows[step.x[k + 1]] : outside).push(launch);
  }
  return {rows, outside};
}

// laneRow arranges a row's launches: where each begins and ends on the chosen
// axis, and below each other where they overlap.
function laneRow(label, side, launches) {
  const row = {label, side, launches, lanes: 1, bySite: new Map()};
  const first = launches.length ? launches[0].start : 0;
  row.span = launches.reduce((end, l) => Math.max(end, l.end), first) - first;
  row.busy = launches.reduce((sum, l) => sum + l.end - l.start, 0);
  const free = [];
  let at = 0;
  for (const l of launches) {
    if (axis === 'time') {
      l.x0 = l.start - first;
      l.x1 = l.end - first;
    } else if (axis === 'busy') {
      l.x0 = at;
      l.x1 = at += l.end - l.start;
    } else {
      l.x0 = l.site >= 0 ? l.site : null; // set below
      l.x1 = l.x0 + 1;
    }
    if (axis === 'time') {
      l.lane = free.findIndex(end => end <= l.x0);
      if (l.lane < 0) l.lane = free.length < 4 ? free.length : 3;
      free[l.lane] = l.x1;
      row.lanes = Math.max(row.lanes, l.lane + 1);
    } else l.lane = 0;
    if (l.site >= 0) row.bySite.set(l.site, l);
  }
  if (axis === 'order') row.launches = launches.filter(l => l.site >= 0);
  row.end = row.launches.reduce((end, l) => Math.max(end, l.x1), 0);
  return row;
}

let lanes = null;
function buildLanes() {
  const mock = unpack(data.mock), e2e = unpack(data.e2e);
  const rows = mock.rows.map(l => laneRow(data.sides[0], 'mock', l));
  e2e.rows.forEach((l, i) => {
    if (l.length) rows.push(laneRow(e2e.rows.length > 1 ? `${data.sides[1]} ${i + 1}` : data.sides[1], 'e2e', l));
  });
  lanes = {rows, outside: e2e.outside, occurrences: e2e.rows.length};
}

const heavy = kind => kind !== 'good';

function timeline() {
  const figure = $('#timeline');
  if (!figure) return;
  if (!lanes) buildLanes();
  const rows = allRows ? lanes.rows : lanes.rows.slice(0, fewRows);
  const more = $('#all-occurrences');
  more.hidden = lanes.rows.length <= fewRows;
  more.textContent = allRows ? 'Show fewer occurrences' : `Show all ${lanes.occurrences} occurrences`;
  let box = $('.lanes', figure);
  if (!box) {
    box = el('div', {class: 'lanes'}, el('div', {class: 'labels'}),
      el('div', {class: 'window', tabindex: 0, role: 'region', 'aria-label': 'Time axis, scrolls sideways'}));
    figure.replaceChildren(box, caption());
    let due = 0;
    $('.window', box).addEventListener('scroll', () => {
      cancelAnimationFrame(due);
      due = requestAnimationFrame(() => timeline());
    });
  }
  const view = $('.window', box), visible = Math.max(view.clientWidth, 200), width = Math.round(visible * zoom);
  const end = Math.max(...rows.map(r => r.end), 1), scale = (width - 24) / end;
  const px = v => round(8 + v * scale);
  // Only what is in view, and a screen to both sides of it, is drawn.
  const from = view.scrollLeft - visible, to = view.scrollLeft + 2 * visible;
  const out = (a, b) => b < from || a > to;

  let y = 30;
  for (const row of rows) {
    row.y = y;
    row.h = rowHeight * Math.max(1, row.lanes * 0.75);
    y += row.h + bandHeight;
  }
  let height = y - bandHeight + 10;
  const strip = lanes.outside.length > 0;
  if (strip) height += 44;
  const picture = svg('svg', {width, height, viewBox: `0 0 ${width} ${height}`, role: 'img',
    'aria-label': rows.map(r => `${r.label}: ${count(r.launches.length, 'launch', 'launches')} in ${time(r.span)}`).join('; ')});
  picture.append(svg('defs', {}, svg('pattern', {id: 'hatch', width: 6, height: 6, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)'},
    svg('rect', {width: 6, height: 6, style: 'fill:var(--hair)'}), svg('rect', {width: 2, height: 6, style: 'fill:var(--plain)'}))));
  if (axis !== 'order') {
    const step = ticks(0, end, Math.max(3, width / 140));
    for (const v of step) {
      if (out(px(v) - 80, px(v) + 80)) continue;
      picture.append(svg('line', {class: 'grid', x1: px(v), x2: px(v), y1: 22, y2: y - bandHeight}), text(px(v), 15, shortTime(v), {'text-anchor': v === 0 ? 'start' : 'middle'}));
    }
  } else picture.append(text(8, 15, 'one column for each site'));

  const bands = svg('g', {}), boxes = svg('g', {});
  picture.append(bands, boxes);
  rows.forEach((row, i) => { if (i) joinRows(bands, rows[i - 1], row, px, out, width); });
  for (const row of rows) drawRow(boxes, row, px, out);
  if (strip) drawStrip(picture, height - 40, width);

  const labels = svg('svg', {width: 112, height, 'aria-hidden': true, style: 'max-width:100%;overflow:hidden'});
  for (const row of rows) {
    labels.append(text(10, round(row.y + row.h / 2 - 1), row.label, {class: 'strong ' + row.side}), text(10, round(row.y + row.h / 2 + 12), time(axis === 'time' ? row.span : row.busy)));
  }
  if (strip) labels.append(text(10, height - 25, 'all of it'), text(10, height - 12, time(data.e2e.span)));
  $('.labels', box).replaceChildren(labels);
  const scroll = view.scrollLeft;
  view.replaceChildren(picture);
  if (view.scrollLeft !== scroll) view.scrollLeft = scroll;
  mark();
}

// joinRows draws a band for each site that both rows have, and a wedge for one
// that only one has, to where the other would have it.
function joinRows(group, upper, lower, px, out, width) {
  const y0 = upper.y + upper.h, y1 = lower.y;
  const edge = (row, l, bottom) => row.lanes === 1 ? (bottom ? row.y + row.h : row.y) : row.y + (l.lane + (bottom ? 1 : 0)) * row.h / row.lanes;
  // The end of the last site before it, in the order of the sequence.
  const gapAt = row => {
    const order = [...row.bySite.keys()].sort((a, b) => a - b);
    return site => {
      let lo = 0, hi = order.length;
      while (lo < hi) {
        const mid = (lo + hi) >> 1;
        if (order[mid] < site) lo = mid + 1; else hi = mid;
      }
      return lo ? row.bySite.get(order[lo - 1]).x1 : 0;
    };
  };
  const upperGap = gapAt(upper), lowerGap = gapAt(lower);
  let lastX = -9, lastKind = '';
  const sites = [...new Set([...upper.bySite.keys(), ...lower.bySite.keys()])].sort((a, b) => a - b);
  for (const site of sites) {
    const a = upper.bySite.get(site), b = lower.bySite.get(site), kind = data.sites[site].c;
    if (axis === 'order' && (!a || !b)) continue; // an empty column says it
    const a0 = px(a ? a.x0 : upperGap(site)), a1 = a ? Math.max(px(a.x1), a0 + 1) : a0;
    const b0 = px(b ? b.x0 : lowerGap(site)), b1 = b ? Math.max(px(b.x1), b0 + 1) : b0;
    if (out(Math.min(a0, b0), Math.max(a1, b1))) continue;
    // Bands thinner than a pixel are drawn once a pixel.
    if (a1 - a0 <= 1 && b1 - b0 <= 1 && Math.abs(a0 - lastX) < 1 && kind === lastKind) continue;
    lastX = a0;
    lastKind = kind;
    const ya = a ? edge(upper, a, true) : y0, yb = b ? edge(lower, b, false) : y1;
    group.append(svg('path', {class: `band ${heavy(kind) ? kind : ''}${a && b ? '' : ' wedge'}`, 'data-site': site, d: `M${a0},${ya}L${a1},${ya}L${b1},${yb}L${b0},${yb}z`}));
  }
}

function drawRow(group, row, px, out) {
  const h = row.h / row.lanes;
  const other = row.side === 'mock' ? 'e' : 'm'; // a site that this index lacks is absent there
  let last = null;
  for (const l of row.launches) {
    const x0 = px(l.x0), x1 = px(l.x1);
    if (out(x0, x1)) continue;
    const site = l.site >= 0 ? data.sites[l.site] : null;
    const absent = site && site[other] < 0 && heavy(site.c);
    const kind = !site ? 'apart' : absent ? 'absent' : heavy(site.c) ? site.c : 'plain' + (l.site % 2 ? ' odd' : '');
    const width = Math.max(x1 - x0, kind.startsWith('plain') || !site ? 0.7 : 1.5);
    // Many launches may share a pixel: those of one kind are drawn as one.
    const y = row.y + l.lane * h;
    if (width < 1.6 && last && last.kind.slice(0, 5) === kind.slice(0, 5) && last.y === y && x0 - last.x1 < 0.7) {
      last.x1 = Math.max(last.x1, x0 + width);
      last.node.setAttribute('width', round(last.x1 - last.x0));
      continue;
    }
    const name = site ? data.short[row.side === 'mock' ? site.m : site.e] || short(site) : l.name;
    const title = site
      ? `${l.site} ${name}\n${time(l.end - l.start)}, ${site.w}${site.r ? ', ratio ' + ratio(site.r) : ''}`
      : `${name}\n${time(l.end - l.start)}, part of no site`;
    const node = svg('rect', {class: 'launch ' + kind, x: x0, y: round(y), width: round(width), height: round(h - (row.lanes > 1 ? 1 : 0)), rx: width > 6 ? 2 : 0, 'data-site': site ? l.site : null}, svg('title', {}, title));
    group.append(node);
    last = {node, kind, y, x0, x1: x0 + width};
    const letters = Math.floor((width - 8) / 6.4), prefix = site && heavy(site.c) ? site.g + ' ' : '';
    if (letters >= 4 + prefix.length && h >= 14) {
      const s = prefix + name, label = s.length > letters ? s.slice(0, letters - 1) + '…' : s;
      group.append(text(x0 + 4, round(y + h / 2 + 4), label, {class: 'in' + (kind === 'absent' ? ' dark' : site && heavy(site.c) ? ' on' : '')}));
    }
  }
}

// drawStrip shows where in the whole step the occurrences are.
function drawStrip(picture, y, width) {
  const scale = (width - 24) / Math.max(data.e2e.span, 1), px = v => round(8 + v * scale);
  picture.append(svg('rect', {x: 8, y, width: width - 24, height: 14, style: 'fill:var(--hair)'}));
  let last = -9;
  for (const l of lanes.outside) {
    if (px(l.end) - last < 0.7) continue;
    picture.append(svg('rect', {x: px(l.start), y: y + 3, width: Math.max(px(l.end) - px(l.start), 0.7), height: 8, style: 'fill:var(--plain)'}, svg('title', {}, `${l.name}\n${time(l.end - l.start)}, outside of the occurrences`)));
    last = px(l.end);
  }
  for (const row of lanes.rows) {
    if (row.side !== 'e2e') continue;
    const a = row.launches.length ? Math.min(...row.launches.map(l => l.start)) : 0, b = a + row.span;
    picture.append(svg('rect', {x: px(a), y, width: Math.max(px(b) - px(a), 1), height: 14, rx: 2, style: 'fill:var(--e2e-fill)'}, svg('title', {}, `${row.label}: ${time(row.span)}, from ${time(a)} after the step's start`)));
    if (px(b) - px(a) > 7 * row.label.length + 10) picture.append(text(px(a) + 5, y + 11, row.label, {class: 'in on'}));
  }
}

function caption() {
  const swatch = (style, words) => el('span', {}, el('span', {class: 'swatch', style}), words);
  const p = el('p', {class: 'caption'}, swatch('background:var(--plain)', 'matches'));
  const seen = new Map();
  for (const s of data.sites) {
    if (s.m < 0 || s.e < 0 || !heavy(s.c)) continue;
    if (!seen.has(s.c)) seen.set(s.c, {sign: s.g, words: []});
    if (!seen.get(s.c).words.includes(s.w)) seen.get(s.c).words.push(s.w);
  }
  for (const [kind, {sign, words}] of seen) p.append(swatch(`background:var(--${kind}-fill)`, `${sign} ${words.join(', ')}`));
  if (data.sites.some(s => s.m < 0 || s.e < 0)) {
    const words = [...new Set(data.sites.filter(s => s.m < 0 || s.e < 0).map(s => s.w))];
    p.append(swatch('background:var(--bad-bg);outline:1.5px dashed var(--bad)', words.join(', ')));
  }
  if (lanes.rows.some(r => r.launches.some(l => l.site < 0))) p.append(swatch('background:repeating-linear-gradient(45deg,var(--plain) 0 2px,var(--hair) 2px 5px)', 'part of no site'));
  const left = data.mock.left || data.e2e.left;
  if (left) p.append(el('span', {}, `${count(left, 'launch', 'launches')} of the step not drawn`));
  return p;
}

if ($('#timeline')) {
  for (const button of $$('[data-axis]')) {
    button.addEventListener('click', () => {
      axis = button.dataset.axis;
      for (const b of $$('[data-axis]')) b.setAttribute('aria-pressed', b === button);
      lanes = null;
      timeline();
    });
  }
  for (const button of $$('[data-zoom]')) {
    button.addEventListener('click', () => {
      const view = $('#timeline .window'), middle = (view.scrollLeft + view.clientWidth / 2) / view.scrollWidth;
      const how = button.dataset.zoom;
      zoom = how === 'fit' ? 1 : Math.min(256, Math.max(1, how === 'in' ? zoom * 2 : zoom / 2));
      timeline();
      view.scrollLeft = middle * view.scrollWidth - view.clientWidth / 2;
      timeline();
    });
  }
  $('#all-occurrences').addEventListener('click', () => { allRows = !allRows; timeline(); });
}

// ---- the rest ----

const copy = $('#copy');
if (copy) {
  copy.addEventListener('click', async () => {
    const code = $('.command code');
    try {
      await navigator.clipboard.writeText(code.textContent);
      copy.textContent = 'Copied';
    } catch {
      getSelection().selectAllChildren(code);
      copy.textContent = 'Selected';
    }
    setTimeout(() => { copy.textContent = 'Copy'; }, 1500);
  });
}

function draw() {
  scatter();
  timeline();
  mark();
}
let due = 0, lastWidth = innerWidth;
addEventListener('resize', () => {
  if (innerWidth === lastWidth) return;
  lastWidth = innerWidth;
  clearTimeout(due);
  due = setTimeout(draw, 100);
});
// On paper there is nothing to open, and nothing to scroll.
let closed = [];
addEventListener('beforeprint', () => {
  closed = $$('details:not([open])');
  for (const d of closed) d.open = true;
  zoom = 1;
  draw();
});
addEventListener('afterprint', () => {
  for (const d of closed) d.open = false;
  draw();
});
draw();
followHash();
})();
