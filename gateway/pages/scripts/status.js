// The connection status at the top of the page.

const line = document.getElementById("status");

/** Show the connection status. `state` is one of idle, busy, good, bad: see style.css. */
export function report(state, words) {
  line.dataset.state = state;
  line.textContent = words;
}

/** Return a GraphQL result with an error. With `data`, GraphiQL does not send the request twice. */
export function failure(words) {
  return { data: null, errors: [{ message: words }] };
}

/** Show an error at the top of the page, and return a result with the same message. */
export function reportFailure(words) {
  report("bad", words);
  return failure(words);
}
