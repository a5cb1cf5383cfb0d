// A busy server says when to come again (503, Retry-After); whoever searches needn't see that.
const TIMES = 3;
const LONGEST_SECONDS = 3;

/** `fetch`, asked again up to three times; each wait a little different, so that not all come back at once. */
export async function patiently(address, options) {
  for (let time = 1; ; time += 1) {
    const answer = await fetch(address, options);
    const seconds = Number(answer.headers.get("Retry-After") ?? Infinity);
    if (answer.status !== 503 || !(seconds <= LONGEST_SECONDS) || time > TIMES) return answer;
    await new Promise((go) => setTimeout(go, seconds * 1000 * (0.75 + Math.random() / 2)));
    options.signal.throwIfAborted();
  }
}
