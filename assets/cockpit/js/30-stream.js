// How do the events come in? One stream with the key in a header: snapshot, then live; resumed by
// the last id; released while nobody looks.
const STREAM = '/sse?topic=job/*&topic=canary/*&topic=model/*&snapshot=1';
const QUIET_MS = 45000, HIDDEN_MS = 30000, STALE_MS = 300000;
let lastId = null, reader = null, attempt = 0, retryTimer = 0, quietTimer = 0, hiddenTimer = 0, hiddenSince = 0;
const link = { state: 'connecting', until: 0, word: '', resumed: false };
const apiKey = () => sessionStorage.getItem('key') ?? '';
const withKey = (headers = {}) => (apiKey() ? { ...headers, 'X-API-Key': apiKey() } : headers);

const setLink = (state, more) => {
  if (link.state !== state && ['live', 'refused', 'hidden'].includes(state)) announce({ live: 'Live', refused: 'The daemon refused the connection', hidden: '' }[state]);
  if (state === 'waiting' && link.state === 'live') announce('The connection was lost. Reconnecting.');
  Object.assign(link, { state, until: 0, word: '' }, more);
  wanted('link');
};
const notice = (tone, text, label, action) => {
  const node = $('notice');
  show(node, Boolean(text));
  attribute(node, 'data-tone', tone);
  node.replaceChildren(...(text ? [el('span', null, text), label && button(label, action, { class: 'small' })].filter(Boolean) : []));
};

const connect = async () => {
  clearTimeout(retryTimer);
  reader?.abort();
  const mine = reader = new AbortController();
  setLink('connecting');
  try {
    const headers = withKey({ Accept: 'text/event-stream' });
    link.resumed = lastId != null;
    if (link.resumed) headers['Last-Event-ID'] = lastId;
    heard(mine);
    const response = await fetch(STREAM, { headers, signal: mine.signal, cache: 'no-store' });
    if (!response.ok) return mine === reader && await refused(response);
    notice();
    await read(response.body.getReader(), mine);
  } catch {
    // The reason of a broken connection is not shown to pages; what matters is that it is gone.
  }
  if (mine === reader) retry();
};
const heard = (mine) => {
  clearTimeout(quietTimer);
  quietTimer = setTimeout(() => mine === reader && mine.abort(), QUIET_MS);
};
const read = async (chunks, mine) => {
  const decoder = new TextDecoder();
  let rest = '';
  for (;;) {
    const { done, value } = await chunks.read();
    if (done || mine !== reader) return;
    heard(mine);
    rest += decoder.decode(value, { stream: true });
    let from = 0;
    for (let end = rest.indexOf('\n\n'); end !== -1; end = rest.indexOf('\n\n', from)) {
      take(rest.slice(from, end));
      if (mine !== reader) return;
      from = end + 2;
    }
    rest = rest.slice(from);
  }
};
const take = (block) => {
  let id = null, name = '', data = '';
  for (const line of block.split('\n')) {
    if (line.startsWith('data:')) data += line.slice(line[5] === ' ' ? 6 : 5);
    else if (line.startsWith('event:')) name = line.slice(6).trim();
    else if (line.startsWith('id:')) id = line.slice(3).trim();
  }
  if (!name) return;
  if (name === 'gap') { lastId = null; reader = null; queueMicrotask(connect); return; }
  if (name === 'shutdown' || name === 'lagged') return;
  let event;
  try { event = JSON.parse(data); } catch { return notice('err', 'The daemon sent an event that cannot be read. The page goes on with the next one.'); }
  if (name === 'open') {
    attempt = 0;
    if (link.resumed) setLink('live');
    return;
  }
  if (id != null) lastId = id;
  if (name === 'snapshot') { takeSnapshot(event); setLink('live'); return; }
  if (event.topic) { logEvent(id, event, data); takeEvent(event); }
};

const retry = (least = 0, word = '') => {
  const wait = Math.max(least, Math.min(10000, 500 * 2 ** attempt) * (0.75 + Math.random() / 2));
  attempt = Math.min(attempt + 1, 6);
  setLink('waiting', { until: Date.now() + wait, word });
  clearTimeout(retryTimer);
  retryTimer = setTimeout(connect, wait);
};
const refused = async (response) => {
  const seconds = Number(response.headers.get('Retry-After')) || 0;
  let said = '';
  try { const body = await response.json(); said = body.error?.message ?? body.message ?? body.error ?? ''; } catch { /* The status says enough. */ }
  if (response.status === 401) {
    setLink('refused', { word: 'Key needed' });
    notice('err', apiKey() ? 'The daemon does not know this key.' : 'This daemon asks for a key.', 'Enter key…', keyDialog);
    if (!$('dialog').open) keyDialog();
  } else if (response.status === 403) {
    setLink('refused', { word: 'Refused' });
    notice('err', `This address or key may not read the stream (403): ${said || 'forbidden'}. Open the page under an address the daemon allows, or enter another key.`, 'Enter key…', keyDialog);
  } else if (response.status === 429) {
    retry(seconds * 1000 || 2000, 'Too many requests');
    notice('warn', `Too many requests or open streams for this key (429): ${said}. Close other tabs of the cockpit; it tries again by itself.`);
  } else if (response.status === 503) {
    retry(seconds * 1000, 'Not ready');
    notice('warn', `The daemon is starting, stopping or has no room (503): ${said}. It tries again by itself.`);
  } else {
    retry(seconds * 1000);
    notice('err', `The daemon answered ${response.status}: ${said || response.statusText}. It tries again by itself; its log tells more.`);
  }
};

document.addEventListener('visibilitychange', () => {
  clearTimeout(hiddenTimer);
  if (document.hidden) {
    hiddenSince = Date.now();
    hiddenTimer = setTimeout(() => {
      clearTimeout(retryTimer);
      clearTimeout(quietTimer);
      reader?.abort();
      reader = null;
      setLink('hidden');
    }, HIDDEN_MS);
    return;
  }
  schedule();
  if (link.state === 'hidden') {
    if (Date.now() - hiddenSince > STALE_MS) lastId = null;
    connect();
  }
});
draws.set('link', () => {
  const wait = Math.max(0, Math.ceil((link.until - Date.now()) / 1000));
  const [glyph, word, tone] = {
    connecting: ['◌', 'Connecting…', 'muted'], live: ['●', 'Live', 'ok'], refused: ['✕', link.word, 'err'], hidden: ['◌', 'Hidden', 'muted'],
    waiting: ['◌', `${link.word ? `${link.word}, trying again` : 'Reconnecting'} ${wait ? `in ${wait} s` : 'now'}`, 'warn'],
  }[link.state];
  const seen = paused && link.state === 'live' ? ['‖', 'Paused', 'warn'] : [glyph, word, tone];
  const [first, second] = $('connection').children;
  say(first, seen[0]);
  say(second, seen[1]);
  attribute($('connection'), 'data-tone', seen[2]);
  show($('retry'), ['waiting', 'refused'].includes(link.state));
});
