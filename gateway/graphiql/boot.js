// Starts GraphiQL on the gateway's page. A plain module for the browser: no build step, no inline
// script. It finds React, ReactDOM and GraphiQL where their own files put them, on the window.

const { React, ReactDOM, GraphiQL } = window;

const canvas = document.getElementById("graphiql");
const access = document.getElementById("access");
const field = document.getElementById("token");
const status = document.getElementById("status");
const hint = document.getElementById("hint");

/** The API token in use; it is kept in memory only: not in storage, URL, history, cookie or DOM. */
let token = "";

/** What a header can carry: visible ASCII without blanks. */
const TOKEN = /^[\x21-\x7e]+$/;

/** A UUID as the gateway spells it; any other spelling in the page's URL is left out. */
const CANONICAL_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

// ------------------------------------------------------------------------------ sample operations

const SHOW_JOB = `# What a job sees: its own secrets, those of its
# environment and project, and the built-in ones.
# No field gives a value: values stay inside.
#
#   1. Enter an API token above.
#   2. Put a job's id into the variables below.
#   3. Run it: the play button, or Ctrl-Enter.
query ShowJob($jobId: ID!) {
  job(id: $jobId) {
    name
    environment {
      name
      project {
        name
      }
    }
    visibleSecrets(first: 20) {
      edges {
        node {
          id
          key
          scope
          variableType
          # Set on an alias: what it stands for.
          aliasedSecret {
            key
            scope
          }
        }
      }
    }
  }
}
`;

const CREATE_ALIAS = `# Gives a secret that the job sees a second name,
# of the job's own. The value is not copied: the
# alias stands for the secret itself.
#
# Take secretId from the result of ShowJob; it may
# not be an alias itself.
mutation CreateAlias(
  $jobId: ID!
  $secretId: ID!
  $key: String!
) {
  createJobSecretAlias(
    jobId: $jobId
    secretId: $secretId
    input: { key: $key }
  ) {
    secret {
      id
      key
      variableType
      aliasedSecret {
        id
        key
        scope
      }
    }
    # Empty if it worked; else what was wrong.
    errors {
      code
      message
      path
    }
  }
}
`;

/** Return the id that the page's URL gives under this name, or the placeholder. */
function idFromUrl(name, placeholder) {
  const text = new URLSearchParams(window.location.search).get(name) ?? "";
  return CANONICAL_ID.test(text) ? text : placeholder;
}

/** Return both samples as GraphiQL's tabs, with the ids from the URL filled in. */
function sampleTabs() {
  const jobId = idFromUrl("jobId", "<the job's id>");
  const secretId = idFromUrl("secretId", "<the secret's id>");
  return [
    { query: SHOW_JOB, variables: pretty({ jobId }) },
    { query: CREATE_ALIAS, variables: pretty({ jobId, secretId, key: "DATABASE_URL" }) },
  ];
}

function pretty(variables) {
  return JSON.stringify(variables, null, 2);
}

// ------------------------------------------------------------------------------------ words shown

/** Show where the connection stands. `state` is one of idle, busy, good, bad: see style.css. */
function report(state, words) {
  status.dataset.state = state;
  status.textContent = words;
}

/** Return a GraphQL result that says what went wrong. With `data`, GraphiQL does not ask twice. */
function failure(words) {
  return { data: null, errors: [{ message: words }] };
}

function reportFailure(words) {
  report("bad", words);
  return failure(words);
}

// --------------------------------------------------------------------------------------- requests

/**
 * Return the name if the document has an operation of that name. For a moment after a change of
 * tabs, GraphiQL still gives the other tab's; a document with a single operation needs none.
 */
function nameWithin(query, name) {
  return new RegExp(`\\b(query|mutation|subscription)\\s+${name}\\b`).test(query) ? name : undefined;
}

