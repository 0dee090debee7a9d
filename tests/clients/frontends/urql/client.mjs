// docs: urql-client
import { Client, cacheExchange, fetchExchange } from "@urql/core";

export function makeClient(url, token, cache = cacheExchange) {
  return new Client({
    url: `${url}/graphql`,
    exchanges: [cache, fetchExchange],
    fetchOptions: { headers: { Authorization: `Bearer ${token}` } },
    preferGetMethod: false, // By default urql sends queries by GET, which the gateway refuses.
  });
}
// end
