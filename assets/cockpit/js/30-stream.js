// How do events come in? One stream: snapshot, then live, resumed by its last id.
const STREAM = '/sse?topic=job/*&topic=canary/*&topic=model/*&snapshot=1';
const QUIET_MS = 45000, HIDDEN_MS = 30000, STALE_MS = 300000;
let lastId = null, reader = null, attempt = 0, retryTimer = 0, quietTimer = 0, hiddenTimer = 0, hiddenSince = 0;
const link = {state: 'connecting', until: 0, word: ''};
const apiKey = () => sessionStorage.getItem('key') ?? '';
const withKey = (headers) => (apiKey() ? {...headers, 'X-API-Key': apiKey()} : headers);
const setLink = (state, word = '', until = 0) => {
  if (state === 'live' && link.state !== state) announce('Live');
  if (state === 'waiting' && link.state === 'live') announce('Reconnecting');
  Object.assign(link, {state, word, until});
  wanted('link');
};

const connect = async () => {
  clearTimeout(retryTimer);
  reader?.abort();
  const mine = reader = new AbortController(), resumes = lastId != null;
  const heard = () => {clearTimeout(quietTimer); quietTimer = setTimeout(() => mine.abort(), QUIET_MS);};
  setLink('connecting');
  try {
    heard();
    const response = await fetch(STREAM, {headers: withKey({Accept: 'text/event-stream', ...(resumes ? {'Last-Event-ID': lastId} : {})}), signal: mine.signal});
    if (!response.ok) return await refused(response, mine);
    if ($('notice').lastChild?.textContent !== 'Show') notice();
    const chunks = response.body.getReader(), decoder = new TextDecoder();
    for (let rest = ''; ;) {
      const {done, value} = await chunks.read();
      if (done) break;
      heard();
      const blocks = (rest + decoder.decode(value, {stream: true})).split('\n\n');
      rest = blocks.pop();
      for (const block of blocks) if (mine === reader) take(block, resumes);
    }
  } catch {
    // Pages are not told why a connection broke; what matters is that it is gone.
  }
  if (mine === reader) retry();
};
const take = (block, resumes) => {
  const {id, event: name, data} = Object.fromEntries(block.split('\n').map((line) => [line.split(':', 1)[0], line.slice(line.indexOf(':') + 1).trim()]));
  if (name === 'open') {
    attempt = 0;
    if (resumes) setLink('live');
  } else if (name === 'gap') {
    reader.abort();
    lastId = reader = null;
    // Not at once: a browser may send a request twice whose connection it has just given up.
    retryTimer = setTimeout(connect, 100);
  } else if (data && id) {
    lastId = id;
    const event = JSON.parse(data);
    if (name === 'snapshot') {takeSnapshot(event); setLink('live');} else if (event.topic) {logEvent(event); takeEvent(event);}
  }
};
const retry = (least = 0, word = 'Reconnecting') => {
  const wait = Math.max(least, Math.min(10000, 500 * 2 ** attempt) * (0.75 + Math.random() / 2));
  attempt = Math.min(attempt + 1, 6);
  setLink('waiting', word, Date.now() + wait);
  clearTimeout(retryTimer);
  retryTimer = setTimeout(connect, wait);
};
const refused = async (response, mine) => {
  const {status} = response, least = (Number(response.headers.get('Retry-After')) || 0) * 1000, said = `(${status}: ${await saidBy(response)}).`;
  if (mine !== reader) return;
  clearTimeout(quietTimer);
  if (status === 401 || status === 403) {
    you = null;
    changed('controls');
    setLink('refused', status === 401 ? 'Key needed' : 'Refused');
    notice('err', status === 403 ? `The daemon refuses this address or key ${said} Use another.` : `This daemon ${apiKey() ? 'does not know this key' : 'asks for a key'}.`, 'Enter key…', keyDialog);
    if (status === 401 && !dialog.open) keyDialog();
    return;
  }
  retry(least, {429: 'Too many requests', 503: 'Not ready'}[status]);
  notice('warn', `${{429: 'Too many requests or streams: close other tabs', 503: 'The daemon starts, stops or is full'}[status] ?? 'The daemon cannot answer: see its log'} ${said} The page tries again by itself.`, 'Try now', connect);
};
document.addEventListener('visibilitychange', () => {
  clearTimeout(hiddenTimer);
  if (document.hidden) {
    hiddenSince = Date.now();
    hiddenTimer = setTimeout(() => {
      [retryTimer, quietTimer].forEach(clearTimeout);
      reader?.abort();
      reader = null;
      if (link.state !== 'refused') setLink('hidden', 'Hidden');
    }, HIDDEN_MS);
    return;
  }
  changed('link');
  if (link.state !== 'hidden') return;
  if (Date.now() - hiddenSince > STALE_MS) lastId = null;
  connect();
});
draws.link = () => {
  const wait = Math.ceil((link.until - Date.now()) / 1000);
  const [glyph, word, tone] = paused && link.state === 'live' ? ['‖', 'Paused', 'warn'] : {
    connecting: ['◌', 'Connecting…', 'muted'], live: ['●', 'Live', 'ok'], refused: ['✕', link.word, 'err'], hidden: ['◌', link.word, 'muted'], waiting: ['◌', `${link.word} ${wait > 0 ? `in ${wait} s` : 'now'}`, 'warn'],
  }[link.state];
  say($('connection').firstChild, glyph);
  say($('connection').lastChild, word);
  attribute($('connection'), 'data-tone', tone);
  show($('retry'), ['waiting', 'refused'].includes(link.state));
  attribute($('main'), 'data-stale', server && link.state !== 'live' && '');
};
