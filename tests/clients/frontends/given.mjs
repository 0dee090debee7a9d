// What a test gives a program, and how the program tells what became of it.

const { GATEWAY_URL, GATEWAY_TOKEN, JOB_ID, TARGET_ID, AFTER } = process.env;

/** Where the gateway listens, a credential, the job whose secrets are shown, what to alias. */
export const url = GATEWAY_URL;
export const token = GATEWAY_TOKEN;
export const jobId = JOB_ID;
export const targetId = TARGET_ID;

/** The cursor to begin behind, where the test gives one. */
export const after = AFTER;

/** Count the requests of this process from now on, with the operations they name. */
export function countRequests() {
  const names = [];
  const send = globalThis.fetch;
  globalThis.fetch = (to, options) => {
    names.push(JSON.parse(options.body).operationName);
    return send(to, options);
  };
  return names;
}

/** Tell the test, on one line of JSON. */
export function tell(answer) {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
