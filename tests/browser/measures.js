// What can be measured of a page, all at once. The page is fetched and drawn anew in a frame of any size, without its
// scripts. Evaluates to the functions that `measures.py` calls; every one of them gives a list of sentences.
((limits) => {
  const seen = new Map();
  const frames = [];
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });

  function rgba(colour) {
    if (!seen.has(colour)) {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
      const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
      seen.set(colour, [red, green, blue, alpha / 255]);
    }
    return seen.get(colour);
  }

  const over = (top, below) => top.slice(0, 3).map((part, at) => part * top[3] + below[at] * (1 - top[3]));

  function light(colour) {
    const [red, green, blue] = colour.map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  }

  /** Of an element's words against what lies behind them. */
  function contrast(one) {
    const layers = [];
    for (let at = one; at; at = at.parentElement) {
      const layer = rgba(getComputedStyle(at).backgroundColor);
      layers.push(layer);
      if (layer[3] === 1) break;
    }
    let ground = [255, 255, 255];
    for (const layer of layers.reverse()) ground = over(layer, ground);
    const ink = over(rgba(getComputedStyle(one).color), ground);
    const [low, high] = [light(ink), light(ground)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  }

  const shown = (one) => one.checkVisibility() && !one.closest('.vh, .skip, script, template, noscript')
    && !getComputedStyle(one).clipPath.startsWith('inset');
  const named = (one) => `${one.localName}.${one.getAttribute('class') ?? ''} "${one.textContent.trim().slice(0, 40)}"`;
  const box = (one) => one.getBoundingClientRect();
  const textSize = (one) => parseFloat(getComputedStyle(one).fontSize);

  /** The elements that have words of their own. */
  function texts(page) {
    const found = new Set();
    const walk = page.createTreeWalker(page.body, NodeFilter.SHOW_TEXT);
    for (let text = walk.nextNode(); text; text = walk.nextNode()) {
      if (text.textContent.trim() && shown(text.parentElement)) found.add(text.parentElement);
    }
    return [...found];
  }

  function wide(page) {
    const { scrollWidth, clientWidth } = page.documentElement;
    if (scrollWidth <= clientWidth) return [];
    const all = [...page.body.querySelectorAll('*')].filter((one) => !one.closest('svg') && shown(one));
    const out = all.filter((one) => box(one).right > clientWidth + 0.5);
    return [`${scrollWidth} px wide: ${out.slice(-2).map(named).join(', ')}`];
  }

  function cut(page, found = texts(page)) {
    const narrow = (one) => one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).overflowX === 'hidden';
    return found.filter(narrow).map((one) => `cut off: ${named(one)}`);
  }

  /** The texts that an age can come to: the longest while it is fresh, and the longest of all. */
  function longest(one) {
    const { fresh, old, time } = one.dataset;
    const age = 'whole' in one.dataset ? '59\u00a0min' : '59\u00a0min 59\u00a0s';
    const said = (words, aged) => (words ?? '').replace('{age}', aged).replace('{time}', time ?? '00:00:00');
    return [said(fresh, '59\u00a0s'), said(old, age)];
  }

  /** Every age reads again as it came. */
  function served(page) {
    for (const one of page.querySelectorAll('[data-served]')) one.textContent = one.dataset.served;
  }

  /** An age counts on, and nothing may move when it grows longer. */
  function broken(page) {
    served(page);
    return [...page.querySelectorAll('[data-age]')].filter(shown).flatMap((one) => {
      one.dataset.served = one.textContent;
      const row = one.closest('.row');
      const before = row && !one.classList.contains('old') ? box(row).height : null;
      const texts = longest(one);
      return texts.flatMap((text) => {
        one.textContent = text;
        const moves = text === texts[0] && before !== null && box(row).height !== before;
        if (moves) return [`its line breaks otherwise than before scripts counted: ${text}`];
        return box(one).height > 1.9 * textSize(one) ? [`two lines: ${text}`] : [];
      });
    });
  }

  /** Words of the letterhead that do not stand on one line, however long the age beside them has become. */
  function torn(page) {
    for (const one of [...page.querySelectorAll('.top [data-age]')].filter(shown)) [, one.textContent] = longest(one);
    return texts(page)
      .filter((one) => one.closest('.brand, .call'))
      .flatMap((one) => [...one.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE))
      .flatMap((text) => [...text.textContent.matchAll(/\S+/g)].flatMap(({ 0: word, index }) => {
        const range = page.createRange();
        range.setStart(text, index);
        range.setEnd(text, index + word.length);
        return range.getClientRects().length > 1 ? [`a word in two lines: ${word}`] : [];
      }));
  }

  /**
   * Words in two lines that would fit into one, if what stands beside them left them the room; and longer ones that no
   * browser may part in their syllables. Whether it does hangs on what it knows of the language, so none does here.
   */
  function parted(page, all) {
    const room = 0.65 * page.documentElement.clientWidth;
    const within = (text, from, to) => {
      const range = page.createRange();
      range.setStart(text, from);
      range.setEnd(text, to);
      return range.getClientRects();
    };
    page.documentElement.dataset.whole = '';
    const broken = all.filter((one) => !one.closest('svg, .qr, dd, .brand'))
      .flatMap((one) => [...one.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE))
      .filter((text) => within(text, 0, text.length).length > 1)
      .flatMap((text) => [...text.textContent.matchAll(/[\p{L}’']+/gu)].flatMap(({ 0: word, index }) => {
        const lines = [...within(text, index, index + word.length)];
        return lines.length < 2 ? [] : [[word, text.parentElement, lines.reduce((sum, line) => sum + line.width, 0)]];
      }));
    delete page.documentElement.dataset.whole;
    const known = (one) => page.documentElement.lang !== '' && getComputedStyle(one).hyphens === 'auto';
    return broken.flatMap(([word, one, width]) => {
      if (width <= room) return [`a word in two lines: ${word} of ${named(one)}`];
      return known(one) ? [] : [`a word that nobody may part: ${word} of ${named(one)}`];
    });
  }

  function unreadable(page) {
    return texts(page)
      .filter((one) => !one.closest('svg') && contrast(one) < limits.readable)
      .map((one) => `${contrast(one).toFixed(2)} to one: ${named(one)}`);
  }

  function tiny(page) {
    const least = (one) => (one.closest('.tag, .axis, .chart, .lead small') ? limits.caption : limits.text);
    return texts(page)
      .filter((one) => textSize(one) < least(one))
      .map((one) => `${textSize(one)} px high: ${named(one)}`);
  }

  function small(page) {
    return [...page.querySelectorAll('a[href], button, summary, input:not([type=hidden]), .opt, select')]
      .filter((one) => shown(one) && !one.matches('.opt input, .demo a') && getComputedStyle(one).opacity !== '0')
      .filter((one) => Math.min(box(one).width, box(one).height) < limits.target - 0.5)
      .map((one) => `target of ${Math.round(box(one).width)} x ${Math.round(box(one).height)}: ${named(one)}`);
  }

  /** What cannot be seen without scrolling, or is not there at all. */
  function hidden(page, wanted) {
    const all = [...page.querySelectorAll(wanted)].filter(shown);
    if (all.length === 0) return [`${wanted} is not there`];
    return all.filter((one) => {
      const [own, place] = [box(one), box(one.closest('main') ?? page.documentElement)];
      const bottom = Math.min(place.bottom, page.defaultView.innerHeight);
      return own.top < place.top - 1 || own.bottom > bottom + 1 || own.right > place.right + 1;
    }).map((one) => `not in the first view, ends at ${Math.round(box(one).bottom)}: ${named(one)}`);
  }

  /** Parts of a bay on the board that lie over each other, or reach out of it. */
  function covered(page) {
    const meet = (one, next) => one.left < next.right - 1 && next.left < one.right - 1
      && one.top < next.bottom - 1 && next.top < one.bottom - 1;
    const within = (one, place) => one.left >= place.left - 1 && one.right <= place.right + 1
      && one.top >= place.top - 1 && one.bottom <= place.bottom + 1;
    return [...page.querySelectorAll('.stall')].flatMap((stall) => {
      const parts = [...stall.children];
      const out = parts.filter((one) => !within(box(one), box(stall))).map((one) => `leaves its bay: ${named(one)}`);
      const pairs = parts.flatMap((one, at) => parts.slice(at + 1).map((next) => [one, next]));
      const met = pairs.filter(([one, next]) => meet(box(one), box(next)));
      return [...out, ...met.map(([one, next]) => `${named(one)} lies over ${named(next)}`)];
    });
  }

  /** Words are not parted in their syllables while the page is measured for that. */
  const WHOLE = '[data-whole] * { hyphens: manual !important }';

  /** The page at that path in a frame: the one that is measured. */
  async function draw(path, language) {
    const answer = await fetch(`${path}${path.includes('?') ? '&' : '?'}lang=${language}`);
    const parsed = new DOMParser().parseFromString(await answer.text(), 'text/html');
    for (const one of parsed.querySelectorAll('script, noscript, meta[http-equiv]')) one.remove();
    const frame = document.createElement('iframe');
    frame.srcdoc = '<!doctype html>';
    frame.style.cssText = 'position: fixed; inset: 0 auto auto 0; border: 0';
    const ready = new Promise((done) => { frame.onload = done; });
    document.documentElement.append(frame);
    window.measured = frame;
    frames.push(frame);
    await ready;
    const page = frame.contentDocument;
    page.documentElement.replaceWith(page.adoptNode(parsed.documentElement));
    // What a page brings along: the policy of the page around the frame allows no style sheet in its text.
    page.adoptedStyleSheets = [...[...page.querySelectorAll('style')].map((one) => one.textContent), WHOLE].map((text) => {
      const sheet = new frame.contentWindow.CSSStyleSheet();
      sheet.replaceSync(text);
      return sheet;
    });
    const come = (link) => link.sheet ?? new Promise((done) => { link.onload = done; link.onerror = done; });
    await Promise.all([...page.querySelectorAll('link[rel=stylesheet]')].map(come));
    if (page.styleSheets.length + page.adoptedStyleSheets.length === 1) throw new Error('without a style sheet nothing can be measured');
    return page;
  }

  function size(page, width, height) {
    Object.assign(page.defaultView.frameElement.style, { width: `${width}px`, height: `${height}px` });
  }

  function unfold(page) {
    for (const one of page.querySelectorAll('details')) one.open = true;
  }

  /** In both schemes. */
  function colours(page) {
    return ['light', 'dark'].flatMap((scheme) => {
      page.documentElement.dataset.theme = scheme;
      return unreadable(page).map((one) => `${scheme}, ${one}`);
    });
  }

  /** Away with what was measured before. */
  function clear() {
    for (const one of frames.splice(0)) one.remove();
  }

  /** What of the page, at each size and with its text that large, is wider than the phone, cut off or broken. */
  function fitting(page, language, sizes, scale, usual) {
    page.documentElement.style.fontSize = scale;
    return sizes.flatMap(([width, height]) => {
      size(page, width, height);
      const words = texts(page);
      const wrong = [...wide(page), ...cut(page, words), ...(usual ? broken(page) : [])];
      if (scale !== '100%') wrong.push(...parted(page, words));
      return wrong.map((one) => `${language}, ${width} px, text ${scale}: ${one}`);
    });
  }

  /** Drawn once in each language, and kept for `byDefault`: words and targets in English, the widths in all. */
  async function phone([path, languages, sizes]) {
    clear();
    const found = [];
    for (const language of languages) {
      const page = await draw(path, language);
      unfold(page);
      if (language === 'en') {
        size(page, ...sizes[0]);
        found.push(...small(page), ...tiny(page), ...colours(page));
        delete page.documentElement.dataset.theme;
      }
      found.push(...fitting(page, language, sizes, '100%', true), ...fitting(page, language, sizes, '200%', false));
      served(page);
    }
    return found;
  }

  /** The pages that `phone` has drawn, once more: now the browser has another size of text of its own. */
  function byDefault([languages, sizes]) {
    return frames.flatMap((one, at) => fitting(one.contentDocument, languages[at], sizes, '100%', false));
  }

  async function screen([path, languages, sizes, first]) {
    const found = [];
    for (const language of languages) {
      clear();
      const page = await draw(path, language);
      for (const one of page.querySelectorAll('.keypad, .digits')) one.hidden = false;
      page.querySelector('form[data-keys]')?.setAttribute('data-pad', '');
      for (const [way, [width, height]] of Object.entries(sizes)) {
        size(page, width, height);
        const measured = [wide, cut, torn, small, tiny, covered].flatMap((measure) => measure(page));
        const wrong = [...measured, ...first.flatMap((wanted) => hidden(page, wanted))];
        found.push(...wrong.map((one) => `${language}, ${way}: ${one}`));
      }
      if (language === 'en') found.push(...colours(page));
    }
    return found;
  }

  /** Of the page itself: these elements, and the words in them, as they are now. */
  function now(wanted) {
    const root = document.documentElement;
    const before = root.dataset.theme;
    const found = ['light', 'dark'].flatMap((scheme) => {
      root.dataset.theme = scheme;
      return [...document.querySelectorAll(wanted)]
        .filter((one) => one.checkVisibility())
        .flatMap((one) => [one, ...one.querySelectorAll('b, small, .state, span:not(.vh, .plate)')])
        .filter((one) => one.textContent.trim() && contrast(one) < limits.readable)
        .map((one) => `${scheme}, ${contrast(one).toFixed(2)} to one: ${named(one)}`);
    });
    if (before === undefined) delete root.dataset.theme;
    else root.dataset.theme = before;
    return found;
  }

  return { phone, byDefault, screen, now };
})
