"""The pages for people: GraphiQL, the map and the REST reference, with one design."""
