// The secrets of a job, in TypeScript: graphql-codegen types the documents below, tsc holds us to it.

import type { Client } from "@urql/core";
import { graphql } from "./gql/index.js";
import type { SecretHolderRef, SecretsQuery } from "./gql/graphql.js";

// docs: typescript-page
const SECRETS = graphql(`
  query Secrets($jobId: ID!, $after: String) {
    job(id: $jobId) {
      secrets(first: 3, after: $after) {
        edges { node { id key variableType createdAt } }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
`);

type Page = NonNullable<SecretsQuery["job"]>["secrets"];

async function readPage(client: Client, jobId: string, after: string | null): Promise<Page> {
  const { data, error } = await client.query(SECRETS, { jobId, after });
  if (error) throw error;
  if (!data?.job) throw new Error("There is no such job.");
  return data.job.secrets;
}

export async function readKeys(client: Client, jobId: string): Promise<string[][]> {
  let page = await readPage(client, jobId, null);
  const pages = [page];
  while (page.pageInfo.hasNextPage) {
    page = await readPage(client, jobId, page.pageInfo.endCursor);
    pages.push(page);
  }
  return pages.map(({ edges }) => edges.map(({ node }) => node.key));
}
// end

// docs: typescript-alias
const CREATE_ALIAS = graphql(`
  mutation CreateAlias($holder: SecretHolderRef!, $secretId: ID!, $key: String!) {
    createSecretAlias(holder: $holder, secretId: $secretId, input: { key: $key }) {
      secret { id key aliasedSecret { key } }
      errors {
        __typename
        code
        message
        path
        ... on SecretKeyConflictError { existing { id key } }
      }
    }
  }
`);

export async function createAlias(
  client: Client,
  holder: SecretHolderRef, // Exactly one of { jobId }, { projectId } and so on.
  secretId: string,
  key: string,
) {
  const { data, error } = await client.mutation(CREATE_ALIAS, { holder, secretId, key });
  if (!data) throw error;
  const { secret, errors } = data.createSecretAlias;
  const takenBy = errors.flatMap((each) =>
    each.__typename === "SecretKeyConflictError" && each.existing ? [each.existing.id] : [],
  );
  return { secret, errors, takenBy };
}
// end
