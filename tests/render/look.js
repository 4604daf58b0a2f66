// Looked at inside a page of a report, as a browser drew it: what a reader could not read, find or
// follow. The value of the last expression is a function of what the first screen must say; it returns
// lines "KIND: where: what", none for a sound page. Nothing here is judged by eye.
(expected) => {
  const found = []
  const name = (e) => {
    const own = e.tagName.toLowerCase() + (e.id ? '#' + e.id : '') +
      (typeof e.className === 'string' && e.className ? '.' + e.className.trim().split(/\s+/).join('.') : '')
    const row = e.closest('[id]')
    return (row && row !== e ? '#' + row.id + ' ' : '') + own
  }
  const say = (kind, e, what) => found.push(`${kind}: ${typeof e === 'string' ? e : name(e)}: ${what}`)
  const shown = (e) => e.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true })
  const all = [...document.body.querySelectorAll('*')]
  const root = document.scrollingElement

  // The first screen, before anything is opened.
  for (const [fact, text] of Object.entries(expected)) {
    const e = document.querySelector(`[data-first="${fact}"]`)
    if (!e || !shown(e) || !e.textContent.trim()) {
      say('first', fact, 'is not on the page')
      continue
    }
    const box = e.getBoundingClientRect()
    if (box.bottom > innerHeight || box.right > innerWidth || box.top < 0 || box.left < 0)
      say('first', fact, `ends at ${Math.ceil(box.right)}, ${Math.ceil(box.bottom)}, the screen is ${innerWidth} by ${innerHeight}`)
    if (!e.textContent.includes(text)) say('first', fact, `no '${text}' in '${e.textContent.trim()}'`)
  }
  for (const e of document.querySelectorAll('details')) e.open = true

  // Nothing is wider than the page, and nothing is cut off: only what says so scrolls.
  if (root.scrollWidth > root.clientWidth) say('overflow', 'page', `${root.scrollWidth} in ${root.clientWidth}`)
  const hidden = (e) => e.closest('[aria-hidden]') || getComputedStyle(e).clipPath !== 'none'
  const scrolls = (e) => /auto|scroll/.test(getComputedStyle(e).overflowX)
  for (const e of all) {
    if (e.closest('svg') || !shown(e) || hidden(e) || e.closest('thead') && hidden(e.closest('thead'))) continue
    const css = getComputedStyle(e), box = e.getBoundingClientRect()
    const cut = /hidden|clip/.test(css.overflowX + css.overflowY) || css.textOverflow === 'ellipsis'
    if (cut && (e.scrollWidth > e.clientWidth || e.scrollHeight > e.clientHeight))
      say('clipped', e, `${e.scrollWidth} by ${e.scrollHeight} in ${e.clientWidth} by ${e.clientHeight}`)
    else if (e.clientWidth > 0 && e.scrollWidth > e.clientWidth + 1 && !scrolls(e))
      say('overflow', e, `${e.scrollWidth} in ${e.clientWidth}`)
    let inside = e
    while (inside && !scrolls(inside)) inside = inside.parentElement
    if (!inside && box.right > innerWidth + 1) say('overflow', e, `ends at ${Math.ceil(box.right)} of ${innerWidth}`)
    if (!scrolls(e) && /auto|scroll/.test(css.overflowY) && e.scrollHeight > e.clientHeight && !e.hasAttribute('tabindex'))
      say('clipped', e, 'scrolls, and no key reaches it')
  }

  // Contrast, WCAG 2: 4.5 to 1 for every text, large or not, opacity and layers of colour counted in.
  const parse = (text) => {
    const n = (text.match(/[\d.]+/g) || []).map(Number)
    return /^rgba?\(/.test(text) && n.length >= 3 ? [n[0], n[1], n[2], n.length > 3 ? n[3] : 1] : null
  }
  const over = (a, b) => [0, 1, 2].map((i) => a[i] * a[3] + b[i] * (1 - a[3])).concat(1)
  const light = (c) => {
    const [r, g, b] = c.map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const behind = (e) => {
    const layers = []
    for (let at = e; at; at = at.parentElement) {
      const css = getComputedStyle(at)
      if (css.backgroundImage !== 'none') return null
      layers.push(parse(css.backgroundColor))
    }
    const dark = matchMedia('(prefers-color-scheme: dark)').matches && !matchMedia('print').matches
    return layers.reverse().reduce((below, layer) => layer ? over(layer, below) : below, dark ? [0, 0, 0, 1] : [255, 255, 255, 1])
  }
  const judge = (e, css, text) => {
    const svg = e.closest('svg')
    const paint = parse(svg ? css.fill : css.color), ground = behind(e)
    if (!paint || !ground) return say('contrast', e, `'${text}' is drawn over or with what is no colour`)
    let opacity = svg ? Number(css.fillOpacity) : 1
    for (let at = e; at; at = at.parentElement) opacity *= Number(getComputedStyle(at).opacity)
    const front = over([...paint.slice(0, 3), paint[3] * opacity], ground)
    const [a, b] = [light(front), light(ground)].sort((x, y) => y - x)
    const ratio = (a + 0.05) / (b + 0.05)
    if (!(ratio >= 4.5)) say('contrast', e, `${ratio.toFixed(2)} to 1: '${text}'`)
  }
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  const judged = new Set()
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement, text = walker.currentNode.data.trim()
    if (!text || judged.has(e) || /^(style|script|title|desc)$/i.test(e.tagName) || !shown(e)) continue
    judged.add(e)
    judge(e, getComputedStyle(e), text.slice(0, 40))
  }
  for (const e of all)
    for (const part of ['::before', '::after', '::marker']) {
      const css = getComputedStyle(e, part)
      if (part === '::marker' ? getComputedStyle(e).display === 'list-item' && css.listStyleType !== 'none'
        : !/^(none|normal|"")$/.test(css.content)) if (shown(e)) judge(e, css, part)
    }

  // Pictures: letters of a size that can be read, inside their picture, and none over another.
  for (const svg of document.querySelectorAll('svg.plot')) {
    const frame = svg.getBoundingClientRect(), scale = svg.getScreenCTM().a
    const texts = [...svg.querySelectorAll('text')]
    const boxes = texts.map((t) => t.getBoundingClientRect())
    texts.forEach((t, i) => {
      const b = boxes[i]
      if (b.left < frame.left - 1 || b.right > frame.right + 1 || b.top < frame.top - 1 || b.bottom > frame.bottom + 1)
        say('plot', t, `'${t.textContent}' leaves its picture`)
      for (const part of [t, ...t.querySelectorAll('tspan')]) {
        const size = parseFloat(getComputedStyle(part).fontSize) * scale
        // Paper is never as narrow as a telephone.
        if (size < 8.5 && !(innerWidth < 700 && matchMedia('print').matches)) say('plot', t, `'${part.textContent}' is ${size.toFixed(1)} px high`)
      }
      for (let k = 0; k < i; k++)
        if (Math.min(b.right, boxes[k].right) - Math.max(b.left, boxes[k].left) > 1 &&
            Math.min(b.bottom, boxes[k].bottom) - Math.max(b.top, boxes[k].top) > 0.4 * Math.min(b.height, boxes[k].height))
          say('plot', t, `'${t.textContent}' lies over '${texts[k].textContent}'`)
    })
  }

  // Links lead somewhere, and nothing comes from elsewhere.
  const ids = new Map()
  for (const e of document.querySelectorAll('[id]')) {
    if (ids.has(e.id)) say('link', e, 'the anchor is there twice')
    ids.set(e.id, e)
  }
  for (const e of document.querySelectorAll('[href], [src], [aria-labelledby]')) {
    const to = e.getAttribute('href') ?? e.getAttribute('src')
    for (const id of (e.getAttribute('aria-labelledby') || '').split(' ').filter(Boolean))
      if (!ids.has(id)) say('link', e, `no #${id}`)
    if (to === null) continue
    if (to.startsWith('#')) { if (!ids.has(decodeURIComponent(to.slice(1)))) say('link', e, `no ${to}`) }
    else if (/^[a-z]+:|^\/|\\/i.test(to) || e.tagName !== 'A') say('outside', e, to)
    else found.push(`file: ${to}`)
  }
  for (const sheet of document.querySelectorAll('style'))
    if (/url\(|@import/.test(sheet.textContent)) say('outside', sheet, 'a style that fetches')
  if (document.querySelector('script, iframe, object, embed')) say('outside', 'page', 'a script or a frame')
  return [...new Set(found)]
}
