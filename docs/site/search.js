// Search over the sections of all pages. No server: the index is a script beside this one.
'use strict';

// Of each section: [address, anchor, title of the page, heading, text]. All words must occur; what
// stands in a heading counts more than what stands in the text.
function find(index, query, limit) {
  var words = query.toLowerCase().split(/\s+/).filter(function (w) { return w.length > 0; });
  if (words.length === 0) return [];
  var hits = [];
  index.forEach(function (section) {
    var title = section[2].toLowerCase(), heading = section[3].toLowerCase(), text = section[4].toLowerCase();
    var score = 0;
    for (var i = 0; i < words.length; i++) {
      var w = words[i], times = text.split(w).length - 1;
      var one = (title.indexOf(w) >= 0 ? 8 : 0) + (heading.indexOf(w) >= 0 ? 12 : 0) + Math.min(times, 5);
      if (heading === w) one += 20;
      if (one === 0) return;
      score += one;
    }
    hits.push({ section: section, score: score });
  });
  hits.sort(function (a, b) { return b.score - a.score; });
  return hits.slice(0, limit).map(function (h) { return h.section; });
}

// Some words around the first place where one of the query stands.
function snippet(text, query) {
  var low = text.toLowerCase(), at = -1;
  query.toLowerCase().split(/\s+/).forEach(function (w) {
    var here = w.length > 0 ? low.indexOf(w) : -1;
    if (here >= 0 && (at < 0 || here < at)) at = here;
  });
  var from = Math.max(0, at - 40), to = from + 140;
  return (from > 0 ? '…' : '') + text.slice(from, to) + (to < text.length ? '…' : '');
}

function show(query) {
  var list = document.getElementById('found'), up = document.body.getAttribute('data-up');
  var hits = find(PV_INDEX, query, 20);
  list.textContent = '';
  list.hidden = query.trim() === '';
  hits.forEach(function (s) {
    var item = document.createElement('li'), link = document.createElement('a'), more = document.createElement('p');
    link.href = up + s[0] + '#' + s[1];
    link.textContent = s[3] === s[2] ? s[2] : s[2] + ': ' + s[3];
    more.textContent = snippet(s[4], query);
    item.appendChild(link);
    item.appendChild(more);
    list.appendChild(item);
  });
  if (hits.length === 0) {
    var none = document.createElement('li');
    none.textContent = 'Nothing is found.';
    list.appendChild(none);
  }
}

if (typeof document !== 'undefined') {
  document.getElementById('search').addEventListener('input', function (e) { show(e.target.value); });
  document.addEventListener('keydown', function (e) {
    var box = document.getElementById('search');
    if (e.key === '/' && document.activeElement !== box) {
      e.preventDefault();
      box.focus();
    }
  });
}
