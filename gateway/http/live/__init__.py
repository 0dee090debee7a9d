"""What goes on for as long as somebody listens: WebSockets, and Server-Sent Events."""
