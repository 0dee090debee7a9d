// docs: apollo-client
import { ApolloClient, HttpLink, InMemoryCache } from "@apollo/client";
import { relayStylePagination } from "@apollo/client/utilities";

const SERVICES = ["Application", "Container", "Job", "Helm", "Terraform", "AgenticWorkflow"];
const HOLDERS = ["Project", "Environment", ...SERVICES];

export function makeCache() {
  return new InMemoryCache({
    possibleTypes: { SecretHolder: HOLDERS, Service: SERVICES },
    typePolicies: {
      SecretHolder: {
        fields: {
          // A list with another filter or order is another list.
          secrets: relayStylePagination(["filter", "orderBy"]),
          visibleSecrets: relayStylePagination(),
        },
      },
      Service: { fields: { effectiveSecrets: relayStylePagination(["filter", "orderBy"]) } },
    },
  });
}

export function makeClient(url, token) {
  const headers = { Authorization: `Bearer ${token}` };
  return new ApolloClient({
    link: new HttpLink({ uri: `${url}/graphql`, headers }),
    cache: makeCache(),
  });
}
// end
