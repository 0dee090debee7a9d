// The secrets of a job, with Apollo Client: pages of them, a new alias, a refused one, a deletion.

import { CombinedGraphQLErrors, gql } from "@apollo/client";
import { errorsByField } from "../forms.mjs";
import { countRequests, jobId, targetId, tell, token, url } from "../given.mjs";
import { Screen } from "../screen.mjs";
import { makeClient } from "./client.mjs";

// docs: apollo-page
const JOB_SECRETS = gql`
  query JobSecrets($jobId: ID!, $after: String) {
    job(id: $jobId) {
      id
      name
      secrets(first: 3, after: $after) {
        totalCount
        edges {
          cursor
          node { id key variableType aliasedSecret { id key } }
        }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
`;

async function nextPage(list) {
  const { endCursor } = list.getCurrentResult().data.job.secrets.pageInfo;
  await list.fetchMore({ variables: { after: endCursor } });
}
// end

// docs: apollo-alias
const CREATE_ALIAS = gql`
  mutation CreateAlias($jobId: ID!, $secretId: ID!, $key: String!) {
    createJobSecretAlias(jobId: $jobId, secretId: $secretId, input: { key: $key }) {
      secretEdge {
        cursor
        node { id key variableType aliasedSecret { id key } }
      }
      holder { id secrets(first: 1) { totalCount } }
      errors { code message path }
    }
  }
`;

async function createAlias(client, variables) {
  const { data } = await client.mutate({
    mutation: CREATE_ALIAS,
    variables,
    update(cache, { data: { createJobSecretAlias: { secretEdge } } }) {
      if (!secretEdge) return;
      const { jobId } = variables;
      cache.updateQuery({ query: JOB_SECRETS, variables: { jobId } }, ({ job }) => {
        const edges = [...job.secrets.edges, secretEdge];
        return { job: { ...job, secrets: { ...job.secrets, edges } } };
      });
    },
  });
  return data.createJobSecretAlias;
}
// end

// docs: apollo-delete
const DELETE_SECRET = gql`
  mutation DeleteSecret($secretId: ID!) {
    deleteSecret(secretId: $secretId, withDependents: true) {
      deletedSecretIds
      holder { id secrets(first: 1) { totalCount } }
      errors { code message path }
    }
  }
`;

async function deleteSecret(client, secretId) {
  const { data } = await client.mutate({
    mutation: DELETE_SECRET,
    variables: { secretId },
    update(cache, { data: { deleteSecret: { deletedSecretIds } } }) {
      for (const id of deletedSecretIds) {
        cache.evict({ id: cache.identify({ __typename: "Secret", id }) });
      }
      cache.gc();
    },
  });
  return data.deleteSecret;
}
// end

// docs: apollo-refused
async function codeOf(request) {
  try {
    await request;
    return null;
  } catch (error) {
    if (CombinedGraphQLErrors.is(error)) return error.errors[0].extensions.code;
    throw error;
  }
}
// end

const requests = countRequests();
const client = makeClient(url, token);
const screen = new Screen();
const list = client.watchQuery({ query: JOB_SECRETS, variables: { jobId } });
const watched = list.subscribe(({ data }) => data && screen.show(data.job.secrets));

const pages = [await screen.once(() => true)];
await nextPage(list);
pages.push(await screen.once(({ keys }) => keys.length === 6));

const alias = { jobId, secretId: targetId, key: "ZZ_ALIAS" };
const created = await createAlias(client, alias);
const withAlias = await screen.once(({ keys }) => keys.includes("ZZ_ALIAS"));
await nextPage(list);
pages.push(await screen.once(({ more }) => !more));

const taken = await createAlias(client, alias);
const fields = errorsByField(taken.errors);

const { deletedSecretIds } = await deleteSecret(client, targetId);
const withoutTarget = await screen.once(({ keys }) => !keys.includes("KEY_1"));
watched.unsubscribe();

const stranger = makeClient(url, "wrong");
const code = await codeOf(stranger.query({ query: JOB_SECRETS, variables: { jobId } }));

tell({ pages, created, withAlias, fields, deletedSecretIds, withoutTarget, code, requests });
