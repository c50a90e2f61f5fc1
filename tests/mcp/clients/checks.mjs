// What a client of the daemon checks: counted by area, told line by line, kept for the table.
import { appendFileSync, mkdirSync, readFileSync, readdirSync, rmSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const [address, key, worldFile, results] = process.argv.slice(2);
export const PATIENCE = 20_000;
// How long a turn is waited for, and how long all checks of a client may take with that, in milliseconds.
export const TURN = 120_000;
export const ALL = 240_000;
// How soon the daemon has to notice that nobody waits any more, in milliseconds; much less than is waited for.
const SOON = 5000;
export const PROMPTS = ['explain_rollback', 'prepare_promotion', 'triage_failed_evals', 'write_patch'];
export { address, key };
export const world = JSON.parse(readFileSync(worldFile, 'utf8'));

/** The checks of one client. Each area that is named at the start must be checked. */
export class Checks {
  constructor(client, areas) {
    this.client = client;
    this.checked = Object.fromEntries(areas.map((area) => [area, 0]));
    this.wrong = 0;
  }

  /** Counts one check, and says what was found where it does not hold. */
  that(area, what, holds, found) {
    if (holds) {
      this.checked[area] += 1;
      console.log(`  ok    ${area}: ${what}`);
    } else {
      this.wrong += 1;
      const shown = found instanceof Error ? `${found.name}: ${found.message}` : JSON.stringify(found);
      console.log(`  WRONG ${area}: ${what}: ${String(shown).slice(0, 1000)}`);
    }
  }

  /** Does the checks of one area; an exception is one that does not hold. */
  async area(area, checks, patience = PATIENCE + 10_000) {
    try {
      await within(patience, checks());
    } catch (error) {
      this.that(area, 'goes through', false, error);
    }
  }

  /** Says which areas were not checked at all, and keeps the counts of the others. */
  leftOut() {
    for (const [area, count] of Object.entries(this.checked)) {
      if (count === 0) this.that(area, 'was checked', false, 'not once');
    }
    appendFileSync(results, `${JSON.stringify({ client: this.client, checked: this.checked })}\n`);
  }
}

/** What was promised, or an error when it takes longer than so many milliseconds. */
export async function within(milliseconds, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`took longer than ${milliseconds} ms`)), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Asks until there is an answer. */
export async function until(what, ask) {
  const began = Date.now();
  while (Date.now() - began < PATIENCE) {
    const answer = await ask();
    if (answer) return answer;
    await pause(50);
  }
  throw new Error(`${what} did not come about`);
}

export function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** The error that something ends with, and nothing if it does not. */
export async function failure(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  return undefined;
}

const turns = join(dirname(worldFile), 'turns');
const gate = join(turns, 'gate');
let number = 0;

/** Waits until there is a turn. */
async function turn(thereIsOne) {
  const began = Date.now();
  while (!(await thereIsOne())) {
    if (Date.now() - began > TURN) throw new Error('no turn came about');
    await pause(50);
  }
}

/** Through it goes one after the other, of all programs. */
async function throughGate(does) {
  await turn(() => {
    try {
      mkdirSync(gate);
      return true;
    } catch (error) {
      if (error.code === 'EEXIST') return false;
      throw error;
    }
  });
  try {
    return await does();
  } finally {
    rmdirSync(gate);
  }
}

/** Calls may wait meanwhile, and so may those of others. */
export async function amongOthers(does) {
  number += 1;
  const mine = join(turns, `waits-${process.pid}-${number}`);
  await throughGate(() => writeFileSync(mine, ''));
  try {
    return await does();
  } finally {
    rmSync(mine);
  }
}

/** How many calls wait at the daemon. */
async function waiting() {
  const answer = await fetch(`${address}/metrics`, { headers: { 'X-API-Key': key } });
  return Number(/^lukhas_mcp_calls_waiting\S* (\S+)/m.exec(await answer.text())[1]);
}

async function untilWaiting(checks, count, what) {
  const began = Date.now();
  let found = await waiting();
  while (found !== count && Date.now() - began < SOON) {
    await pause(50);
    found = await waiting();
  }
  checks.that('cancel', what, found === count, `${found} calls wait`);
}

/**
 * Checks that a call, which is given what aborts it, waits at the daemon until it is aborted, and no
 * longer; or on, where the client only hangs up, and its revision takes that for a lost connection. No
 * call of others waits meanwhile: the daemon tells how many wait, and not whose they are.
 */
export function endsAtTheDaemon(checks, call, { goesOn = false } = {}) {
  return throughGate(async () => {
    const isWaiting = (name) => name.startsWith('waits-');
    await turn(async () => !readdirSync(turns).some(isWaiting) && (await waiting()) === 0);
    const stop = new AbortController();
    const outcome = failure(call(stop.signal));
    await untilWaiting(checks, 1, 'the call is under way');
    stop.abort('enough');
    const error = await within(SOON, outcome);
    checks.that('cancel', 'there is no answer', error !== undefined, error);
    if (goesOn) {
      await pause(1500);
      await untilWaiting(checks, 1, 'hanging up alone does not end it');
    } else {
      await untilWaiting(checks, 0, 'it is ended at the daemon as well');
    }
  });
}

/** Checks that nothing is told of what goes on changing. */
export async function toldNoMore(checks, told, state) {
  // What was under way has arrived by then.
  await pause(300);
  const before = told.length;
  const was = JSON.stringify(await state());
  await pause(1500);
  const holds = told.length === before && JSON.stringify(await state()) !== was;
  checks.that('subscriptions', 'and then no more, while it goes on', holds, told);
}

export function finish(...all) {
  for (const checks of all) checks.leftOut();
  process.exit(all.some((checks) => checks.wrong > 0) ? 1 : 0);
}
