// How is a condition waited for that nobody announces?

/** How long anything may take before a test gives up on it, in milliseconds. */
export const PATIENCE = 12_000;

export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Asks until the answer is neither false nor nothing, and returns it. */
export async function eventually(what, ask, patience = PATIENCE) {
  const end = Date.now() + patience;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`waited ${patience / 1000} s for ${what}, and it did not come`);
    await pause(25);
  }
}
