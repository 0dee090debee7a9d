// The secrets of a job, with Relay: pages of them, a new alias, a refused one, a deletion.
//
// Run with the name of another way to identify records, it shows what that one gets wrong.

import {
  commitMutation,
  createOperationDescriptor,
  fetchQuery,
  getSelector,
  graphql,
} from "relay-runtime";
import { errorsByField } from "../forms.mjs";
import { countRequests, jobId, targetId, tell, token, url } from "../given.mjs";
import { Screen } from "../screen.mjs";
import nextPageQuery from "./__generated__/secretsNextPageQuery.graphql";
import { makeEnvironment } from "./environment.js";

// docs: relay-page
const QUERY = graphql`
  query secretsQuery($jobId: ID!) {
    job(id: $jobId) {
      id
      ...secrets_job
    }
  }
`;

const FRAGMENT = graphql`
  fragment secrets_job on Job
  @argumentDefinitions(count: { type: "Int", defaultValue: 3 }, cursor: { type: "String" })
  @refetchable(queryName: "secretsNextPageQuery") {
    total: secrets(first: 1) { totalCount }
    secrets(first: $count, after: $cursor) @connection(key: "secrets_job_secrets") {
      __id
      edges { node { id key variableType aliasedSecret { id key } } }
    }
  }
`;
// end

// docs: relay-alias
const CREATE_ALIAS = graphql`
  mutation secretsCreateAliasMutation(
    $jobId: ID!, $secretId: ID!, $key: String!, $connections: [ID!]!
  ) {
    createJobSecretAlias(jobId: $jobId, secretId: $secretId, input: { key: $key }) {
      secretEdge @appendEdge(connections: $connections) {
        node { id key variableType aliasedSecret { id key } }
      }
      holder { id total: secrets(first: 1) { totalCount } }
      errors { code message path }
    }
  }
`;
// end

// docs: relay-delete
const DELETE_SECRET = graphql`
  mutation secretsDeleteMutation($secretId: ID!, $connections: [ID!]!) {
    deleteSecret(secretId: $secretId, withDependents: true) {
      deletedEdgeIds: deletedSecretIds @deleteEdge(connections: $connections)
      deletedSecretIds @deleteRecord
      holder { id total: secrets(first: 1) { totalCount } }
      errors { code message path }
    }
  }
`;
// end

const OTHER_WAYS = {
  byId: ({ id }) => id,
  byTypeAndId: ({ id }, typeName) => id && `${typeName}:${id}`,
};

const requests = countRequests();
const getDataID = OTHER_WAYS[process.argv[2]];
const environment = makeEnvironment(url, token, { getDataID });
const screen = new Screen();

function change(mutation, variables) {
  return new Promise((onCompleted, onError) => {
    commitMutation(environment, { mutation, variables, onCompleted, onError });
  });
}

const { job } = await fetchQuery(environment, QUERY, { jobId }).toPromise();
environment.retain(createOperationDescriptor(QUERY, { jobId }));
const snapshot = environment.lookup(getSelector(FRAGMENT, job));
let list;
function show({ data }) {
  list = data.secrets;
  screen.show({ ...data.secrets, totalCount: data.total.totalCount });
}
show(snapshot);
environment.subscribe(snapshot, show);

async function nextPage() {
  const cursor = list.pageInfo.endCursor;
  await fetchQuery(environment, nextPageQuery, { id: jobId, count: 3, cursor }).toPromise();
}

const pages = [screen.now];
await nextPage();
pages.push(screen.now);

const connections = [list.__id];
const alias = { jobId, secretId: targetId, key: "ZZ_ALIAS", connections };
const { createJobSecretAlias: created } = await change(CREATE_ALIAS, alias);
const withAlias = screen.now;
await nextPage();
pages.push(screen.now);

const { createJobSecretAlias: taken } = await change(CREATE_ALIAS, alias);
const fields = errorsByField(taken.errors);

const { deleteSecret: deleted } = await change(DELETE_SECRET, { secretId: targetId, connections });
const { deletedSecretIds } = deleted;
const withoutTarget = screen.now;

const refusal = await fetchQuery(makeEnvironment(url, "wrong"), QUERY, { jobId })
  .toPromise()
  .catch(({ source }) => source.errors[0]);
const code = refusal.extensions.code;

tell({ pages, created, withAlias, fields, deletedSecretIds, withoutTarget, code, requests });
