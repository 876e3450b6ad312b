// Package scimtest holds the suites that say whether a SCIM service keeps its
// promises: [RunDirectory] for the storage behind it, [Replay] for recorded
// conversations with Okta and Entra ID, and [Requirements] for the sentences of
// RFC 7643, 7644 and 9865, against any base URL.
//
// The recorded conversations are in testdata, in the format that testdata/README.md
// describes; [Recorded] gives them as a file system.
//
// Nothing here knows how the service is built. The suites need an empty tenant
// each, except [ReplayShared] and [Requirements], and report what was promised,
// what was asked and what came back. One command runs both against any service,
// ours or another's:
//
//	SCIM_BASE_URL=https://… SCIM_TOKEN=… SCIM_SENDER=okta go test -count=1 -v ./scimsrv/scimtest
//
// SCIM_SENDER (okta or entra) adds what that sender was recorded to send;
// SCIM_DEPARTURES lists requirements that the service does not keep on purpose.
package scimtest
