// Subscriptions: server-sent events over fetch, because an EventSource cannot carry a token. The
// protocol is graphql-sse's, one connection per operation: `next` events with a result each, then
// `complete`. Lines that begin with a colon only keep the connection alive.

import { EVENTS, readResult, send } from "./requests.js";
import { report, reportFailure } from "./status.js";

/** The maximum number of results shown. */
const SHOWN = 50;

const LOST = "The connection ended before the subscription did. Run it again to continue.";

/** The open requests, so that all of them can be stopped. */
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

/** Yield the events of a byte stream, each as soon as its last line has arrived. */
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
 * Show the results of the stream. GraphiQL shows one result at a time, so each one includes those
 * before it.
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
    // A subscription that is refused before it starts returns a single result.
    return show(await readResult(response));
  }
  let last = {};
  const remember = (result) => show((last = result));
  return follow(response, remember).catch(
    () => signal.aborted || show({ ...reportFailure(LOST), ...last }),
  );
}

/**
 * Return a subscription for GraphiQL. It is an observable, because an async generator's return()
 * would wait for the next event: stopping must end the request at once.
 */
export function subscription(operation, credential, explain) {
  return {
    subscribe(observer) {
      const request = new AbortController();
      const ifWanted = (notify) => (value) => request.signal.aborted || notify(value);
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
