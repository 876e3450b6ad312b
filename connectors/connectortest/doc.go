// Package connectortest holds every connector to the promises written in package
// connectors: one suite for sources ([RunSource]), one for targets (RunTarget).
//
// A connector passes a suite by handing over its simulator and a constructor; the
// suite puts itself between the two and makes the service misbehave: it answers
// with web pages, breaks off, repeats itself, throttles, refuses, floods and
// hangs. What a service does in its own particular way (permissions, labels,
// status words) is the connector's own tests' business, not the suite's.
//
// Each promise is a function that returns what was violated and why it matters,
// so that the suite itself can be tested with connectors that break them.
package connectortest
