// A list of a job's secrets that is up to date, with Apollo Client over a WebSocket, while somebody
// else creates a secret, renames it and deletes it.

import { ApolloLink, gql } from "@apollo/client";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { jobId, tell, token, url } from "../given.mjs";
import { overWebSocket } from "../live/connections.mjs";
import { resuming } from "../live/resuming.mjs";
import { create, remove, rename } from "../live/somebody.mjs";
import { Heard, Screen } from "../screen.mjs";
import { makeClient } from "./client.mjs";

// docs: apollo-live
function makeLiveClient(url, token) {
  const client = makeClient(url, token);
  const live = new GraphQLWsLink(resuming(overWebSocket(url, token)));
  const isLive = ({ operationType }) => operationType === "subscription";
  client.setLink(ApolloLink.split(isLive, live, client.link));
  return client;
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
function watchSecrets(client, variables, onChange) {
  return client.subscribe({ query: SECRET_CHANGED, variables }).subscribe(({ data, error }) => {
    if (error) throw error;
    const { kind, secretId } = data.secretChanged;
    // A new content is in the cache already, with the id of the secret.
    if (kind === "CREATED") client.refetchQueries({ include: [JOB_SECRETS] });
    if (kind === "DELETED") {
      client.cache.evict({ id: client.cache.identify({ __typename: "Secret", id: secretId }) });
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

const client = makeLiveClient(url, token);
const screen = new Screen();
const { data } = await client.query({ query: JOB_SECRETS, variables: { jobId } });
const list = client.watchQuery({ query: JOB_SECRETS, variables: { jobId } });
list.subscribe(({ data }) => data && screen.show(data.job.secrets));

const changes = new Heard();
const effects = new Heard();
const variables = { jobId, after: data.changeCursor };
const watched = watchSecrets(client, variables, ({ kind }) => changes.add(kind));
const felt = client
  .subscribe({ query: EFFECTIVE_SECRETS_CHANGED, variables })
  .subscribe(({ data: { effectiveSecretsChanged: { keys, effectiveSecrets } } }) => {
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
watched.unsubscribe();
felt.unsubscribe();

tell({ ...told, withNew, renamed, withoutIt });
