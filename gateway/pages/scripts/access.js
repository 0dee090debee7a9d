// The form at the top of a page that takes an API token, and the link that needs it.

import { ROOT } from "./requests.js";
import { report } from "./status.js";

const form = document.getElementById("access");
const field = document.getElementById("token");
const hint = document.getElementById("hint");

/** What a header can contain: visible ASCII without blanks. */
const TOKEN = /^[\x21-\x7e]+$/;

/** The API token in use; it is kept in memory only: not in storage, URL, history, cookie or DOM. */
export let token = "";

/** Use this token from now on; an empty one forgets the last. */
export function keepToken(credential) {
  token = credential;
  hint.hidden = credential !== "";
  field.placeholder = credential === "" ? "" : "In use";
}

/** Put the cursor where a token is entered. */
export function askForToken() {
  field.focus();
}

/**
 * Call `use` with each token that is entered. Call `drop` at once, and when the page is left: the
 * copy of it behind the back button must not contain the token.
 */
export function watchToken(use, drop) {
  const forget = () => {
    field.value = "";
    drop();
    report("idle", "No token yet");
  };
  form.addEventListener("submit", (event) => take(event, use));
  window.addEventListener("pagehide", forget);
  forget();
  field.focus();
}

/** Take the token out of the field, and use it if a header can carry it. */
function take(event, use) {
  event.preventDefault();
  const entered = field.value.trim();
  field.value = "";
  if (TOKEN.test(entered)) {
    use(entered);
  } else {
    report("bad", "A token is a single word of letters, digits and signs.");
  }
}

/** Request a text with the token. A redirect is an error: the token goes to this gateway only. */
export function fetchText(address, accept, credential = token) {
  return fetch(address, {
    mode: "same-origin",
    credentials: "omit",
    redirect: "error",
    cache: "no-store",
    headers: { accept, authorization: `Bearer ${credential}` },
  });
}

/** Save the schema as a file. A link alone cannot: the schema is for who has a token. */
async function saveSchema(event) {
  event.preventDefault();
  if (token === "") {
    report("bad", "Enter an API token first.");
    field.focus();
    return;
  }
  const response = await fetchText(`${ROOT}schema.graphql`, "text/plain").catch(() => null);
  if (!response?.ok) {
    report("bad", `The schema is not available (${response?.status ?? "no answer"}).`);
    return;
  }
  const href = URL.createObjectURL(await response.blob());
  Object.assign(document.createElement("a"), { href, download: "schema.graphql" }).click();
  URL.revokeObjectURL(href);
}

document.querySelector("a[href$='schema.graphql']").addEventListener("click", saveSchema);
