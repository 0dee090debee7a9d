import { gql } from "@apollo/client";

export const PROJECTS = gql`
  query Projects($first: Int!) {
    projects(first: $first) {
      edges {
        node {
          ...ProjectName
        }
      }
    }
  }
  fragment ProjectName on Project {
    id
    name
  }
`;

export const CREATE_ALIAS = gql`
  mutation CreateAlias($jobId: ID!, $secretId: ID!, $key: String!) {
    createJobSecretAlias(jobId: $jobId, secretId: $secretId, input: { key: $key }) {
      secret {
        id
        key
      }
      errors {
        code
        message
      }
    }
  }
`;
