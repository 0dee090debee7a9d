"""GraphQL over HTTP and WebSockets: what runs documents, their limits and cost, and errors."""
