import { graphql } from "../made/gql";

export const projects = graphql(`
  query Projects($first: Int!) {
    projects(first: $first) {
      edges {
        node {
          ...ProjectName
        }
      }
    }
  }
`);

export const projectName = graphql(`
  fragment ProjectName on Project {
    id
    name
  }
`);

export const createAlias = graphql(`
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
`);
