// The secrets of a job, with urql and its own cache, which keeps answers as a whole: a page is a
// query of its own, and a mutation whose answer names a type makes urql ask again what has that type.

import { Client, fetchExchange } from "@urql/core";
import { errorsByField } from "../forms.mjs";
import { jobId, targetId, tell, token, url } from "../given.mjs";
import { Screen } from "../screen.mjs";
import { makeClient } from "./client.mjs";
import { CREATE_ALIAS, DELETE_SECRET, JOB_SECRETS } from "./operations.mjs";

// docs: urql-pages
async function readPages(client, jobId) {
  const pages = [];
  for (let after = null; after !== undefined; ) {
    const { data, error } = await client.query(JOB_SECRETS, { jobId, after });
    if (error) throw error;
    const { edges, pageInfo } = data.job.secrets;
    pages.push(edges.map(({ node }) => node.key));
    after = pageInfo.hasNextPage ? pageInfo.endCursor : undefined;
  }
  return pages;
}
// end

async function createAlias(client, variables) {
  const { data, error } = await client.mutation(CREATE_ALIAS, variables);
  if (error) throw error;
  return data.createJobSecretAlias;
}

const client = makeClient(url, token);
const screen = new Screen();
const list = client.query(JOB_SECRETS, { jobId });
const watched = list.subscribe(({ data }) => screen.show(data.job.secrets));

const first = await screen.once(() => true);
const pages = await readPages(client, jobId);
const variables = { jobId, secretId: targetId, key: "ZZ_ALIAS" };
const created = await createAlias(client, variables);
const withAlias = await screen.once(({ totalCount }) => totalCount === first.totalCount + 1);

const taken = await createAlias(client, variables);
const fields = errorsByField(taken.errors);

await client.mutation(DELETE_SECRET, { secretId: targetId });
const withoutTarget = await screen.once(({ keys }) => !keys.includes("KEY_1"));
watched.unsubscribe();

// docs: urql-refused
const { error } = await makeClient(url, "wrong").query(JOB_SECRETS, { jobId });
const code = error.graphQLErrors[0].extensions.code;
// end

const byDefault = new Client({
  url: `${url}/graphql`,
  exchanges: [fetchExchange],
  fetchOptions: { headers: { Authorization: `Bearer ${token}` } },
});
const onGet = await byDefault.query(JOB_SECRETS, { jobId });
const codeOnGet = onGet.error.graphQLErrors[0].extensions.code;

tell({ first, pages, created, withAlias, fields, withoutTarget, code, codeOnGet });
