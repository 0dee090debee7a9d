// The connection status at the top of the page.

const line = document.getElementById("status");

/** Show the connection status. `state` is one of idle, busy, good, bad: see style.css. */
export function report(state, words) {
  line.dataset.state = state;
  line.textContent = words;
}

/** Return a GraphQL result that says what went wrong. With `data`, GraphiQL does not ask twice. */
export function failure(words) {
  return { data: null, errors: [{ message: words }] };
}

/** Say what went wrong at the top of the page, and return the result that says the same. */
export function reportFailure(words) {
  report("bad", words);
  return failure(words);
}
