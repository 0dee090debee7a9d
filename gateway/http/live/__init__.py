"""Long-lived responses: WebSockets and Server-Sent Events."""
