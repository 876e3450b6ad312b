// Package config reads rollcall's configuration file: strict TOML, one file, no
// includes. The structs in this package are the parser, the validator, the
// defaults and the generator of the shown configuration at once, so a key
// cannot be known to one of them and not to another.
//
// What is written must mean something. An unknown key, a key of another kind, a
// wrong type and an impossible value are all problems, each with file, line,
// column, key, what was found and what is allowed; [Parse] reports all of them
// in one go ([Problems]).
//
// Reading does not open secrets: a [Secret] is a reference until
// [Config.ResolveSecrets] is called, and prints as [secret] ever after.
//
// The package opens no connection, does not look whether certificates or
// directories exist, and knows neither the store nor any connector. It imports
// the mapping package to compile the expressions, so that a mistake in one is
// told together with all other mistakes. A [Config] is a value to be read; it
// is safe for concurrent use once ResolveSecrets returned.
package config
