// One GraphQL request over HTTP, and the result in its response.

/** The gateway's address, seen from the page. */
export const ROOT = document.documentElement.dataset.root;

const RESULT = "application/graphql-response+json, application/json";
export const EVENTS = "text/event-stream";

/** The gateway did not accept the token. */
export class Refused extends Error {}

/** The response does not come from a working gateway. */
export class Unanswered extends Error {}

const QUOTED = /"""[^]*?"""|"(?:\\.|[^"\\\n])*"|#.*/g;
const OPERATION = /(?<![\w$@])(query|mutation|subscription)\b[\s,]*(\w*)[\s,]*[({@]/g;

/** Return the kinds of the operations in a document by their names; "" for one without a name. */
function kindsByName(query) {
  const operations = query.replace(QUOTED, "").matchAll(OPERATION);
  return new Map([...operations].map(([, kind, name]) => [name, kind]));
}

/**
 * Return the name if the document has an operation of that name. For a moment after a change of
 * tabs, GraphiQL still passes the other tab's name; a single operation does not need one.
 */
function nameWithin(query, name) {
  return kindsByName(query).has(name) ? name : undefined;
}

/** Return whether the operation to run is a subscription. */
export function isSubscription({ query, operationName }) {
  const kinds = kindsByName(query);
  const kind = kinds.get(operationName) ?? [...kinds.values()][0];
  return kind === "subscription";
}

/**
 * Send one operation. A redirect is an error: the token goes to this gateway only.
 *
 * Throws Refused for a token that is not accepted, and what `fetch` throws.
 */
export async function send(operation, credential, { accept = RESULT, signal } = {}) {
  const { query, variables, operationName } = operation;
  const response = await fetch(`${ROOT}graphql`, {
    method: "POST",
    mode: "same-origin",
    credentials: "omit",
    redirect: "error",
    cache: "no-store",
    signal,
    headers: {
      "content-type": "application/json",
      accept,
      authorization: `Bearer ${credential}`,
    },
    body: JSON.stringify({ query, variables, operationName: nameWithin(query, operationName) }),
  });
  if (response.status === 401) {
    throw new Refused();
  }
  return response;
}

/** Return the GraphQL result in a response. Throws Unanswered if there is none. */
export async function readResult(response) {
  const result = Object(await response.json().catch(() => null));
  if ("data" in result || "errors" in result) {
    return result;
  }
  throw new Unanswered(`The gateway answered ${response.status} without a GraphQL result.`);
}
