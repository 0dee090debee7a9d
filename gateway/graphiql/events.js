// Subscriptions: server-sent events over fetch, because an EventSource cannot carry a token. The
// protocol is graphql-sse's, one connection an operation: `next` events with a result each, then
// `complete`; lines that begin with a colon only keep the connection alive.

import { EVENTS, readResult, send } from "./requests.js";
import { report, reportFailure } from "./status.js";

/** How many results are shown at most. */
const SHOWN = 50;

const LOST = "The connection ended before the subscription did. Run it again to go on.";

/** The requests that are open, so that all of them can be ended at once. */
const open = new Set();

/** End every subscription of the page. */
export function stopAll() {
  open.forEach((request) => request.abort());
}

/** Return one frame's event and data. */
function readFrame(frame) {
  const lines = frame.split(/\r?\n/).filter((line) => line !== "" && !line.startsWith(":"));
  const texts = (name) =>
    lines
      .filter((line) => line.startsWith(`${name}:`))
      .map((line) => line.slice(name.length + 1).replace(/^ /, ""));
  return { event: texts("event").at(-1), data: texts("data").join("\n") };
}

/** Give the events of a stream of bytes, each as soon as its last line is there. */
export async function* readEvents(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) {
      return;
    }
    const frames = (rest + value).split(/\r?\n\r?\n/);
    rest = frames.pop();
    yield* frames.map(readFrame).filter(({ event }) => event === "next" || event === "complete");
  }
}

/**
 * Hand on what the stream brings. GraphiQL shows one result at a time, so each one that it gets
 * holds those before it too.
 */
async function follow(response, show) {
  const newestFirst = [];
  let received = 0;
  show({ received, newestFirst });
  report("good", "Connected, watching");
  for await (const { event, data } of readEvents(response.body)) {
    if (event === "complete") {
      return report("good", "Connected");
    }
    newestFirst.unshift(JSON.parse(data));
    newestFirst.splice(SHOWN);
    received += 1;
    show({ received, newestFirst });
  }
  throw new Error("The stream ended without an event.");
}

/** Run a subscription until it is complete, lost or stopped. */
async function run(operation, credential, show, signal) {
  const response = await send(operation, credential, { accept: EVENTS, signal });
  if (!response.headers.get("content-type")?.startsWith(EVENTS)) {
    // What is refused before it begins comes as a single result.
    return show(await readResult(response));
  }
  let last = {};
  const remember = (result) => show((last = result));
  return follow(response, remember).catch(
    () => signal.aborted || show({ ...reportFailure(LOST), ...last }),
  );
}

/**
 * Return a subscription as GraphiQL takes it. It is an observable, not an async generator, whose
 * return() would wait for the next event: stopping has to end the request now.
 */
export function subscription(operation, credential, explain) {
  return {
    subscribe(observer) {
      const request = new AbortController();
      const ifWanted = (tell) => (it) => request.signal.aborted || tell(it);
      open.add(request);
      run(operation, credential, ifWanted(observer.next), request.signal)
        .catch(ifWanted((problem) => observer.next(explain(problem))))
        .then(ifWanted(observer.complete))
        .finally(() => open.delete(request));
      return { unsubscribe: () => stop(request) };
    },
  };
}

function stop(request) {
  request.abort();
  report("good", "Connected");
}
