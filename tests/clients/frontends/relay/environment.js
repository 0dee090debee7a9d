// docs: relay-environment
import { Environment, Network, RecordSource, Store } from "relay-runtime";

// What an alias or an override refers to has the id of the secret itself, and is another record.
const REFERENCES = ["SecretAlias", "SecretOverride"];

export function identify({ id }, typeName) {
  return REFERENCES.includes(typeName) ? `${typeName}:${id}` : id;
}

export function makeEnvironment(url, token, getDataID = identify) {
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
  const store = new Store(new RecordSource());
  return new Environment({ network: Network.create(ask), store, getDataID });
}
// end
