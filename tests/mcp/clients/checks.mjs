// What a client of the daemon checks: counted by area, told line by line, kept for the table.
import { appendFileSync, readFileSync } from 'node:fs';

const [address, key, worldFile, results] = process.argv.slice(2);
export const PATIENCE = 20_000;
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

export function finish(...all) {
  for (const checks of all) checks.leftOut();
  process.exit(all.some((checks) => checks.wrong > 0) ? 1 : 0);
}