/** Send one operation. A redirect is an error: the token goes to this gateway only. */
function send({ query, variables, operationName }, credential) {
  return fetch(canvas.dataset.endpoint, {
    method: "POST",
    mode: "same-origin",
    credentials: "omit",
    redirect: "error",
    cache: "no-store",
    headers: {
      "content-type": "application/json",
      accept: "application/graphql-response+json, application/json",
      authorization: `Bearer ${credential}`,
    },
    body: JSON.stringify({ query, variables, operationName: nameWithin(query, operationName) }),
  });
}

/** Return the GraphQL result in a response, or one that says why there is none. */
async function readResult(response) {
  const result = Object(await response.json().catch(() => null));
  if ("data" in result || "errors" in result) {
    report("good", "Connected");
    return result;
  }
  return reportFailure(`The gateway answered ${response.status} without a GraphQL result.`);
}

/** Return GraphiQL's fetcher for one token. */
function fetcherWith(credential) {
  return async (operation) => {
    let response;
    try {
      response = await send(operation, credential);
    } catch {
      return reportFailure("The gateway could not be reached.");
    }
    return response.status === 401 ? refuse(credential) : readResult(response);
  };
}

/** Drop a token that was not accepted, unless a newer one has already taken its place. */
function refuse(credential) {
  if (credential === token) {
    setToken("");
    report("bad", "The token was not accepted.");
  }
  return failure("The token was not accepted.");
}

/** GraphiQL's fetcher while there is no token: the answer could only be 401, so nothing is sent. */
async function askForToken() {
  field.focus();
  return failure("Enter an API token first, at the top of the page.");
}

// -------------------------------------------------------------------------------------- the page

/** Return a Storage in memory: GraphiQL keeps variables, and those may hold secret values. */
function memoryStorage() {
  const kept = new Map();
  return {
    getItem: (name) => kept.get(name) ?? null,
    setItem: (name, text) => void kept.set(name, String(text)),
    removeItem: (name) => void kept.delete(name),
    clear: () => kept.clear(),
    key: (index) => [...kept.keys()][index] ?? null,
    get length() {
      return kept.size;
    },
  };
}

const tabs = sampleTabs();
const settings = {
  defaultTabs: tabs,
  // GraphiQL fills the variable editor from this, not from the first tab.
  variables: tabs[0].variables,
  storage: memoryStorage(),
  // The token has a field of its own; a header editor would show it, and could keep it.
  isHeadersEditorEnabled: false,
  shouldPersistHeaders: false,
  defaultEditorToolsVisibility: "variables",
};

// GraphiQL's dialogs and menus add a <style> to lock scrolling; this is where they look for the
// nonce that the Content-Security-Policy asks of it. Browsers hide nonces from selectors.
window.__webpack_nonce__ = document.querySelector("link[nonce]").nonce;

const root = ReactDOM.createRoot(canvas);

/** Use this token from now on; an empty one forgets. A new fetcher makes GraphiQL ask for the schema. */
function setToken(credential) {
  token = credential;
  hint.hidden = credential !== "";
  field.placeholder = credential === "" ? "" : "In use. Enter another to change.";
  const fetcher = credential === "" ? askForToken : fetcherWith(credential);
  // `null` keeps GraphiQL from asking for the schema; `undefined` lets it.
  const schema = credential === "" ? null : undefined;
  root.render(React.createElement(GraphiQL, { ...settings, fetcher, schema }));
}

/** Take the token out of the field, and use it if a header can carry it. */
function takeToken(event) {
  event.preventDefault();
  const entered = field.value.trim();
  field.value = "";
  if (!TOKEN.test(entered)) {
    report("bad", "A token is a single word of letters, digits and signs.");
    return;
  }
  report("busy", "Checking the token …");
  setToken(entered);
}

/** Forget the token: a page that the browser keeps for its back button must not keep it. */
function forget() {
  field.value = "";
  setToken("");
  report("idle", "No token yet");
}

access.addEventListener("submit", takeToken);
window.addEventListener("pagehide", forget);
forget();
