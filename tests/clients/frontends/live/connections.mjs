// docs: live-connections
import { createClient as createSseClient } from "graphql-sse";
import { createClient as createWsClient } from "graphql-ws";
import ws from "ws";

/** Watch over one WebSocket. It opens with the first subscription and closes after the last. */
export function overWebSocket(url, token, options) {
  return createWsClient({
    url: `${url.replace(/^http/, "ws")}/graphql`,
    connectionParams: { Authorization: `Bearer ${token}` },
    retryAttempts: Infinity,
    // Also where no connection comes about; but not where the credential is refused.
    shouldRetry: ({ code }) => code !== 4403,
    webSocketImpl: globalThis.WebSocket ?? ws, // Browsers have one, and Node 22.
    ...options,
  });
}

/** Watch over Server-Sent Events: one request for each subscription; five tries to go on. */
export function overEvents(url, token, options) {
  const headers = { Authorization: `Bearer ${token}` };
  return createSseClient({ url: `${url}/graphql`, headers, ...options });
}
// end
