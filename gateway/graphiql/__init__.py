"""GraphiQL at /graphiql: a page to explore the API by hand, served from the gateway's own host."""
