// A list of a job's secrets that is up to date, with urql and Graphcache, over a WebSocket or
// Server-Sent Events (`node watch.mjs overWebSocket|overEvents`), while somebody else creates a
// secret, renames it and deletes it.

import { fetchExchange, Client, gql, subscriptionExchange } from "@urql/core";
import { jobId, tell, token, url } from "../given.mjs";
import * as connections from "../live/connections.mjs";
import { resuming } from "../live/resuming.mjs";
import { create, remove, rename } from "../live/somebody.mjs";
import { Heard, Screen } from "../screen.mjs";
import { normalizedCache } from "./cache.mjs";

// docs: urql-live
/** `live` is the client of `graphql-ws`, or that of `graphql-sse`. */
function makeLiveClient(url, token, live) {
  const forwardSubscription = ({ query, variables }) => ({
    subscribe: (sink) => ({ unsubscribe: live.subscribe({ query, variables }, sink) }),
  });
  return new Client({
    url: `${url}/graphql`,
    exchanges: [normalizedCache, fetchExchange, subscriptionExchange({ forwardSubscription })],
    fetchOptions: { headers: { Authorization: `Bearer ${token}` } },
    preferGetMethod: false,
  });
}

const JOB_SECRETS = gql`
  query JobSecrets($jobId: ID!) {
    changeCursor
    job(id: $jobId) {
      id
      secrets(first: 100) {
        totalCount
        edges { cursor node { id key variableType } }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
`;

const SECRET_CHANGED = gql`
  subscription SecretChanged($jobId: ID!, $after: String) {
    secretChanged(holder: { jobId: $jobId }, after: $after) {
      cursor
      kind
      secretId
      secret { id key variableType }
    }
  }
`;

/** Keep the list up to date; `after` is the `changeCursor` that came with it. */
function watchSecrets(client, { jobId, after }, onChange) {
  return client.subscription(SECRET_CHANGED, { jobId, after }).subscribe(({ data, error }) => {
    if (error) throw error;
    const { kind } = data.secretChanged;
    // A new content is in the cache already, with the id of the secret.
    if (kind !== "UPDATED") {
      client.query(JOB_SECRETS, { jobId }, { requestPolicy: "network-only" }).toPromise();
    }
    onChange(data.secretChanged);
  });
}
// end

const EFFECTIVE_SECRETS_CHANGED = gql`
  subscription EffectiveSecretsChanged($jobId: ID!, $after: String) {
    effectiveSecretsChanged(serviceId: $jobId, after: $after) {
      cursor
      keys
      effectiveSecrets { key provenance secret { id } }
    }
  }
`;

const live = resuming(connections[process.argv[2]](url, token));
const client = makeLiveClient(url, token, live);
const screen = new Screen();
const { data } = await client.query(JOB_SECRETS, { jobId });
const list = client.query(JOB_SECRETS, { jobId }).subscribe(({ data }) => {
  if (data) screen.show(data.job.secrets);
});

const changes = new Heard();
const effects = new Heard();
const variables = { jobId, after: data.changeCursor };
const watched = watchSecrets(client, variables, ({ kind }) => changes.add(kind));
const felt = client.subscription(EFFECTIVE_SECRETS_CHANGED, variables).subscribe(({ data }) => {
  const { keys, effectiveSecrets } = data.effectiveSecretsChanged;
  effects.add({ keys, there: effectiveSecrets.map(({ key }) => key) });
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
for (const each of [list, watched, felt]) each.unsubscribe();

tell({ ...told, withNew, renamed, withoutIt });
