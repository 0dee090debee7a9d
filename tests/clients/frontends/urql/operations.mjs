// The operations that both programs on urql send.

import { gql } from "@urql/core";

// docs: urql-operations
export const JOB_SECRETS = gql`
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

export const CREATE_ALIAS = gql`
  mutation CreateAlias($jobId: ID!, $secretId: ID!, $key: String!) {
    createJobSecretAlias(jobId: $jobId, secretId: $secretId, input: { key: $key }) {
      secretEdge {
        cursor
        node { id key variableType aliasedSecret { id key } }
      }
      holder { id }
      errors { code message path }
    }
  }
`;

export const DELETE_SECRET = gql`
  mutation DeleteSecret($secretId: ID!) {
    deleteSecret(secretId: $secretId, withDependents: true) {
      deletedSecretIds
      holder { id }
      errors { code message path }
    }
  }
`;
// end
