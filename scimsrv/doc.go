// Package scimsrv serves SCIM 2.0 (RFC 7643, 7644, 9865) to identity providers.
//
// It owns routes, tokens, limits, errors and discovery; the value tree, schemas,
// filter language, patch engine and sender quirks live in packages of their own
// below it. It stores nothing: a [Directory] does, and answers only for the
// source that the bearer token names, so no source ever sees another's resources.
package scimsrv
