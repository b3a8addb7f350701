//! OpenAPI 2 and 3 with x-amazon-apigateway extensions to and from document trees.
