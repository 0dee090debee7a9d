// Watches a job over a WebSocket or Server-Sent Events, and tells each change on a line of its own:
//
//     node watch.mjs overWebSocket|overEvents [again]
//
// It begins behind the cursor that it is given. With `again`, so does each new connection.

import { after, jobId, tell, token, url } from "../given.mjs";
import * as connections from "./connections.mjs";
import { resuming } from "./resuming.mjs";

// docs: live-watch
const SECRET_CHANGED = /* GraphQL */ `
  subscription SecretChanged($jobId: ID!, $after: String) {
    secretChanged(holder: { jobId: $jobId }, after: $after) {
      cursor
      kind
      key
      secretId
    }
  }
`;

const EFFECTIVE_SECRETS_CHANGED = /* GraphQL */ `
  subscription EffectiveSecretsChanged($jobId: ID!, $after: String) {
    effectiveSecretsChanged(serviceId: $jobId, after: $after) {
      cursor
      keys
      effectiveSecrets { key provenance secret { id scope } }
    }
  }
`;

function watch(client, query, variables, onChange) {
  return client.subscribe(
    { query, variables },
    {
      next: ({ data, errors }) => (errors ? console.error(errors) : onChange(data)),
      error: (reason) => console.error(reason),
      complete: () => {}, // The holder is gone, or we are done.
    },
  );
}
// end

const [connection, again] = process.argv.slice(2);
// A test does not wait for seconds before each try, as the clients would by themselves.
const soon = () => new Promise((resolve) => setTimeout(resolve, 50));
const options = { retryAttempts: 1000, retry: soon, retryWait: soon };
const opened = connections[connection](url, token, options);
const client = again ? opened : resuming(opened);

const variables = { jobId, after };
watch(client, SECRET_CHANGED, variables, tell);
watch(client, EFFECTIVE_SECRETS_CHANGED, variables, tell);
