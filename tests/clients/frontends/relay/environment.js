// docs: relay-environment
import { Environment, Network, Observable, RecordSource, Store } from "relay-runtime";

// What an alias or an override refers to has the id of the secret itself, and is another record.
const REFERENCES = ["SecretAlias", "SecretOverride"];

export function identify({ id }, typeName) {
  return REFERENCES.includes(typeName) ? `${typeName}:${id}` : id;
}

export function makeEnvironment(url, token, { getDataID = identify, live } = {}) {
  async function ask({ name, text }, variables) {
    const answer = await fetch(`${url}/graphql`, {
      method: "POST",
      headers: {
        Accept: "application/graphql-response+json",
        Authorization: `Bearer ${token}`,
        "Content-Type": "application/json",
      },
      body: JSON.stringify({ operationName: name, query: text, variables }),
    });
    return answer.json();
  }
  // `live` is the client of graphql-ws, or that of graphql-sse.
  function watch({ name, text }, variables) {
    const request = { operationName: name, query: text, variables };
    return Observable.create((sink) => live.subscribe(request, sink));
  }
  const store = new Store(new RecordSource());
  return new Environment({ network: Network.create(ask, watch), store, getDataID });
}
// end
