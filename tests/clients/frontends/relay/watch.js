// A list of a job's secrets that is up to date, with Relay over a WebSocket, while somebody else
// creates a secret, renames it and deletes it.

import {
  ConnectionHandler,
  createOperationDescriptor,
  fetchQuery,
  getRequest,
  graphql,
  requestSubscription,
} from "relay-runtime";
import { jobId, tell, token, url } from "../given.mjs";
import { overWebSocket } from "../live/connections.mjs";
import { resuming } from "../live/resuming.mjs";
import { create, remove, rename } from "../live/somebody.mjs";
import { Heard, Screen } from "../screen.mjs";
import { makeEnvironment } from "./environment.js";

// docs: relay-live
const QUERY = graphql`
  query watchQuery($jobId: ID!) {
    changeCursor
    job(id: $jobId) {
      secrets(first: 100) @connection(key: "watch_secrets") {
        __id
        edges { node { id key variableType } }
      }
    }
  }
`;

const SECRET_CHANGED = graphql`
  subscription watchSecretChangedSubscription($jobId: ID!, $after: String) {
    secretChanged(holder: { jobId: $jobId }, after: $after) {
      cursor
      kind
      secretId
      secret { id key variableType }
    }
  }
`;

/** Keep the list up to date; `after` is the `changeCursor` that came with it. */
function watchSecrets(environment, variables, listId, onChange) {
  return requestSubscription(environment, {
    subscription: SECRET_CHANGED,
    variables,
    updater(store, { secretChanged: { kind, secretId } }) {
      if (kind === "UPDATED") return; // It is in the store already, with the id of the secret.
      const list = store.get(listId);
      ConnectionHandler.deleteNode(list, secretId); // What we created ourselves is there already.
      const node = store.get(secretId);
      if (kind === "CREATED" && node) {
        const edge = ConnectionHandler.createEdge(store, list, node, "SecretEdge");
        ConnectionHandler.insertEdgeAfter(list, edge);
      } else {
        store.delete(secretId);
      }
    },
    onNext: ({ secretChanged }) => onChange(secretChanged),
  });
}
// end

const EFFECTIVE_SECRETS_CHANGED = graphql`
  subscription watchEffectiveSecretsChangedSubscription($jobId: ID!, $after: String) {
    effectiveSecretsChanged(serviceId: $jobId, after: $after) {
      cursor
      keys
      effectiveSecrets { key provenance secret { id } }
    }
  }
`;

const live = resuming(overWebSocket(url, token));
const environment = makeEnvironment(url, token, { live });
const screen = new Screen();

const { changeCursor, job } = await fetchQuery(environment, QUERY, { jobId }).toPromise();
const operation = createOperationDescriptor(getRequest(QUERY), { jobId });
environment.retain(operation);
const show = ({ data: { job } }) => screen.show(job.secrets);
const snapshot = environment.lookup(operation.fragment);
show(snapshot);
const list = environment.subscribe(snapshot, show);

const changes = new Heard();
const effects = new Heard();
const variables = { jobId, after: changeCursor };
const watched = watchSecrets(environment, variables, job.secrets.__id, ({ kind }) => {
  changes.add(kind);
});
const felt = requestSubscription(environment, {
  subscription: EFFECTIVE_SECRETS_CHANGED,
  variables,
  onNext({ effectiveSecretsChanged: { keys, effectiveSecrets } }) {
    effects.add({ keys, there: effectiveSecrets.map(({ key }) => key) });
  },
});

const secretId = await create("WATCHED");
const withNew = await screen.once(({ keys }) => keys.includes("WATCHED"));
await effects.first(1);
await rename(secretId, "WATCHED_MORE");
const renamed = await screen.once(({ keys }) => keys.includes("WATCHED_MORE"));
await effects.first(2);
await remove(secretId);
const withoutIt = await screen.once(({ keys }) => !keys.includes("WATCHED_MORE"));
const told = { changes: await changes.first(3), effects: await effects.first(3) };
for (const each of [list, watched, felt]) each.dispose();

tell({ ...told, withNew, renamed, withoutIt });
