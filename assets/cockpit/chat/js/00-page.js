// What does this part take from the rest of the page?
import {$, DAY, STATES, ago, announce, apiKey, attribute, button, call, chip, close, copy, count, createForm, curlOf, dialog, draws, duration, el, flash, go, mayAct, notice, now, number, open, part, place, primary, say, sentence, server, show, since, small, timeOf, wanted, you} from '/cockpit.js';
