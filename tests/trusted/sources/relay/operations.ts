import { graphql } from "react-relay";

export const projects = graphql`
  query operationsProjectsQuery($first: Int!) {
    projects(first: $first) {
      edges {
        node {
          ...operations_project
        }
      }
    }
  }
`;

export const project = graphql`
  fragment operations_project on Project {
    id
    name
  }
`;

export const createAlias = graphql`
  mutation operationsCreateAliasMutation($jobId: ID!, $secretId: ID!, $key: String!) {
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
