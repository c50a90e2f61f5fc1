// Where there are conversations, how does their part come in? It is two files of its own.
let chatAsked = false;
const chatOn = (on) => {
  show($('to-chat'), on);
  if (!on && place.view === 'chat') go({view: 'work'}, true);
  if (!on || chatAsked) return;
  chatAsked = true;
  document.head.append(el('link', {rel: 'stylesheet', href: '/cockpit-chat.css'}));
  import('/cockpit-chat.js').catch(() => notice('err', 'The part for conversations did not come: load the page again.'));
};
export {$, DAY, STATES, ago, announce, apiKey, attribute, button, call, changed, chip, copy, count, createForm, curlOf, dialog, draws, duration, el, flash, go, mayAct, notice, now, number, open, close, part, place, primary, say, sentence, server, show, since, small, timeOf, wanted, you};
