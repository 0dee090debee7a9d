"""What all HTTP faces share: reading bodies, telling errors, headers, the GraphQL endpoint."""
